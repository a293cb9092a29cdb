"""HTML of others: cleaned, absolute, read as text."""

from __future__ import annotations

import time
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.html import (
    _BLOCKS,
    _OPENING,
    _VOID,
    _depth,
    _parsed_text,
    clean,
    folded,
    from_text,
    to_lines,
    to_text,
)
from feedbot.core.text import one_line

BASE = "https://blog.example/2026/11/a/"


@pytest.mark.parametrize(
    ("dirty", "tidy"),
    [
        ("<p onclick=x>a<script>b</script></p>", "<p>a</p>"),
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<img src="data:image/png;base64,xx" alt="i">', '<img alt="i">'),
        ("<iframe src='https://x.example'></iframe>a", "a"),
        ("<form><input name=a>b</form>", ""),
        ("<svg><circle/></svg>a", "a"),
        ('<p style="color:red">a</p>', "<p>a</p>"),
        ("a\x00b\ud800c", "abc"),
    ],
)
def test_what_could_harm_a_reader_is_gone(dirty: str, tidy: str) -> None:
    assert clean(dirty, BASE) == tidy


@pytest.mark.parametrize(
    ("relative", "absolute"),
    [
        ('<a href="../b/">b</a>', '<a href="https://blog.example/2026/11/b/">b</a>'),
        ('<img src="i.png">', '<img src="https://blog.example/2026/11/a/i.png">'),
        ('<img src="/i.png">', '<img src="https://blog.example/i.png">'),
        ('<img src="//cdn.example/i.png">', '<img src="https://cdn.example/i.png">'),
        (
            '<img srcset="a.png 1x, b.png 2x">',
            '<img srcset="https://blog.example/2026/11/a/a.png 1x, https://blog.example/2026/11/a/b.png 2x">',
        ),
        ('<a href="#fn1">1</a>', '<a href="#fn1">1</a>'),
        ('<a href="mailto:a@b.example">m</a>', '<a href="mailto:a@b.example">m</a>'),
        ('<a href="http://[bad/">x</a>', "<a>x</a>"),
    ],
)
def test_addresses_become_absolute(relative: str, absolute: str) -> None:
    assert clean(relative, BASE) == absolute


def test_without_a_base_relative_addresses_are_dropped() -> None:
    assert clean('<a href="b">b</a>') == "<a>b</a>"


def test_text_is_what_a_reader_sees() -> None:
    assert to_text("<h1>A</h1><p>b &amp; <b>c</b>d</p><script>x</script><li>e</li><li>f</li>") == "A b & cd e f"
    assert to_lines("<h1>A</h1><p>b\nc</p><pre>d</pre>") == ["A", "b c", "d"]


def test_plain_text_becomes_paragraphs() -> None:
    assert from_text("a < b\nc\n\nd") == "<p>a &lt; b<br>c</p><p>d</p>"


def test_white_space_counts_only_where_it_shows() -> None:
    assert folded("<p>a\n b </p>\n<p>c</p>") == "<p>a b</p><p>c</p>"
    assert folded("<pre>a\n  b</pre>") != folded("<pre>a\n b</pre>")


def test_deep_nesting_is_bounded() -> None:
    begun = time.process_time()
    assert "deep" in clean("<div>" * 100_000 + "deep" + "</div>" * 100_000)
    assert time.process_time() - begun < 5


@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_text_without_markup_is_what_a_parser_would_make_of_it(content: str) -> None:
    assert clean(content) == clean(content + "<wbr>").removesuffix("<wbr>").strip()


@given(
    st.lists(
        st.sampled_from(
            ["<p>", "<P >", "</p>", "</P>", "</p ", "</p/>", "<br>", "</br>", "</BR>", "<hr/>", "<i/>", "<", ">"]
        )
    ).map("".join)
)
def test_html_is_never_taken_for_flatter_than_it_is(content: str) -> None:
    depth = deepest = 0
    for closing, name, empty in _OPENING.findall(content):
        if name.lower() not in _VOID and not empty:
            depth = max(0, depth - 1) if closing else depth + 1
            deepest = max(deepest, depth)
    assert _depth(content) >= deepest


@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_cleaning_never_raises_and_cleaning_twice_changes_nothing(content: str) -> None:
    once = clean(content, BASE)
    assert clean(once, BASE) == once
    to_text(content)


@given(st.lists(st.sampled_from(["<p>", "</p>", "<b>", "<a href='x'>", "<script>", "<", "&lt;", "x", "-->", "<!--"])))
def test_no_mixture_of_tags_lets_a_script_through(parts: list[str]) -> None:
    assert "<script" not in clean("".join(parts), BASE)


@pytest.mark.parametrize(
    "bait", ["</a<", "<a <!-- &#x &", "<pre>", "<p ", "\n<", "< p", "&lt;", " \n", "<a href='", "a b,", "<br"]
)
def test_time_grows_with_length_alone(bait: str) -> None:
    def cpu(length: int) -> float:
        content = (bait * length)[:length]
        begun = time.process_time()
        clean(content, BASE)
        to_text(content)
        to_lines(content)
        folded(content)
        return time.process_time() - begun

    assert cpu(200_000) < max(1.0, 40 * cpu(20_000))


_PIECES = (
    "word", " ", "\n", "<", ">", "&", "&amp;", "&lt;b&gt;", "&#60;", "&copy", '"', "'", "<3", "<p>", "</p>", "<b>",
    "</b>", "<br/>", "<br>", '<a href="x>y">', "<a title='<'>", "</a>", "<li>", "<pre>\n", "<p ", "a=b>", "<!-- c -->",
    "<!", "<?x?>", "<script>", "</script>", "<textarea>", "<title>", "<table>", "<td>", "</table>", "<svg>", "</svg>",
    "<x-y>", "<q:r>", "<select>", "<option>", "<plaintext>", "<noscript>", "<image>", "</", "<body>", "<html>", "<h1>",
    "</h2>", "<i/>",
)  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=12))
def test_text_is_what_a_parser_reads_whatever_the_markup(pieces: list[str]) -> None:
    content = "".join(pieces)
    spaced = _BLOCKS.sub(" <", content)

    assert to_text(content) == one_line(unescape(_parsed_text(spaced)))
