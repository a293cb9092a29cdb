"""Markdoc, Liquid and shortcodes."""

from __future__ import annotations

import html

import pytest

from tests.sources.rendering import SITE, published, rendered, shown, warnings

OTHER = f"{SITE}/other/"


def test_markdoc_tags_of_the_table_are_replaced() -> None:
    text = (
        '{% Pep number=649 /%}, {% Pep number=8 %}PEP eight{% /Pep %}, {% Docs path="/library/json.html" /%}, '
        '{% PyPi name="requests" /%}, {% GhRepo repo="python/cpython" /%}, {% GhUser name="a&b" /%}'
    )

    assert rendered(text, "markdoc").html == (
        '<p><a href="https://peps.python.org/pep-0649/">PEP 649</a>, '
        '<a href="https://peps.python.org/pep-0008/">PEP 8</a>, '
        '<a href="https://docs.python.org/library/json.html">json</a>, '
        '<a href="https://pypi.org/project/requests/">requests</a>, '
        '<a href="https://github.com/python/cpython">cpython</a>, '
        '<a href="https://github.com/a&amp;b">@a&amp;b</a></p>\n'
    )


def test_markdoc_variables_and_annotations_are_dropped() -> None:
    assert shown("## Head {% #id .class %}\n\nSee {% $version %}this.", "markdoc") == "Head See this."


def test_unknown_tags_are_unwrapped_or_dropped_and_told_of() -> None:
    text = "{% box a=1 %}\n\nSome *text*\n\n{% /box %}\n\n{% chart /%}\n"
    post = rendered(text, "markdoc")

    assert post.html == "<p>Some <em>text</em></p>\n"
    assert post.dropped == 1
    assert warnings(text, "markdoc") == [
        (0, "the component box is not known: what it holds is kept, itself left out"),
        (6, "the component chart is not known and left out"),
    ]


def test_a_callout_within_a_list_stays_there() -> None:
    page = published("- a\n\n  {% callout title='Mind' %}\n  b\n  {% /callout %}\n- c", "markdoc")

    assert "<blockquote><p><strong>Mind</strong></p><p>b</p> </blockquote>" in page
    assert page.count("<li>") == 2


def test_addresses_of_liquid_lead_where_they_lead_on_the_site() -> None:
    text = (
        "[a]({% post_url 2026-01-01-other %}) ![b]({{ site.baseurl }}/b.png) [c]({{ '/c d/' | relative_url }})\n"
        '[e][e] <a href="{% post_url 2026-01-01-other %}">f</a> <img src="{{ site.url }}/g.png" alt="">\n\n'
        '[e]: {{ "/e" | prepend: site.baseurl | prepend: site.url }} "title"\n'
    )
    page = published(text, "liquid")

    assert page == (
        f'<p><a href="{OTHER}">a</a> <img src="{SITE}/b.png" alt="b"> <a href="{SITE}/c%20d/">c</a> '
        f'<a href="{SITE}/e" title="title">e</a> <a href="{OTHER}">f</a> '
        '<img src="https://example.org/g.png" alt=""></p>'
    )


def test_what_only_the_site_knows_is_left_out_with_a_warning() -> None:
    text = "By {{ page.author }}. {% include toc.html %}\n\n[x]({% post_url 2020-01-01-gone %})"

    assert shown(text, "liquid") == "By . x"
    assert warnings(text, "liquid") == [
        (0, "{{ page.author }} is known to the site alone and left out"),
        (2, 'there is no post "2020-01-01-gone" to link to'),
        (0, "the include of toc.html is known to the site alone and left out"),
    ]
    assert rendered(text, "liquid").dropped == 0


def test_an_include_that_is_a_known_component_is_shown() -> None:
    assert "watch?v=abc" in rendered('{% include embeds/youtube.html id="abc" %}', "liquid").html
    assert 'src="/x.png"' in rendered('{% include image.html url="/x.png" %}', "liquid").html
    assert "<img" not in rendered("{% include image.html %}", "liquid").html


def test_a_box_that_does_not_close_holds_what_it_is_given_or_is_left_out() -> None:
    text = '{% include note.html content="a <b>" %}\n\n{% include tip.html %}\n\nEnd'

    assert published(text, "liquid") == (
        "<blockquote><p><strong>Note</strong></p><p>a &lt;b&gt;</p></blockquote><p>End</p>"
    )
    assert warnings(text, "liquid") == [(2, "the include of tip.html is known to the site alone and left out")]


