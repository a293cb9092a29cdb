"""Text from anywhere, made fit for where it goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedbot.core.text import one_line, shorten, slug, storable

ANY = st.text(alphabet=st.characters(codec=None), max_size=200)


@pytest.mark.parametrize("odd", ["\x00", "\x0b", "\x1f", "\ud83d", "\ufffe", "\uffff"])
def test_what_xml_does_not_take_is_dropped(odd: str) -> None:
    assert storable(f"a{odd}b") == "ab"


@given(ANY)
def test_storable_text_goes_into_xml_and_utf8_and_is_kept_otherwise(text: str) -> None:
    kept = storable(text)
    element = etree.Element("a")
    element.text = kept
    assert etree.tostring(element)
    assert storable(kept) == kept
    if all(" " <= c < "\ud800" for c in text):
        assert kept == text


@given(ANY)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert line == " ".join(storable(text).split())
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert "  " not in line


@given(ANY, st.integers(min_value=2, max_value=50))
def test_shortened_text_is_no_longer_than_asked(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit


@given(ANY)
def test_a_slug_is_safe_in_paths_and_addresses(text: str) -> None:
    name = slug(text)
    assert name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(name) <= 80


def test_slugs_are_readable() -> None:
    assert slug("Łódź: Fünf Äpfel & more!") == "odz-funf-apfel-more"
    assert slug("🎉") == "untitled"
    assert shorten("a sentence of several words", 15) == "a sentence of…"
