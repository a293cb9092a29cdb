"""What is an IRI, and how what is none becomes one."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.uri import as_uri
from feedbot.formats.iri import as_id, is_iri, mended

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a?b=c&d=e#f",
        "http://[2001:db8::1]:8080/x",
        "tag:example.org,2026:/posts/1",
        "urn:uuid:5b1f4b0e-6c0f-4d6e-9a55-0d8a3f9d8b11",
        "yt:video:0A1ouV7iD8o",
        "https://example.org/日本語/ü",
        "mailto:a@example.org",
    ],
)
def test_an_iri_is_an_id_as_it_is(text: str) -> None:
    assert is_iri(text)
    assert as_id(text) == text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("t3_abc", "urn:feedbot:t3_abc"),
        ("12345", "urn:feedbot:12345"),
        ("/posts/1~a", "urn:feedbot:%2Fposts%2F1%7Ea"),
        ("a b:c", "urn:feedbot:a%20b%3Ac"),
        ("https://example.org/100%", "urn:feedbot:https%3A%2F%2Fexample.org%2F100%25"),
        ("https://example.org/[1]", "urn:feedbot:https%3A%2F%2Fexample.org%2F%5B1%5D"),
        ("x:", "urn:feedbot:x%3A"),
    ],
)
def test_what_is_no_iri_is_quoted_as_a_urn(text: str, quoted: str) -> None:
    assert as_id(text) == quoted


@given(texts)
def test_every_id_is_an_iri_from_which_the_text_is_read_back(text: str) -> None:
    made = as_id(text)
    assert is_iri(made)
    if made != text:
        assert re.fullmatch(r"urn:feedbot:([A-Za-z0-9_.-]|%[0-9A-F]{2})+", made)
        assert unquote(made.removeprefix("urn:feedbot:")) == text


@given(texts)
def test_a_mended_address_is_an_iri_and_needs_no_mending(text: str) -> None:
    whole = mended(f"https://example.org/{text}")
    assert is_iri(whole)
    assert mended(whole) == whole


def test_a_long_address_is_looked_at_in_no_time() -> None:
    for odd in ("//" + "@" * 200_000 + " ", "//" + "[" * 200_000, "#" * 200_000, "%" * 200_000):
        assert not is_iri(f"https:{odd}")


@pytest.mark.parametrize(
    ("iri", "uri"),
    [
        ("https://example.org/a?b", "https://example.org/a?b"),
        ("https://exämple.org:8443/ü/日?é#ß", "https://xn--exmple-cua.org:8443/%C3%BC/%E6%97%A5?%C3%A9#%C3%9F"),
        ("https://me@日本語.jp/", "https://me@xn--wgv71a119e.jp/"),
        ("https://☃️🏴/x", "https://%E2%98%83%EF%B8%8F%F0%9F%8F%B4/x"),
        ("mailto:ü@example.org", "mailto:%C3%BC@example.org"),
    ],
)
def test_an_iri_is_a_uri_where_none_is_known(iri: str, uri: str) -> None:
    assert as_uri(iri) == uri


@given(texts)
def test_every_mended_address_is_an_iri_in_ascii_too(text: str) -> None:
    made = as_uri(mended(f"https://{text}"))
    assert made.isascii()
    assert not made or is_iri(made)
