from __future__ import annotations

import html
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.html import clean, to_text
from feedbot.sources.posts.markdown import Addresses, Rendered, Renderer
from feedbot.sources.posts.rawhtml import ELEMENTS, escape_pseudo
from feedbot.sources.posts.syntax.dialect import Dialect

RENDERER = Renderer(Dialect(frozenset({"mdx"})))
AS_IS = Addresses(lambda address: address, lambda address, _: address)


def rendered(text: str, *, title: str = "", mdx: bool = False, addresses: Addresses = AS_IS) -> Rendered:
    return RENDERER.post(text, addresses, title=title, anchor="a-post", mdx=mdx)


def shown(text: str, *, mdx: bool = False) -> str:
    """What a reader sees of it in the end."""
    return to_text(clean(rendered(text, mdx=mdx).html, "https://example.org/"))


def test_words_in_angle_brackets_stay_words() -> None:
    assert shown("At <module> of <pid>.\n\n<bomb>\n\nuse `<root>`, </expr> *and* <a_b c='d'>") == (
        "At <module> of <pid>. <bomb> use <root>, </expr> and <a_b c='d'>"
    )


def test_words_in_angle_brackets_within_raw_html_stay_words_too() -> None:
    assert shown("<table><tr><td><module> x</td></tr></table>") == "<module> x"


def test_xml_in_prose_is_not_lost() -> None:
    text = "It starts with <?xml version='1.0'?> and <!DOCTYPE bomb> then."

    assert shown(text) == text
    assert shown("<![CDATA[x]]> <!-- gone -->") == "<![CDATA[x]]>"


def test_html_elements_and_comments_are_left_alone() -> None:
    assert "<kbd>Ctrl</kbd>" in rendered("Press <kbd>Ctrl</kbd> <!-- note --><br>").html
    assert shown("<TABLE><tr><td>x</td></tr></TABLE>") == "x"


@pytest.mark.parametrize("mdx", [False, True])
@pytest.mark.parametrize(
    "code",
    [
        "<module> {a} {/* b */} <A/>",
        "import x from 'y'",
        "<!-- more -->",
        "![x](./x.png) [a](b.md)",
        '<img src="x.png">',
        "&lt; &amp;",
    ],
)
def test_code_is_never_touched(code: str, mdx: bool) -> None:
    nowhere = Addresses(lambda _: "https://example.org/", lambda _, __: None)

    fenced = rendered(f"```js\n{code}\n```", mdx=mdx, addresses=nowhere).html
    inline = rendered(f"so ``{code}`` it is", mdx=mdx, addresses=nowhere).html

    assert html.unescape(fenced) == f'<pre><code class="language-js">{code}\n</code></pre>\n'
    assert html.unescape(inline) == f"<p>so <code>{code}</code> it is</p>\n"


@given(st.text(alphabet="<>/!?-[]{}*_\"'= abdimoprsx\n"))
def test_escaping_words_never_changes_anything_else(markup: str) -> None:
    assert escape_pseudo(markup).replace("&lt;", "<") == markup


@given(st.text(alphabet="<>/!?{}*[]()`~ \"'=&;#-\nabAB1"), st.booleans())
def test_code_survives_whatever_is_in_it(code: str, mdx: bool) -> None:
    fenced = rendered(f"``````\n{code.replace('``````', '')}\n``````", mdx=mdx).html

    assert html.unescape(fenced) == f"<pre><code>{code.replace('``````', '')}\n</code></pre>\n"


@given(st.text(), st.booleans())
def test_rendering_never_fails(text: str, mdx: bool) -> None:
    assert isinstance(rendered(text, mdx=mdx).html, str)
    assert isinstance(RENDERER.line(text, AS_IS), str)


@given(st.text(alphabet="<>/{}()[]!*_`#-|:~^\"'=. \nabAZimport"), st.booleans())
def test_rendering_never_fails_on_markup_either(text: str, mdx: bool) -> None:
    assert isinstance(rendered(text, mdx=mdx).html, str)


