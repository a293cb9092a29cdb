"""Components of MDX, and the table of what becomes of components."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.html import clean
from feedbot.sources.posts.syntax.components import Components, check_component
from feedbot.sources.posts.syntax.shipped import SHIPPED
from tests.sources.rendering import published, rendered

PEP = '<a href="https://peps.example.org/{number:04d}/{part?}">{title|number}</a>'


def test_a_component_of_the_configuration_goes_before_the_shipped_one() -> None:
    page = rendered("So <Pep number={8} />.", mdx=True, components={"Pep": PEP}).html

    assert page == '<p>So <a href="https://peps.example.org/0008/">8</a>.</p>\n'


def test_values_are_escaped_and_never_taken_for_fields() -> None:
    page = rendered(
        """<Word a='<b>"{children}' b="x">kept</Word>""", mdx=True, components={"Word": '<i title="{a}">{children}</i>'}
    ).html

    assert page == '<p><i title="&lt;b&gt;&quot;&#123;children}">kept</i></p>\n'


@pytest.mark.parametrize("tag", ["<Pep number={n} />", '<Pep number="x" />', "<Pep />", "<Pep number={() => 1} />"])
def test_a_component_without_what_its_pattern_needs_is_left_out(tag: str) -> None:
    assert rendered(f"So {tag}.", mdx=True).dropped == 1


def test_children_stay_markdown() -> None:
    text = "<Box kind='x'>\n\nSome *text*\n\n- `<Box>`\n\n</Box>"
    page = published(text, mdx=True, components={"Box": "<div title='{kind}'>{children}</div>"})

    assert page == ('<div title="x"><p>Some <em>text</em></p> <ul> <li><code>&lt;Box&gt;</code></li> </ul> </div>')


def test_what_a_pattern_has_no_place_for_is_left_out() -> None:
    assert rendered("<Pep number='8'>\n\nlong *text*\n\n</Pep>\n\nAfter", mdx=True).html == (
        '<a href="https://peps.python.org/pep-0008/">PEP 8</a><p>After</p>\n'
    )


def test_components_that_are_shipped_are_shown() -> None:
    page = published(
        'import hero from "./hero.png"\n\n<Image src={hero} alt="A hero" />\n\n'
        '<YouTube id="https://youtu.be/abc" />\n\n'
        '<Tweet id="12" />\n\n'
        '<Figure src="./f.png" caption="Fig." />\n\n<Callout type="tip">Mind *this*</Callout>\n\n'
        '<Tabs>\n<TabItem label="One">\n\n1\n\n</TabItem>\n</Tabs>\n',
        mdx=True,
    )

    assert '<p><img src="https://example.org/blog/a/hero.png" alt="A hero"></p>' in page
    assert '<a href="https://www.youtube.com/watch?v=abc">' in page
    assert '<a href="https://twitter.com/i/status/12">' in page
    assert "<figcaption>Fig.</figcaption>" in page
    assert "<blockquote><p><strong>Tip</strong></p><p>Mind <em>this</em></p> </blockquote>" in page
    assert "<p><strong>One</strong></p><p>1</p>" in page


def test_components_within_elements_are_read() -> None:
    page = published("<div>\n<Pep number={8} /> {'so'} {x}\n<img src={require('./a.png').default} />\n</div>", mdx=True)

    assert 'PEP 8</a> so <img src="https://example.org/blog/a/a.png">' in page


def test_tags_that_cross_each_other_harm_nothing() -> None:
    text = "<Note>\n\na\n\n<Tip>\n\nb\n\n</Note>\n\nc\n\n</Tip>\n\n</Other>"

    assert published(text, mdx=True) == (
        "<blockquote><p><strong>Note</strong></p><p>a</p> <p>b</p> </blockquote><p>c</p>"
    )


def test_mdx_may_be_read_in_every_file() -> None:
    assert rendered("So <Pep number={8} />.", "mdx", "mdx-in-md").html.count("PEP 8") == 1
    assert "List&lt;String&gt;" in rendered("A List<String>.", "mdx").html


@pytest.mark.parametrize(
    ("name", "pattern", "wrong"),
    [
        ("A b", "", "is no name of a component"),
        ("A", "{children}{children}", "more than one"),
        ("A", "{a b}", "a brace that is no field"),
        ("A", "{number:s}", "a brace that is no field"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(name: str, pattern: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        check_component(name, pattern)


def test_every_shipped_pattern_is_one() -> None:
    for name, patterns in SHIPPED.items():
        assert name == name.lower()
        assert [check_component(name, pattern) for pattern in patterns] == list(patterns)


@given(
    st.sampled_from(sorted(SHIPPED)), st.dictionaries(st.sampled_from(["id", "src", "0", "title", "url"]), st.text())
)
def test_whatever_attributes_say_is_only_ever_text(name: str, attributes: dict[str, str]) -> None:
    shown = Components({}).shown(name, attributes)

    page = "" if shown is None else clean(shown.before + shown.after, "https://example.org/")
    assert "<script" not in page
    assert "javascript:" not in page.lower().split("<")[0]
