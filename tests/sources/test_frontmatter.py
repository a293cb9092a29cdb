from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.sources.posts.frontmatter import FrontMatter, FrontMatterError, parse, split
from feedbot.sources.posts.frontmatter import read as read_post


def read(text: str, *, headers: bool = False) -> FrontMatter:
    matter, _, _ = read_post(text, headers=headers)
    assert matter is not None
    return matter


def error(text: str, *, headers: bool = False) -> FrontMatterError:
    with pytest.raises(FrontMatterError) as caught:
        read(text, headers=headers)
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
        ("---\ntitle: a\ntags: [a, b\nx: y\n---\n", 4, "not valid YAML"),
        ("---\ntitle: a\ntags: [a, b\n---\n", 3, "not valid YAML"),
        ('---\ntitle: "a\ntags: b\n---\n', 2, "not valid YAML"),
        ("---js\n{ title: 1 }\n---\n", 1, "is a program"),
        ('---json\n{"title": "a",\n "date" 1}\n---\n', 3, "not valid JSON"),
        ("---\ntitle: a\n\ntitle: b\n---\n", 4, "title is given twice"),
        ("---\ntitle: a\nTitle: b\n---\n", 3, "Title is given twice"),
        ("---\na:\n  b: 1\n  b: 2\n---\n", 4, "b is given twice"),
        ("---\n- a\n- b\n---\n", 2, "no table"),
        ("---\njust text\n---\n", 2, "no table"),
        ("---\n? [a]\n: b\n---\n", 2, "a list or a table"),
        ("---\ntitle: a\n", 1, "not closed"),
        ("+++\ntitle = 'a'\n", 1, "not closed"),
        ("+++\ntitle = 'a'\ndate = \n+++\n", 3, "not valid TOML"),
        ("+++\ntitle = 'a'\ntitle = 'b'\n+++\n", 3, "not valid TOML: Cannot overwrite"),
        ("+++\ntitle = 'a'\n\nTitle = 'b'\n+++\n", 4, "Title is given twice"),
        ("+++\na = " + "[" * 40 + "]" * 40 + "\n+++\n", 2, "nested deeper"),
        ('{\n  "title": "a",\n  "date" 1\n}\n', 3, "not valid JSON"),
        ('{"title": "a", "title": "b"}\n', 1, "title is given twice"),
        ('{"title": "a",\n "TITLE": "b"}\n', 2, "TITLE is given twice"),
        ('{"a": ' + "[" * 40 + "]" * 40 + "}", 1, "nested deeper"),
        ('{"title": "a"', 1, "not valid JSON"),
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
    error(f"+++\na = {text}\n+++\n")
    error(f'{{"a": {text}')

    assert time.process_time() - started < 2


def test_front_matter_has_a_size() -> None:
    for text in (
        f"---\ntitle: {'x' * 70_000}\n---\n",
        f"+++\na = '{'x' * 70_000}'\n+++\n",
        f'{{"a": "{"x" * 70_000}"}}',
    ):
        assert "longer than 64 kB" in error(text).message


def test_characters_that_no_feed_can_carry_are_dropped() -> None:
    assert read('---\ntitle: "a\\x07b\ud83d\x00"\n---\n').values == {"title": "ab"}


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: A\ndate: 2026-07-01\nrank: 3.10\ndraft: false\ntags: [a]\nmore: {x: 010}\n---\nend",
        "+++\ntitle = 'A'\ndate = 2026-07-01\nrank = 3.10\ndraft = false\ntags = ['a']\nmore.x = '010'\n+++\nend",
        '---json\n{"title":"A","date":"2026-07-01","rank":3.10,\n"draft":false,\n"tags":["a"],"more":{"x":"010"}}\n---\nend',
        '{\n"title": "A",\n"date": "2026-07-01", "rank": 3.10,\n"draft": false, "tags": ["a"],"more":{"x":"010"}}\nend',
    ],
)
def test_yaml_toml_and_json_say_the_same(text: str) -> None:
    matter, body, body_line = read_post(text)

    assert matter is not None
    assert matter.values == {
        "title": "A",
        "date": "2026-07-01",
        "rank": "3.10",
        "draft": False,
        "tags": ["a"],
        "more": {"x": "010"},
    }
    assert (body, body_line) == ("end", text.count("\n") + 1)


