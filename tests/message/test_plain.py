from __future__ import annotations

import time
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.html import clean
from feedbot.message.plain import WIDTH, to_plain

CASES = [
    pytest.param("<p>One.</p><p>Two<br>lines.</p>", "One.\n\nTwo\nlines.", id="paragraphs and breaks"),
    pytest.param(
        "<h1>Top &amp; all</h1><p>x</p><h3>Sub</h3>y", "Top & all\n=========\n\nx\n\nSub\n---\n\ny", id="headings"
    ),
    pytest.param(
        "<ul><li>a<ul><li>b</li><li>c</li></ul></li><li><p>d</p><p>e</p></li></ul>",
        "- a\n  - b\n  - c\n\n- d\n\n  e",
        id="lists",
    ),
    pytest.param('<ol start="9"><li>a</li><li>b</li></ol>', "9. a\n10. b", id="numbered list"),
    pytest.param("<blockquote><p>a</p><p>b</p></blockquote>c", "> a\n>\n> b\n\nc", id="quote"),
    pytest.param(
        "<p>a</p><pre><code>if x:\n    y  = 1\n\n</code></pre><p>b</p>",
        "a\n\n    if x:\n        y  = 1\n\nb",
        id="code",
    ),
    pytest.param("<p>Use <code>a  b</code>, <q>so</q>.</p>", "Use `a b`, “so”.", id="inline code and quotes"),
    pytest.param(
        '<p><a href="https://a.org/x">This</a>, <a href="https://b.org/">that</a>, '
        '<a href="https://a.org/x">this</a>.</p>',
        "This [1], that [2], this [1].\n\n[1] https://a.org/x\n[2] https://b.org/",
        id="links",
    ),
    pytest.param(
        '<a href="https://a.org/">https://a.org</a> <a href="https://a.org/">a.org</a> '
        '<a href="mailto:me@a.org">me@a.org</a> <a href="#fn1">1</a>',
        "https://a.org a.org me@a.org 1",
        id="links that show their address",
    ),
    pytest.param(
        '<a href="https://a.org/"><img src="https://a.org/x.png"></a>', "[1]\n\n[1] https://a.org/", id="link image"
    ),
    pytest.param('<img src="https://a.org/x.png" alt="A cat">', "[image: A cat]", id="image"),
    pytest.param(
        '<video><source src="https://a.org/v.mp4"></video>', "[source] [1]\n\n[1] https://a.org/v.mp4", id="video"
    ),
    pytest.param("<dl><dt>Term</dt><dd>Meaning</dd></dl>", "Term\n    Meaning", id="definitions"),
    pytest.param("a<hr>b", f"a\n\n{'-' * 20}\n\nb", id="rule"),
    pytest.param(
        "<table><caption>Sizes</caption><tr><th>Name</th><th>kB</th></tr><tr><td>日本</td><td>1</td></tr>"
        "<tr><td>longer</td><td></td></tr></table>",
        "Sizes\nName    kB\n------  --\n日本    1\nlonger",
        id="table",
    ),
    pytest.param("<table><tr><td><p>a</p></td></tr><tr><td>b</td></tr></table>", "a\nb", id="layout table"),
    pytest.param(
        "<table><tr><td>a</td><td><table><tr><td>b</td><td>c</td></tr></table></td></tr></table>", "a  b c", id="nested"
    ),
    pytest.param("just text", "just text", id="no markup"),
    pytest.param("", "", id="nothing"),
    pytest.param("<p> </p><ul><li></li></ul><pre>\n</pre><table></table>", "", id="empty blocks"),
]


@pytest.mark.parametrize(("content", "text"), CASES)
def test_html_reads_as_text(content: str, text: str) -> None:
    assert to_plain(content) == text


def test_a_table_too_wide_for_columns_is_a_line_a_cell() -> None:
    content = f"<table><tr><th>Name</th><th>About</th></tr><tr><td>a</td><td>{'word ' * 20}</td></tr></table>"
    assert to_plain(content) == dedent(f"""\
        Name: a
        About: {"word " * 13}word
        word word word word word word""")


def test_text_is_wrapped_but_words_and_code_are_not_broken() -> None:
    address = "https://example.org/" + "x" * 100
    text = to_plain(f"<p>{'many words ' * 30}{address}</p><pre>{'code ' * 40}</pre>")
    wide = [line for line in text.split("\n") if len(line) > WIDTH]
    assert wide == [address, ("    " + "code " * 40).rstrip()]


@given(st.text(alphabet="<>/abipreultdhq1 =\"'&;\n\0日", max_size=300))
def test_no_markup_makes_it_fail(content: str) -> None:
    assert "\0" not in to_plain(content)


PARTS = (
    "<p> <li> <ul> <ol> <pre> <td> <tr> <table> <a> <h2> <dd> <blockquote> "
    "</p> </li> </ul> </ol> </pre> </td> </table> </a> </h2> </blockquote> word"
).split()


@given(st.lists(st.sampled_from(PARTS), max_size=40))
def test_no_order_of_tags_loses_a_word_of_cleaned_html(tags: list[str]) -> None:
    content = clean("".join(tags))
    assert to_plain(content).count("word") == content.count("word")


@pytest.mark.parametrize(
    "content",
    ["<p>a" * 50_000, "<blockquote>" * 5000 + "<br>x" * 20_000, "<li>x" * 50_000, "&" * 300_000, "<" * 300_000,
     "<table><tr>" + f"<th>{'h' * 9000}" * 10 + "<tr>" + "<td>x" * 20_000],
)  # fmt: skip
def test_hostile_markup_costs_neither_time_nor_space(content: str) -> None:
    started = time.process_time()
    text = to_plain(content)
    assert time.process_time() - started < 10
    assert len(text) < 20 * len(content)
