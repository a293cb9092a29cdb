"""What holds for whatever syntaxes are on."""

from __future__ import annotations

import html
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.html import clean
from feedbot.sources.posts.syntax.dialect import SYNTAXES, Dialect
from tests.sources.rendering import EVERYTHING, rendered, shown, warnings

SIGNS = [
    "{%", "%}", "{{", "}}", "{{<", ">}}", "{{%", "%}}", "/*", "*/", ":::", "!!!", "???", "===", "> [!NOTE]", "[[", "]]",
    "![[", "==", "%%", "^id", "$", "$$", "<Pep number={8} />", "</A>", "<A>", "<", ">", "/", "{", "}", "raw", "endraw",
    "highlight", "endhighlight", "comment", "endcomment", "note", "youtube", "figure", "'", '"', "`", "\n", "\n\n", " ",
    "    ", "- ", "> ", "# ", "a", "b=1", "|", "[", "](", ")", "<!-- more -->", "<div>", "<pre>", "import a from 'b'",
]  # fmt: skip
MARKUP = st.lists(st.sampled_from(SIGNS), max_size=30).map("".join)
DIALECTS = st.lists(st.sampled_from(EVERYTHING), unique=True)


@given(MARKUP, DIALECTS, st.booleans())
def test_rendering_never_fails_whatever_is_on(text: str, syntaxes: list[str], mdx: bool) -> None:
    post = rendered(text, *syntaxes, mdx=mdx)

    assert isinstance(clean(post.html), str)
    assert all(each.line <= text.count("\n") for each in post.warnings)


@given(MARKUP, DIALECTS, st.booleans())
def test_code_is_published_as_it_is_written_whatever_is_on(code: str, syntaxes: list[str], mdx: bool) -> None:
    code = code.replace("`", "")
    line = " ".join(code.split())

    fenced = rendered(f"Before.\n\n````\n{code}\n````\n\nAfter.", *syntaxes, mdx=mdx).html
    inline = rendered(f"so ``{line}`` it is", *syntaxes, mdx=mdx).html

    assert html.unescape(fenced) == f"<p>Before.</p>\n<pre><code>{code}\n</code></pre>\n<p>After.</p>\n"
    if line:
        assert html.unescape(inline) == f"<p>so <code>{line}</code> it is</p>\n"


@pytest.mark.parametrize(
    "code", ["{% if x %}", "{{ page.title }}", "{{< figure >}}", "[[Note]]", ":::note", "$x$", "==a=="]
)
def test_indented_code_is_published_as_it_is_written(code: str) -> None:
    everything = [name for name in EVERYTHING if name != "mdx-in-md"]  # which has no indented code

    assert html.unescape(rendered(f"So:\n\n    {code}\n", *everything).html) == (
        f"<p>So:</p>\n<pre><code>{code}\n</code></pre>\n"
    )


@pytest.mark.parametrize("text", ["{% if x %} {{ y }} {{< z >}}", "a ==b== [[c]] $d$ %%e%%", ":::note\n\nx\n\n:::"])
def test_nothing_is_read_that_is_not_on(text: str) -> None:
    assert shown(text, "gfm") == " ".join(text.split())
    assert warnings(text, "gfm") == []


