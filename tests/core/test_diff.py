"""What a document changes: kinds of edits, withdrawals, dates of change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core import identity
from feedbot.core.diff import Changes, changes, effective_updated
from feedbot.core.fingerprint import edit_kind, fingerprints
from feedbot.model import Author, Document, EditKind, Enclosure, Fingerprints, Item, Known
from tests.support.build import NOW, at, feed, folder, item, post


def compared(before: Item, document: Document, *, withdrawn: bool = False) -> Changes:
    """What a document changes where one entry is known."""
    prints = fingerprints(before, document.trusted_dates)
    known = Known(pk=1, id=before.id, published=before.published, fingerprints=prints, revision=1, withdrawn=withdrawn)
    named = dict.fromkeys(identity.with_text(identity.keys(before), before).all, 1)
    own = [identity.keys(one) for one in document.items]
    return changes(document, own, named, {1: known}, {before.id})


def kind(before: Item, after: Item, trusted_dates: bool = True) -> EditKind:
    return edit_kind(fingerprints(before, trusted_dates), fingerprints(after, trusted_dates), before, after)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title": "B"}, EditKind.TEXT),
        ({"content": "<p>other</p>"}, EditKind.TEXT),
        ({"content": "", "summary": "other"}, EditKind.TEXT),
        ({"content": '<p><a href="/x">hello</a></p>'}, EditKind.MARKUP),
        ({"image": "https://blog.example/i.png"}, EditKind.MARKUP),
        ({"enclosures": (Enclosure("https://blog.example/a.mp3"),)}, EditKind.MARKUP),
        ({"summary": "in short"}, EditKind.METADATA),
        ({"url": "https://blog.example/else"}, EditKind.METADATA),
        ({"published": NOW}, EditKind.METADATA),
        ({"updated": NOW}, EditKind.METADATA),
        ({"tags": ("x",)}, EditKind.METADATA),
        ({"authors": (Author("Ada"),)}, EditKind.METADATA),
        ({"extra": {"draft": False}}, EditKind.METADATA),
        ({"content": "<p>hello</p><script>tracked()</script>"}, EditKind.NONE),
        ({"content": " <p>hello</p>\n"}, EditKind.NONE),
        ({"title": " A "}, EditKind.NONE),
        ({}, EditKind.NONE),
    ],
)
def test_an_edit_is_as_deep_as_what_readers_see_of_it(fields: dict[str, Any], expected: EditKind) -> None:
    assert kind(item("a"), item("a", **fields)) is expected


def test_without_comparable_digests_what_was_stored_tells_the_edit() -> None:
    unknown, before = Fingerprints("", "", ""), item("a", updated=NOW)
    for after, expected in [
        (item("a", updated=at(days=1)), EditKind.NONE),
        (item("a", tags=("x",)), EditKind.METADATA),
        (item("a", text="else"), EditKind.TEXT),
    ]:
        assert edit_kind(unknown, fingerprints(after, True), before, after) is expected


def test_a_date_of_change_alone_is_an_edit_only_where_dates_are_trusted() -> None:
    assert kind(item("a"), item("a", updated=NOW), trusted_dates=False) is EditKind.NONE
    assert compared(item("a"), feed(item("a", updated=NOW))) == Changes()
    assert len(compared(post("a"), folder(post("a", updated=NOW))).edited) == 1


def test_an_edited_summary_of_an_entry_without_content_is_an_edit() -> None:
    short = item("a", content="", summary="one")
    (edit,) = compared(short, feed(item("a", content="", summary="two"))).edited
    assert kind(short, edit.item) is EditKind.TEXT


def test_an_untouched_entry_changes_nothing_but_new_keys_are_learnt() -> None:
    before = item("guid-1", url="https://blog.example/p", title="P")
    after = item("guid-2", url="https://blog.example/p", title="P")
    assert compared(before, feed(before)) == Changes()
    learnt = compared(before, feed(after))
    assert (learnt.added, learnt.edited, [pk for pk, _ in learnt.learnt]) == ((), (), [1])


def test_an_edit_teaches_the_new_text_by_which_a_moved_entry_is_found() -> None:
    after = item("a", "second")
    (edit,) = compared(item("a"), feed(after)).edited
    assert edit.keys.texts == identity.with_text(identity.keys(after), after).texts != ()


def test_only_a_complete_document_withdraws_and_never_twice_or_what_stands() -> None:
    assert compared(item("a"), feed()).withdrawn == ()
    assert [gone.id for gone in compared(post("a"), folder()).withdrawn] == [post("a").id]
    assert compared(post("a"), folder(), withdrawn=True).withdrawn == ()
    assert compared(post("a"), folder(standing=frozenset({"path:a/index.md"}))).withdrawn == ()


def test_an_entry_that_comes_back_is_an_edit_of_nothing() -> None:
    (edit,) = compared(post("a"), folder(post("a")), withdrawn=True).edited
    assert edit.fingerprints == edit.known.fingerprints
    assert edit.known.withdrawn


def test_new_items_that_want_one_id_get_different_ones() -> None:
    shared = {"id": "https://blog.example/", "url": "https://blog.example/"}
    document = folder(*(post(name, f"text {name}", **shared) for name in "abc"))
    own = [identity.keys(one) for one in document.items]
    found = changes(document, own, {}, {}, {"https://blog.example/", "https://blog.example/#2"})
    assert [added.id.removeprefix("https://blog.example/") for added in found.added] == ["#3", "#4", "#5"]


@pytest.mark.parametrize(
    ("own", "edit", "revised", "expected"),
    [
        (None, EditKind.TEXT, None, at()),
        (None, EditKind.MARKUP, None, at()),
        (None, EditKind.METADATA, None, None),
        (at(days=-5), EditKind.TEXT, None, at()),
        (at(days=-5), EditKind.METADATA, at(days=-2), at(days=-2)),
        (at(days=-1), EditKind.METADATA, at(days=-2), at(days=-1)),
        (at(days=9), EditKind.TEXT, None, at()),
        (at(days=-5), EditKind.NONE, None, at(days=-5)),
    ],
)
def test_an_entry_is_updated_when_its_readers_see_it_change(
    own: datetime | None, edit: EditKind, revised: datetime | None, expected: datetime | None
) -> None:
    assert effective_updated(item("a", updated=own), edit, revised, NOW) == expected


_contents = st.fixed_dictionaries(
    {
        "title": st.text(max_size=8),
        "content": st.text(alphabet="ab<>/p &;\n", max_size=12),
        "summary": st.text(alphabet="ab<>p ", max_size=6),
        "tags": st.lists(st.text(max_size=3), max_size=2).map(tuple),
    }
)


@given(_contents, _contents)
def test_edits_have_one_depth_and_it_is_none_where_nothing_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    before, after = item("a", **one), item("a", **other)
    assert kind(before, before) is EditKind.NONE
    assert kind(before, after) is kind(after, before)
    if kind(before, after) is not EditKind.NONE:
        assert compared(before, feed(after)).edited