@pytest.mark.parametrize(
    "text",
    [
        "{% raw %}\n",
        "{{< figure >}}\n",
        "{/* a comment */}\n",
        "{: .class}\n",
        "{title}\n",
        "+++x\n",
        "----\n",
        "--- #\n",
    ],
)
def test_text_that_only_starts_like_front_matter_is_text(text: str) -> None:
    assert read_post(text)[0] is None


def test_keys_of_toml_are_told_with_their_lines() -> None:
    matter = read("+++\ntitle = 'a'\n\n[taxonomies]\ntags = ['x']\n[extra]\nlead = 'y'\n+++\n")

    assert [matter.line(key) for key in ("title", "taxonomies.tags", "extra")] == [2, 4, 6]
    assert matter.lifted(["taxonomies", "extra", "none"]).values == {"title": "a", "tags": ["x"], "lead": "y"}


def test_what_stands_at_the_top_counts_before_what_is_lifted_to_it() -> None:
    matter = read("---\ntitle: a\nparams: {Title: b, mood: c}\nextra: text\n---\n").lifted(["params", "extra"])

    assert (matter.get("title"), matter.get("mood"), matter.get("extra")) == ("a", "c", "text")
    assert matter.line("mood") == 3


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "Title: A: b\nDate: 2026-07-01 10:20\nTags: x, y\nAuthors: Jo Doe, Ann\nSummary: one\n    two\n\nbody\n",
            {"title": "A: b", "date": "2026-07-01 10:20", "tags": ["x", "y"], "authors": ["Jo Doe", "Ann"],
             "summary": "one two"},
        ),
        (":title: A\n:tags: x; y, z\n\nbody\n", {"title": "A", "tags": ["x", "y, z"]}),
        ("Save_as:\nDate: 2026\nTags: x\n   y\n\nbody\n", {"save_as": "", "date": "2026", "tags": ["x", "y"]}),
        ("Title: alone", {"title": "alone"}),
    ],
)  # fmt: skip
def test_a_header_needs_no_fence_where_it_is_asked_for(text: str, values: dict[str, object]) -> None:
    matter, body, _ = read_post(text, headers=True)

    assert matter is not None
    assert matter.values == values
    assert body == ("body\n" if "body" in text else "")
    assert read_post(text)[0] is None


def test_a_paragraph_that_starts_like_a_header_is_text() -> None:
    for text in ("Note: this is important.\nIt goes on.\n\nmore\n", "\nTitle: x\n\n", "https://example.org\n\n"):
        assert read_post(text, headers=True) == (None, text, 1)


def test_a_header_ends_where_the_text_starts() -> None:
    matter, body, line = read_post("Title: A\nThe text starts here\n\nmore\n", headers=True)

    assert matter is not None
    assert (matter.values, body, line) == ({"title": "A"}, "The text starts here\n\nmore\n", 2)


def test_a_key_that_is_given_twice_in_a_header_is_told() -> None:
    assert error("Title: A\nDate: 2026-07-01\nTitle: B\n\n", headers=True).line == 3


def test_the_body_after_a_header_keeps_its_line() -> None:
    assert read_post("Title: A\nDate: 2026-07-01\n\nfirst\n", headers=True)[1:] == ("first\n", 4)


@given(st.text())
def test_splitting_never_fails_but_with_words(text: str) -> None:
    for form in (
        text,
        f"---\n{text}",
        f"---\n{text}\n---\nbody",
        f"+++\n{text}\n+++\n",
        f'{{"{text}',
        f"Title: {text}",
    ):
        try:
            read_post(form, headers=True)
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