def test_a_heading_that_repeats_the_title_is_left_out() -> None:
    assert rendered("# Hello *World*\n\ntext", title="hello world").html == "<p>text</p>\n"
    assert rendered("Hello\n=====\n\ntext", title="Hello").html == "<p>text</p>\n"
    assert "<h1>Other</h1>" in rendered("# Other\n\ntext", title="Hello").html


def test_the_first_heading_gives_a_title_where_there_is_none() -> None:
    post = rendered("# Hello `code` <kbd>x</kbd>\n\ntext")

    assert (post.title, post.html) == ("Hello code x", "<p>text</p>\n")
    assert rendered("intro\n\n# Later\n").title == "Later"


def test_headings_get_no_ids_and_footnotes_those_of_the_post() -> None:
    page = rendered("## Head\n\nNote[^1]\n\n[^1]: The note.\n").html

    assert "<h2>Head</h2>" in page
    assert 'href="#fn-a-post-1"' in page
    assert re.findall(r'id="([^"]+)"', page) == ["fnref-a-post-1", "fn-a-post-1"]


def test_tables_tasks_strikes_and_definitions_are_read() -> None:
    assert '<th align="right">a</th>' in rendered("|a|b|\n|-:|-|\n|1|2|\n").html
    assert shown("- [x] done\n- [ ] open *now*\n- [link](/x)") == "☑ done ☐ open now link"
    assert "<s>old</s>" in rendered("~~old~~").html
    assert "<dt>Term</dt>" in rendered("Term\n: What it is\n").html


def test_only_what_is_written_as_an_address_becomes_a_link() -> None:
    page = rendered(
        "See README.md, setup.py and python.org; www.example.org, https://example.org/a or me@example.org"
    ).html

    assert re.findall(r'href="([^"]+)"', page) == [
        "http://www.example.org",
        "https://example.org/a",
        "mailto:me@example.org",
    ]
    assert "README.md, setup.py and python.org;" in page


def test_what_stands_before_the_marker_is_the_opening() -> None:
    post = rendered("Short.[^1]\n\n<!--more-->\n\nLong.\n\n[^1]: n\n")

    assert post.opening == "<p>Short.</p>\n"
    assert "more" not in post.html
    assert rendered("a <!-- more --> b").html == "<p>a  b</p>\n"
    assert rendered("a").opening == ""


def test_addresses_of_markdown_and_of_raw_html_go_through_the_same_hands() -> None:
    seen: list[tuple[str, int]] = []

    def image(address: str, line: int) -> str:
        seen.append((address, line))
        return "https://example.org/new.png?a&b"

    raw = "<img alt='x' src=./b.png srcset='b2.png 2x'>\n\n<table><td><img src='c&amp;d.png'></table>"
    text = f"![a](./a.png)\n\ntext\n{raw}"
    page = rendered(text, addresses=Addresses(lambda _: "https://example.org/link", image)).html

    assert seen == [("./a.png", 0), ("./b.png", 3), ("c&d.png", 5)]
    assert page.count('src="https://example.org/new.png?a&amp;b"') == 3
    assert "srcset" not in page
    assert (
        'href="https://example.org/link"'
        in rendered(
            "<a class=x href='../a'>a</a>", addresses=Addresses(lambda _: "https://example.org/link", image)
        ).html
    )


def test_an_image_that_is_dropped_leaves_its_words() -> None:
    nothing = Addresses(lambda address: address, lambda _, __: None)

    assert rendered("![a *big* cat](x.png)", addresses=nothing).html == "<p>a big cat</p>\n"
    assert rendered('so <img src="x.png" alt="a &lt;cat&gt;">', addresses=nothing).html == "<p>so a &lt;cat&gt;</p>\n"


def test_mdx_modules_and_comments_are_gone() -> None:
    text = (
        "import A from './a'\nimport {\n  B,\n} from './b'\n\nexport const data = {\n  a: 1,\n\n  b: 2\n}\n\n"
        "Text {/* hidden */}here.\n\n{/* two\nlines */}\n\nimport antics are fun; export duties are not.\n"
    )

    assert shown(text, mdx=True) == "Text here. import antics are fun; export duties are not."


