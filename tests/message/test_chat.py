from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.message.chat import (
    WITHDRAWN,
    as_html,
    as_markdown,
    cut,
    defused,
    fit,
    graphemes,
    hashtags,
    live_broken,
    notice,
    utf8,
    utf16,
    web_address,
)
from tests.sinks.builders import delivery


def test_a_new_entry_is_told_by_how_it_begins_a_line_for_each_block() -> None:
    told = notice(delivery(content="<h2>One</h2><p>Two <b>three</b></p><script>x</script>"))
    assert (told.title, told.text) == ("Welcome", "One\nTwo three")


def test_a_summary_goes_before_the_content_unless_it_is_empty() -> None:
    assert notice(delivery(summary="<p>Short.</p>")).text == "Short."
    assert notice(delivery(summary="<p><img src='x'></p>")).text == "Hello, reader."


def test_an_update_is_told_by_what_is_different_or_else_by_how_it_begins() -> None:
    diff = "--- before\n+++ after\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n@@ -9 +9 @@\n--- x\n"
    told = notice(delivery(change="updated", diff=diff))
    assert (told.title, told.text) == ("Updated: Welcome", "same\n- old\n+ new\n…\n- -- x")
    assert notice(delivery(change="updated")).text == "Hello, reader."


def test_a_withdrawn_entry_is_told_without_its_content() -> None:
    told = notice(delivery(change="withdrawn", image="https://example.org/i.png", tags=("a",)))
    assert (told.title, told.text) == ("Withdrawn: Welcome", WITHDRAWN)
    assert (told.image, told.tags) == ("", ())


def test_an_entry_without_a_title_is_called_by_its_text_or_its_address() -> None:
    told = notice(delivery(title=""))
    assert (told.title, told.text) == ("Hello, reader.", "")
    told = notice(delivery(title="", content=f"<p>{'word ' * 60}</p>"))
    assert told.title.endswith("word…")
    assert len(told.text) > 200
    assert notice(delivery(title="", content="")).title == "https://example.org/welcome/"
    assert notice(delivery(title="", content="", url="")).title == "(untitled)"
    assert notice(delivery(title="", change="withdrawn")).title == "Withdrawn: https://example.org/welcome/"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://example.org/a b?c=ü", "https://example.org/a%20b?c=%C3%BC"),
        ("https://exämple.org/ä", "https://xn--exmple-cua.org/%C3%A4"),
        ("HTTPS://EXÄMPLE.org/", "HTTPS://xn--exmple-cua.org/"),
        ('http://a.example/"><b>', "http://a.example/%22%3E%3Cb%3E"),
        ("https://[::1]:80/%20", "https://[::1]:80/%20"),
        ("mailto:me@example.org", ""),
        ("javascript:alert(1)", ""),
        ("https://", ""),
        ("https:///x", ""),
        ("https://[x/", ""),
        (f"https://{'ü' * 100}.example/", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_are_linked_and_in_ascii(url: str, address: str) -> None:
    assert web_address(url) == address


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two three", 8, "one two…"),
        ("one, two", 5, "one…"),
        ("unbreakable", 6, "unbre…"),
        ("see https://example.org/long", 20, "see…"),
        ("https://example.org/long", 10, ""),
        ("word", 1, ""),
        ("cafe\u0301 au lait", 5, "caf…"),
    ],
)
def test_texts_are_cut_at_words_and_never_within_an_address(text: str, limit: int, shown: str) -> None:
    assert cut(text, limit) == shown


@given(st.text(), st.integers(0, 50), st.sampled_from([as_html, as_markdown, defused, live_broken, str]))
def test_what_is_fitted_never_measures_more_than_it_may(text: str, limit: int, escape: type[str]) -> None:
    for measure in (utf16, utf8, graphemes):
        assert measure(fit(text, limit, escape, measure)) <= limit


@given(st.text())
def test_what_a_reader_sees_as_characters_is_at_most_the_characters_that_are_there(text: str) -> None:
    assert bool(text) <= graphemes(text) <= len(text)
    assert len(text) <= utf16(text) <= 2 * len(text)


def test_marks_count_with_their_letters() -> None:
    assert graphemes("e\u0301e\u0301\u0302") == 2
    assert graphemes("\u0301") == 1
    assert graphemes("a\n\u0301") == 3


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("@all", "@\u200ball"),
        ("<!here> <@U1> <#C1>", "<\u200b!here> <\u200b@\u200bU1> <\u200b#C1>"),
        ("<at>Ada</at>", "<\u200bat>Ada<\u200b/at>"),
        ("1 < 2 @ 3", "1 < 2 @ 3"),
        (":wave: :+1: at 10:30:00", ":\u200bwave: :\u200b+1: at 10:30:00"),
    ],
)
def test_mentions_are_dead_and_other_signs_stay(text: str, dead: str) -> None:
    assert defused(text) == dead


def test_markdown_stands_for_itself() -> None:
    assert as_markdown("# a\n- b_c_ *d* [e](f) https://x.example/a_b_c") == (
        "\\# a\n\\- b\\_c\\_ \\*d\\* \\[e\\](f) https://x.example/a_b_c"
    )
    assert as_markdown("1. a 2. b\n2) c\n3.0 d\n===") == "1\\. a 2. b\n2\\) c\n3.0 d\n\\==="


def test_hashtags_are_single_words_each_once() -> None:
    assert hashtags(("web dev", "WebDev", "C++", "2026", "…", "snake_case", "Ünï"), 9) == (
        "WebDev",
        "C",
        "snake_case",
        "Ünï",
    )
