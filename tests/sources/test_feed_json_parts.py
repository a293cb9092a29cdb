"""Only what changed in a JSON Feed is made into entries, and gives the same as making all of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.errors import SourceError
from feedbot.sources.feed import jsonfeed
from feedbot.sources.feed.decode import decode
from feedbot.sources.feed.parsed import Parsed
from tests.conftest import CORPUS
from tests.sources.feeds import NOW, check_as_the_whole, ids, over_http, poll
from tests.support.examples import examples
from tests.support.web import Answer, WebServer

URL = "https://a.example/feed.json"
REAL = sorted((CORPUS / "feeds").glob("*.json")) if CORPUS.exists() else []


def item(name: str, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"id": f"urn:x:{name}", "title": name.upper(), "content_text": text, **more}


def feed(*items: Any, **head: Any) -> str:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Feed", **head, "items": items})


def understood(text: str, memory: Mapping[str, Any] | None = None, *, url: str = URL, by_id: bool = True) -> Parsed:
    return jsonfeed.read(text, url, NOW, memory=memory or {}, by_id=by_id)


def then(first: str, second: str) -> Parsed:
    """What reading the second body gives when the first was the last one."""
    return understood(second, understood(first).memory)


def test_only_new_and_changed_items_are_made_and_the_others_are_said_to_stand() -> None:
    before = feed(item("a"), item("b"), item("c"))
    after = feed(item("d"), item("a"), item("b", "edited"))

    parsed = then(before, after)

    assert ids(parsed.items) == ["urn:x:d", "urn:x:b"]
    assert parsed.standing == {"id:urn:x:a"}
    assert parsed.title == "Feed"
    assert parsed.memory == understood(after).memory


def test_items_that_only_moved_or_went_and_extensions_of_the_feed_are_no_change() -> None:
    before = feed(item("a"), item("b"), _made={"at": 1})

    for after in (feed(item("b"), item("a")), feed(item("b")), feed(), feed(item("a"), item("b"), _made={"at": 2})):
        parsed = then(before, after)
        assert parsed.unchanged
        assert parsed.memory == understood(after).memory


@pytest.mark.parametrize(
    "head",
    [
        {"authors": [{"name": "Ann"}]},
        {"author": {"name": "Ann"}},
        {"language": "de"},
        {"home_page_url": "https://other.example/"},
        {"title": "Other"},
    ],
)
def test_a_head_that_items_inherit_from_makes_all_of_them_be_read(head: Mapping[str, Any]) -> None:
    parsed = then(feed(item("a"), item("b")), feed(item("a"), item("b"), **head))

    assert ids(parsed.items) == ["urn:x:a", "urn:x:b"]
    assert not parsed.standing


def test_where_it_came_from_counts_too() -> None:
    memory = understood(feed(item("a", url="/a"))).memory

    (one,) = understood(feed(item("a", url="/a")), memory, url="https://b.example/feed.json").items

    assert one.url == "https://b.example/a"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([item("a"), item("b")], [item("a"), item("a", "other")]),
        ([item("a"), item("a", "other")], [item("a"), item("b")]),
        ([{"id": "1", "url": "https://a.example/x"}], [{"id": "2", "url": "http://www.a.example/x/"}, item("c")]),
        ([{"content_text": "nameless"}, item("a")], [{"content_text": "nameless too"}, item("a")]),
    ],
)
def test_where_names_are_shared_the_whole_is_read(before: Sequence[Any], after: Sequence[Any]) -> None:
    both = [*before, *after] if len(before) == 1 else after

    parsed = then(feed(*before), feed(*both))

    assert parsed.items == understood(feed(*both)).items
    assert not parsed.standing


def test_by_other_rules_of_identity_the_whole_is_read_unless_none_is_new() -> None:
    memory = understood(feed(item("a"), item("b")), by_id=False).memory

    assert understood(feed(item("a"), item("b")), memory, by_id=False).unchanged
    assert len(understood(feed(item("a"), item("b"), item("c")), memory, by_id=False).items) == 3


def test_what_is_no_object_or_too_much_is_told_in_both_ways() -> None:
    many = [item(str(number)) for number in range(5_000)]

    assert then(feed(item("a"), 1), feed(item("b"), item("a"), 1)).notes == (
        "passed over what is no object among the items: 1",
    )
    assert then(feed(*many), feed(item("new"), *many)).notes == ("no more than 5000 entries are read",)


def test_an_item_nested_deeper_than_can_be_read_is_told_as_such() -> None:
    deep = sys.getrecursionlimit() * 100

    with pytest.raises(SourceError, match="nested too deeply"):
        understood('{"items": [{"id": ' + "[" * deep + "]" * deep + "}]}")


def test_a_poll_that_finds_no_new_item_is_as_good_as_not_modified(web: WebServer) -> None:
    web.answers["/feed"] = Answer(200, feed(item("a"), item("b"), _at=1).encode(), {"ETag": '"1"'})
    source = over_http(web.url("/feed"), web.address)
    first = poll(source)
    web.answers["/feed"] = Answer(200, feed(item("a"), item("b"), _at=2).encode(), {"ETag": '"2"'})
    second = poll(source, first.memory)
    web.answers["/feed"] = Answer(200, feed(item("c"), item("a"), item("b"), _at=3).encode(), {"ETag": '"3"'})
    third = poll(source, second.memory)

    assert second.not_modified
    assert second.memory.validators.etag == '"2"'
    assert ids(third.items) == ["urn:x:c"]
    assert third.standing == {"id:urn:x:a", "id:urn:x:b"}


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_each_item_of_a_real_feed_reads_the_same_alone_as_among_the_others(path: Path) -> None:
    text = decode(path.read_bytes())
    try:
        whole = understood(text)
    except SourceError:
        return
    entries = whole.memory["entries"]
    if len(entries) < 2 or not isinstance(entries, dict):
        return
    for index, digest in enumerate(entries):
        others = {other: entries[other] for other in entries if other != digest}
        parsed = understood(text, {**whole.memory, "entries": others})
        assert parsed.items == (whole.items[index],)
        assert (parsed.title, parsed.link, parsed.memory) == (whole.title, whole.link, whole.memory)


NAMES = st.sampled_from(["a", "b", "https://a.example/c", "/d", 5, 5.0, None, True, ""])
TEXTS = st.sampled_from(["", "one", "two <b>", 7, None, ["x"], "\ud800", "𝄞"])
PEOPLE = st.sampled_from([None, [], "Ann", {"name": "Ann"}, [{"name": "Bob", "url": "/bob"}, {}, 1]])
ITEMS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "id": NAMES, "url": NAMES, "external_url": NAMES, "title": TEXTS, "content_html": TEXTS, "summary": TEXTS,
        "content_text": TEXTS, "author": PEOPLE, "authors": PEOPLE, "tags": st.sampled_from([["t", 1], "t", None]),
        "date_published": st.sampled_from(["2026-01-01T00:00:00Z", "soon", 3]),
        "language": st.sampled_from(["fr", "??"]), "image": NAMES, "_more": TEXTS,
        "attachments": st.sampled_from([None, [{"url": "/a.mp3", "size_in_bytes": 4}], ["x"], {"url": "y"}]),
    },
) | st.sampled_from([None, 1, [], "x"])  # fmt: skip
HEADS = st.fixed_dictionaries(
    {},
    optional={"author": PEOPLE, "authors": PEOPLE, "language": st.sampled_from(["de", ""]), "home_page_url": NAMES,
              "_stamp": st.integers()},
)  # fmt: skip
LISTS = st.lists(ITEMS, max_size=5)


@examples(60)
@given(LISTS, LISTS, HEADS, HEADS, st.booleans(), st.data())
def test_reading_what_changed_gives_what_reading_the_whole_does(
    items: list[Any], new: list[Any], head: dict[str, Any], other: dict[str, Any], same: bool, data: Any
) -> None:
    kept = data.draw(st.permutations(items)) if data.draw(st.booleans()) else items[: len(items) // 2 + 1]
    first = understood(feed(*items, **head))
    body = feed(*new[:2], *kept, *new[2:], **(head if same else other))

    check_as_the_whole(understood, first, body)