@pytest.mark.parametrize(
    ("text", "syntax"),
    [
        ("{% highlight ruby linenos %}\nputs {{ x }} # *y*\n\n{% endhighlight %}", "liquid"),
        ('{% highlight "ruby" %}\nputs {{ x }} # *y*\n\n{% endhighlight %}', "liquid"),
        ('{{< highlight ruby "linenos=table" >}}\nputs {{ x }} # *y*\n\n{{< /highlight >}}', "shortcodes"),
    ],
)
def test_highlighted_code_is_code(text: str, syntax: str) -> None:
    assert html.unescape(rendered(text, syntax).html) == (
        '<pre><code class="language-ruby">puts {{ x }} # *y*\n\n</code></pre>\n'
    )


def test_what_is_raw_is_shown_and_its_markers_are_gone() -> None:
    text = (
        "{% raw %}\nUse *{{ this }}*.\n\n```\n{% that %}\n```\n{% endraw %}\n\nSo {% raw %}{{ x }}{% endraw %} {{ y }}."
    )

    assert shown(text, "liquid") == "Use {{ this }}. {% that %} So {{ x }} ."


def test_comments_and_control_flow_are_gone() -> None:
    text = "{% comment %}\nno\n\nno\n{% endcomment %}\n\n{% if a %}one{% else %}two{% endif %} {# no #}\n"
    text += "{: .class}\n{%- assign b = 1 -%}"

    assert shown(text, "liquid") == "onetwo"
    assert shown("a {::comment}no *no*{:/comment}b\n\n* Contents\n{:toc}\n\nc", "liquid") == "a b c"


def test_shortcodes_of_hugo_are_mapped() -> None:
    page = published(
        '{{< figure src="a.png" alt="A \\"cat\\"" caption="A cat" >}}\n\n{{< youtube id="abc" >}} {{< vimeo 12 >}} '
        '{{< gist someone 34 >}} {{< tweet user="someone" id="56" >}}\n\n'
        "{{% notice tip %}}\nA\n\nB\n{{% /notice %}}\n\n"
        "{{< warning >}}On *one* line{{< /warning >}}",
        "shortcodes",
    )

    assert f'<figure><img src="{SITE}/a/a.png" alt="A &quot;cat&quot;"><figcaption>A cat</figcaption></figure>' in page
    assert '<a href="https://www.youtube.com/watch?v=abc"><img src="https://i.ytimg.com/vi/abc/hqdefault.jpg"' in page
    assert '<a href="https://vimeo.com/12">' in page
    assert '<a href="https://gist.github.com/someone/34">' in page
    assert '<a href="https://twitter.com/someone/status/56">' in page
    assert "<blockquote><p><strong>Tip</strong></p><p>A</p> <p>B</p> </blockquote>" in page
    assert "<blockquote><p><strong>Warning</strong></p><p>On <em>one</em> line</p> </blockquote>" in page


def test_references_of_hugo_lead_to_posts() -> None:
    text = '[a]({{< ref "other.md" >}}) [b]({{% relref "posts/other.md" %}}) <a href="{{< ref "other.md" >}}">c</a>'

    assert published(text, "shortcodes") == (
        f'<p><a href="{OTHER}">a</a> <a href="{OTHER}">b</a> <a href="{OTHER}">c</a></p>'
    )
    assert published('[a]({{< ref "other.md#b" >}}) [c]({{< relref "#d" >}})', "shortcodes") == (
        f'<p><a href="{OTHER}#b">a</a> <a href="#d">c</a></p>'
    )
    assert warnings('[a]({{< ref "gone.md#b" >}})', "shortcodes") == [(0, 'there is no post "gone.md" to link to')]
    assert warnings('[a]({{< ref "gone.md" >}})', "shortcodes") == [(0, 'there is no post "gone.md" to link to')]


def test_shortcodes_that_are_written_to_be_shown_are_shown() -> None:
    assert shown("Write {{</* figure src=x */>}} or {{%/* note */%}}.", "shortcodes") == (
        "Write {{< figure src=x >}} or {{% note %}}."
    )
    assert shown('Write {{/* video(id="x") */}} or {%/* end */%}.', "shortcodes") == (
        'Write {{ video(id="x") }} or {% end %}.'
    )


def test_shortcodes_of_zola_are_read_too() -> None:
    page = published('{{ youtube(id="abc") }}\n\n{% quote(author="Someone") %}\nSo *be* it.\n{% end %}', "shortcodes")

    assert "watch?v=abc" in page
    assert "<blockquote><p>So <em>be</em> it.</p> <p>Someone</p></blockquote>" in page


def test_tags_within_raw_html_are_read_unless_they_are_in_code() -> None:
    page = published(
        "<table><tr><td>{% Pep number=8 /%}</td><td><code>{% Pep number=9 /%}</code></td></tr></table>", "markdoc"
    )

    assert "PEP 8</a></td>" in page
    assert "<code>{% Pep number=9 /%}</code>" in page
