"""The difference of two texts as readers see them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.textdiff import Words, changed_words, text_diff
from tests.support.build import item


def test_changed_lines_are_shown_with_a_line_around_them() -> None:
    before = item("a", content="<p>one</p><p>two</p><p>three</p><p>four</p>")
    after = item("a", content="<p>one</p><p>two</p><p>3</p><p>four</p>")
    assert text_diff(before, after).splitlines() == [
        "--- before", "+++ after", "@@ -3,3 +3,3 @@", " two", "-three", "+3", " four",
    ]  # fmt: skip


def test_the_title_is_part_of_the_text_and_markup_is_not() -> None:
    assert "-A\n+B" in text_diff(item("a"), item("a", title="B"))
    assert text_diff(item("a"), item("a", content="<div><p><b>hello</b></p></div>")) == ""


def test_entries_without_content_are_compared_by_their_summaries() -> None:
    assert "+new" in text_diff(item("a", content="", summary="old"), item("a", content="", summary="new"))


def test_a_great_difference_is_cut_and_made_in_no_time() -> None:
    before, after = ("".join(f"<p>{word} {n * 7 % 105}</p>" for n in range(5000)) for word in ("old", "new"))
    begun = time.process_time()
    lines = text_diff(item("a", content=before), item("a", content=after)).splitlines()
    assert time.process_time() - begun < 3
    assert len(lines) == 101
    assert lines[-1].endswith(" more lines")
    long = text_diff(item("a"), item("a", content="x" * 100_000)).splitlines()
    assert max(map(len, long)) <= 500


@pytest.mark.parametrize("space", [" ", ""])
def test_of_long_lines_the_part_is_shown_that_was_edited(space: str) -> None:
    much = space.join(f"w{n}" for n in range(400))
    before, after = item("a", content=f"<p>{much} end</p>"), item("a", content=f"<p>{much} fin{much}</p>")
    old, new = text_diff(before, after).splitlines()[-2:]
    assert (old.startswith("-…"), old.endswith("w399 end"), len(old) < 100) == (True, True, True)
    assert (new.startswith("+…"), "w399 finw0" in new, len(new) <= 500) == (True, True, True)


def test_words_that_changed_are_found_in_lines_of_any_length() -> None:
    much = " ".join(f"w{n}" for n in range(400))
    before, after = item("a", content=f"<p>{much} one {much}</p>"), item("a", content=f"<p>{much} two {much}</p>")
    old, new = changed_words(before, after)[-2:]
    assert (marked(old.words), marked(new.words)) == (["one"], ["two"])
    assert (old.text, new.text) == (f"{much} one {much}", f"{much} two {much}")


def marked(words: Words) -> list[str]:
    return [text for text, changed in words if changed]


@given(st.text(max_size=60), st.text(max_size=60))
def test_there_is_a_difference_only_where_texts_differ(one: str, other: str) -> None:
    assert text_diff(item("a", content=one), item("a", content=one)) == ""
    assert isinstance(text_diff(item("a", content=one), item("a", content=other)), str)