@pytest.mark.parametrize(
    "bite",
    ["{{", "{%", "{{<", "{% a ", "{% highlight a %}\n", "{% raw %}\n", "{{< highlight x >}}\n", "%%", "==a", "$",
     "$$ a\n\n",
     ":::note\n", ":::\n", "!!! note\n    ", "> [!NOTE]\n", '<a "{{', '<img src="{{ a }}', "{{ 'a' | b ", "[[", "![[",
     "<",
     "<style", "<!--", "{% a %}", "<pre>{{", "{{< a >}}{{< /a >}}\n"],
)  # fmt: skip
def test_hostile_text_costs_no_more_than_its_length(bite: str) -> None:
    def seconds(size: int) -> float:
        text = (bite * (size // len(bite) + 1))[:size]
        started = time.process_time()
        rendered(text, *EVERYTHING)
        return time.process_time() - started

    assert seconds(16_000) < max(1.0, 8 * seconds(4_000))


@pytest.mark.parametrize("bite", ["[", "![", "[a", "[[a]"])
def test_a_paragraph_of_brackets_is_shown_as_it_is_written(bite: str) -> None:
    text = bite * 20_000
    started = time.process_time()
    post = rendered(text + "\n\n*After*", "gfm")

    assert time.process_time() - started < 5
    assert post.html == f"<p>{text}</p>\n<p><em>After</em></p>\n"
    assert [each.line for each in post.warnings] == [0]


def test_many_paragraphs_of_brackets_cost_no_more_than_one() -> None:
    started = time.process_time()
    rendered(("[" * 900 + "\n\n") * 300, "gfm")

    assert time.process_time() - started < 5


def test_many_links_in_one_paragraph_stay_links() -> None:
    assert rendered("[a [b] c](x) " * 2_000, "gfm").html.count("<a ") == 2_000


def test_a_dialect_can_be_sent_to_a_worker() -> None:
    dialect = Dialect(SYNTAXES, {"Pep": "{number}"}, "https://example.org")

    assert pickle.loads(pickle.dumps(dialect)) == dialect


@pytest.mark.parametrize("marker", ["more", "More", "truncate", "excerpt", "end excerpt", "read-more"])
def test_the_opening_ends_at_a_marker_however_it_is_spelt(marker: str) -> None:
    own_line = rendered(f"Short.\n\n<!-- {marker} -->\n\nLong.", "gfm")
    in_text = rendered(f"Short.<!--{marker}--> Longer.\n\nLong.", "gfm")

    assert own_line.opening.strip() == in_text.opening.strip() == "<p>Short.</p>"
    assert marker not in own_line.html + in_text.html


def test_ids_of_headings_are_no_words() -> None:
    assert rendered("## A head {#my-id}\n\n{#kept}", "gfm").html == "<h2>A head</h2>\n<p>{#kept}</p>\n"


def test_frames_of_videos_become_links_and_scripts_are_gone() -> None:
    text = (
        '<iframe src="https://www.youtube.com/embed/aB-1?start=2" title="A talk"></iframe>\n\n'
        'and <iframe src="https://player.vimeo.com/video/42"></iframe>\n\n<script>alert(1)</script>\n\n'
        "<style>p { color: red }</style>\n\n<iframe src='https://example.com/'></iframe>"
    )
    post = rendered(text, "gfm")

    assert '<a href="https://www.youtube.com/watch?v=aB-1"><img src="https://i.ytimg.com/vi/aB-1/' in post.html
    assert 'hqdefault.jpg" alt="A talk"></a>' in post.html
    assert '<a href="https://vimeo.com/42">Video on Vimeo</a>' in post.html
    assert "alert" not in post.html
    assert "red" not in post.html
    assert [(each.line, each.sentence) for each in post.warnings] == [(8, "a frame of another site is left out")]


def test_links_to_files_from_the_root_of_the_content_lead_to_posts() -> None:
    text = (
        "[a](@/posts/other.md#x) [b]({filename}/posts/other.md) [c](@/none.md) ![d]({static}/images/d.png) "
        "[e](|filename|/posts/other.md) [f]({author}Jo Doe) [g]({index}) <a href='{filename}/posts/other.md'>h</a> "
        "<img src='{static}/i.png' alt=i>"
    ).replace("Jo Doe", "Jo%20Doe")
    page = rendered(text, "gfm").html

    other = "https://example.org/blog/other/"
    assert f'<a href="{other}#x">a</a> <a href="{other}">b</a> <a href="/blog/none.md">c</a>' in page
    assert '<img src="/blog/images/d.png" alt="d" />' in page
    assert f'<a href="{other}">e</a> <a href="/blog/author/jo-doe.html">f</a> <a href="/blog/">g</a>' in page
    assert f'<a href="{other}">h</a> <img src="/blog/i.png" alt=i>' in page
