"""Usual addresses are told at a glance, and mean the same as when they are taken apart."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.address import is_usual, resolve, usual_host, usual_page
from feedbot.core.identity import normalised

PARTS = [" ", *"a B.c .. . / // ? q=1 & # top : 8080 ; @ %20 é".split()]
PIECES = st.lists(st.sampled_from(PARTS), max_size=8).map("".join)
ADDRESSES = st.tuples(st.sampled_from(["http://", "https://", "HTTP://", "//", "ftp://", ""]), PIECES).map("".join)


@given(ADDRESSES)
def test_no_base_changes_a_usual_address(address: str) -> None:
    if is_usual(address):
        for base in ("https://blog.example/posts/one?x#y", "http://other.example", "ftp://files.example/"):
            assert urljoin(base, address) == resolve(address, base) == address


@given(ADDRESSES)
def test_a_usual_address_is_taken_apart_as_any_other_is(address: str) -> None:
    host, page = usual_host(address), usual_page(address)
    assert (host is not None) == is_usual(address)
    if host is not None:
        assert host == urlsplit(address).hostname
    if page is not None:
        assert page == (urlsplit(address).netloc.lower(), urlsplit(address).path)
        assert normalised(address) == normalised(f"{address}?")  # which is not a usual one


@pytest.mark.parametrize(
    "address",
    ["https://blog.example", "http://blog.example/", "https://blog.example:8443/a/b.html?x=1&y#top"],
)
def test_addresses_of_pages_are_usual(address: str) -> None:
    assert is_usual(address)


@pytest.mark.parametrize(
    "address",
    ["", "/a", "mailto:a@blog.example", "https://user:word@blog.example/", "https://blog.example/a b", "HTTPS://A.example"],
)  # fmt: skip
def test_others_are_left_to_a_closer_look(address: str) -> None:
    assert not is_usual(address)
    assert usual_page(address) is None