def test_a_module_that_never_closes_takes_no_more_than_its_lines() -> None:
    assert shown("export const a = {\n  b\n\nStill here.", mdx=True) == "Still here."


def test_components_with_children_are_unwrapped_and_the_others_dropped() -> None:
    text = (
        '<Wrapper type="note" of={{a: {b: 1}}}>\n\nSome *text*\n\n</Wrapper>\n\n<Chart\n  data={[1, 2]}\n/>\n\n'
        "Inline <Badge>new</Badge> <Icon name='x'/>!\n"
    )
    post = rendered(text, mdx=True)

    assert post.html == "<p>Some <em>text</em></p>\n<p>Inline new !</p>\n"
    assert post.dropped == 2


def test_expressions_are_read_where_they_are_literals_and_dropped_otherwise() -> None:
    assert shown("{'a'} {1} {\"b\"} x{props.y}z \\{kept\\}", mdx=True) == "a 1 b xz {kept}"
    assert rendered('so <b style={{a: 1}} id="x">t</b>', mdx=True).html == '<p>so <b id="x">t</b></p>\n'
    assert rendered('<img src={hero} alt="A hero" />', mdx=True).html == "A hero"


def test_capitalised_words_in_plain_markdown_stay_words() -> None:
    assert shown("a List<String> and <Foo />") == "a List<String> and <Foo />"


def test_a_truncate_comment_of_mdx_cuts_as_well() -> None:
    assert rendered("Short.\n\n{/* truncate */}\n\nLong.", mdx=True).opening == "<p>Short.</p>\n"


@pytest.mark.parametrize("mdx", [False, True])
@pytest.mark.parametrize(
    "bite",
    ["<A ", "{", "{/*", "<a {", '<A "', "<A b={", "import {\n", "export const a = {\n\n", "<!--", "<img ", "<img 'a ",
     "<x ", "> ", "- ", "[", "![", "[^", "- [ ] a\n", "a@", "<A>\n", "{a}", "</A"],
)  # fmt: skip
def test_hostile_text_costs_no_more_than_its_length(bite: str, mdx: bool) -> None:
    def seconds(size: int) -> float:
        text = (bite * (size // len(bite) + 1))[:size]
        started = time.process_time()
        rendered(text, mdx=mdx)
        return time.process_time() - started

    assert seconds(8_000) < max(0.5, 8 * seconds(2_000))


def test_every_element_that_may_be_published_is_known_as_one() -> None:
    for name in ("details", "hgroup", "picture", "rt", "tfoot", "wbr"):
        assert name in ELEMENTS


@pytest.mark.parametrize("place", ["[TOC]", "[[_TOC_]]", "* TOC\n{:toc}", "1. A list\n{:toc .x}"])
def test_tables_of_contents_are_for_the_site(place: str) -> None:
    assert rendered(f"One.\n\n{place}\n\nTwo: [TOC] stays, [toc](x) too.").html == (
        '<p>One.</p>\n<p>Two: [TOC] stays, <a href="x">toc</a> too.</p>\n'
    )


def test_what_stands_beside_a_table_of_contents_stays() -> None:
    text = "* One\n* toc\n{:toc}\n\nA word\n{:toc}\n\n> [TOC]\n"

    assert rendered(text).html.count("toc") == 3


@pytest.mark.parametrize(
    ("info", "language"),
    [("{python}", "python"), ("{.r fold=true}", "r"), ("{r echo=FALSE}", "r"), ("{title=x}", ""), ("{}", "")],
)
def test_the_language_of_code_may_stand_in_braces(info: str, language: str) -> None:
    shown = f' class="language-{language}"' if language else ""

    assert rendered(f"```{info}\nx\n```").html == f"<pre><code{shown}>x\n</code></pre>\n"
