from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.sources.posts.frontmatter import FrontMatter, FrontMatterError, parse, split


def read(text: str) -> FrontMatter:
    parts = split(text)
    assert parts.matter is not None
    return parse(parts.matter, parts.matter_line)


def error(text: str) -> FrontMatterError:
    with pytest.raises(FrontMatterError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: A\n---\nbody\n",
        "\ufeff---\ntitle: A\n---\nbody\n",
        "---\r\ntitle: A\r\n---\r\nbody\r\n",
        "---  \ntitle: A\n---\t\nbody\n",
        "---yaml\ntitle: A\n...\nbody\n",
    ],
)
def test_front_matter_is_found_however_the_file_was_saved(text: str) -> None:
    parts = split(text)

    assert parse(parts.matter or "").values == {"title": "A"}
    assert (parts.body, parts.body_line) == ("body\n", 4)


def test_a_file_without_front_matter_is_all_body() -> None:
    parts = split("# Hello\n\n---\n\nmore\n")

    assert parts.matter is None
    assert parts.body == "# Hello\n\n---\n\nmore\n"


def test_empty_front_matter_says_nothing() -> None:
    assert read("---\n---\nbody").values == {}


def test_values_stay_the_text_that_was_written() -> None:
    matter = read("---\nversion: 3.10\nold: 010\ntags: [no, on, yes, 1:30]\nbare: 2026-02-30\nbig: 1e3\n---\n")

    assert matter.values == {
        "version": "3.10",
        "old": "010",
        "tags": ["no", "on", "yes", "1:30"],
        "bare": "2026-02-30",
        "big": "1e3",
    }


def test_only_true_false_and_null_are_more_than_text() -> None:
    matter = read("---\na: true\nb: FALSE\nc: ~\nd:\ne: 'true'\nf: \"null\"\ng: truely\n---\n")

    assert matter.values == {"a": True, "b": False, "c": None, "d": None, "e": "true", "f": "null", "g": "truely"}


def test_keys_are_found_in_any_spelling_of_case_and_hyphens() -> None:
    matter = read("---\nPublishDate: a\nredirect-from: b\nlast_update:\n  Date: c\n---\n")

    assert matter.get("publishdate") == "a"
    assert matter.get("redirect_from") == "b"
    assert matter.get("last_update.date") == "c"
    assert matter.get("last_update.author") is None
    assert matter.first(["none", "redirect_from"]) == ("redirect_from", "b")
    assert (matter.line("redirect_from"), matter.line("last_update.date")) == (3, 4)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("---\ntitle: a\nnote: b: c\n---\n", 3, "mapping values are not allowed"),
        ("---\ntitle: a\ntags: [a, b\n---\n", 4, "not valid YAML"),
        ("---\ntitle: a\n\ntitle: b\n---\n", 4, "title is given twice"),
        ("---\ntitle: a\nTitle: b\n---\n", 3, "Title is given twice"),
        ("---\na:\n  b: 1\n  b: 2\n---\n", 4, "b is given twice"),
        ("---\n- a\n- b\n---\n", 2, "no table"),
        ("---\njust text\n---\n", 2, "no table"),
        ("---\n? [a]\n: b\n---\n", 2, "a list or a table"),
        ("---\ntitle: a\n", 1, "not closed"),
        ("+++\ntitle = 'a'\n+++\n", 1, "TOML"),
        ("---\na: 'x\x85y\u2028z'\nb: *none\n---\n", 3, "alias"),
    ],
)
def test_what_is_wrong_is_told_with_the_line_of_the_file(text: str, line: int, words: str) -> None:
    wrong = error(text)

    assert wrong.line == line
    assert words in wrong.message


def test_a_few_aliases_are_read_and_a_bomb_of_them_is_refused() -> None:
    assert read("---\na: &x [1, 2]\nb: *x\n---\n").values["b"] == ["1", "2"]
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))

    assert "aliases" in error(f"---\nl0: &l0 [lol]\n{levels}---\n").message
    assert "aliases" in error("---\na: &a [*a]\n---\n").message
    assert "aliases" in error(f"---\na: &a {'x' * 50_000}\nb: [{', '.join(['*a'] * 9)}]\n---\n").message


@pytest.mark.parametrize(
    "text", ["[" * 60_000, "{" * 60_000, "- " * 30_000, "? " * 30_000, "a: " * 20_000, "&a " * 20_000]
)
def test_hostile_front_matter_is_refused_at_once(text: str) -> None:
    started = time.process_time()

    error(f"---\n{text}\n---\n")

    assert time.process_time() - started < 2


def test_front_matter_has_a_size() -> None:
    assert "longer than 64 kB" in error(f"---\ntitle: {'x' * 70_000}\n---\n").message


def test_characters_that_no_feed_can_carry_are_dropped() -> None:
    assert read('---\ntitle: "a\\x07b\ud83d\x00"\n---\n').values == {"title": "ab"}


@given(st.text())
def test_splitting_never_fails_but_with_words(text: str) -> None:
    for form in (text, f"---\n{text}", f"---\n{text}\n---\nbody"):
        try:
            parts = split(form)
            parse(parts.matter or "", parts.matter_line)
        except FrontMatterError as wrong:
            told = wrong
        else:
            continue
        assert told.message
        assert told.line >= 1


@given(st.text())
def test_the_body_of_a_file_without_front_matter_is_the_file(text: str) -> None:
    parts = split(f"x{text}")

    assert parts.body == f"x{text}".replace("\r\n", "\n").replace("\r", "\n")
