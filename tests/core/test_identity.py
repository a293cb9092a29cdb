"""Which entry an item is: keys, and what counts as evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core import identity
from feedbot.core.fingerprint import fingerprints
from feedbot.core.identity import Aliases, Keys, Matches, digest, match, mint, normalised, same_moment
from feedbot.model import Item, Known
from tests.support.build import NOW, at, item, post


def keys(one: Item) -> Keys:
    return identity.with_text(identity.keys(one), one)


def knowing(*entries: Item, withdrawn: bool = False) -> tuple[dict[bytes, int | None], dict[int, Known]]:
    """What a store would know after it had seen these, one after another; entries are numbered from 1."""
    aliases: dict[bytes, int | None] = {}
    known = {}
    for pk, one in enumerate(entries, start=1):
        aliases |= {key: None if key in aliases else pk for key in keys(one).all}
        prints = fingerprints(one, trusted_dates=False)
        known[pk] = Known(
            pk=pk, id=one.id, published=one.published, fingerprints=prints, revision=1, withdrawn=withdrawn
        )
    return aliases, known


def found(
    items: list[Item], state: tuple[Aliases, dict[int, Known]], *, complete: bool = False, standing: int | None = None
) -> Matches:
    there = frozenset() if standing is None else frozenset({standing})
    return match(items, [keys(one) for one in items], *state, complete=complete, standing=there)


def test_an_item_is_the_entry_that_its_id_names_whatever_else_changed() -> None:
    changed = item("a", "other text", url="https://elsewhere.example/", title="Other", published=at(days=3))
    assert found([changed], knowing(item("a"))).known == {0: 1}


def test_an_item_that_is_in_a_document_twice_is_taken_once() -> None:
    assert found([item("a"), item("a")], knowing()) == Matches(new=[0], repeated=[1])
    assert found([item("a"), item("a")], knowing(item("a"))) == Matches(known={0: 1}, repeated=[1])


def test_two_ids_that_an_entry_had_name_it_once_when_both_come() -> None:
    aliases, known = knowing(item("old", url="https://blog.example/p"))
    aliases[digest("id:new")] = 1
    both = [item(name, url="https://blog.example/p") for name in ("old", "new")]
    assert found(both, (aliases, known)) == Matches(known={0: 1}, repeated=[1])
    assert found(both[::-1], (aliases, known)) == Matches(known={0: 1}, repeated=[1])


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"published": NOW}, True),
        ({"text": "edited"}, True),
        ({"published": NOW, "text": "edited"}, False),
        ({"published": None}, True),
        ({"published": None, "text": "edited"}, False),
    ],
)
def test_a_link_names_an_entry_together_with_its_date_or_its_text(change: dict[str, object], same: bool) -> None:
    before = item("guid-1", url="https://blog.example/p", title="P")
    after = item("guid-2", **{"url": "http://www.blog.example/p/", "title": "P", **change})  # type: ignore[arg-type]
    assert (found([after], knowing(before)).known == {0: 1}) is same


def test_a_text_names_an_entry_together_with_its_date() -> None:
    moved = item("guid-2", url="https://new.example/", title="A")
    assert found([moved], knowing(item("a"))).known == {0: 1}
    later = item("guid-2", url="https://new.example/", title="A", published=NOW)
    assert found([later], knowing(item("a"))).new == [0]


def test_a_link_that_several_have_names_none_of_them() -> None:
    home = {"url": "https://blog.example/", "published": NOW}
    state = knowing(item("1", "one", **home), item("2", "two", **home))
    assert found([item("3", "three", **home)], state).new == [0]
    two = [item("3", "three", **home), item("4", "four", **home)]
    assert found(two, knowing(item("1", "one", **home))).new == [0, 1]


def test_a_renamed_file_is_found_by_its_text_and_a_copy_of_it_is_new() -> None:
    renamed = post("z", title="A", published=NOW)
    assert found([renamed], knowing(post("a")), complete=True).known == {0: 1}
    assert found([post("a"), renamed], knowing(post("a")), complete=True) == Matches(known={0: 1}, new=[1])


def test_files_of_the_same_text_are_all_found_when_they_are_renamed() -> None:
    stubs = [post("a", title="T"), post("b", title="T")]
    renamed = [post("y", title="T"), post("z", title="T")]
    assert sorted(found(renamed, knowing(*stubs), complete=True).known.values()) == [1, 2]


def test_an_entry_that_stands_unread_is_no_one_elses() -> None:
    assert found([post("z", title="A")], knowing(post("a")), complete=True, standing=1).new == [0]


def test_an_id_in_a_file_comes_before_the_place_of_the_file() -> None:
    moved = post("b", keys=("id:X", "path:b/index.md"))
    state = knowing(post("a", keys=("id:X", "path:a/index.md")))
    newcomer = post("a", "something new", title="New", published=NOW)
    for document in ([newcomer, moved], [moved, newcomer]):
        matches = found(document, state, complete=True)
        assert matches.known == {document.index(moved): 1}
        assert matches.new == [document.index(newcomer)]


def test_what_is_the_same_address_to_a_person_is_the_same_link() -> None:
    spellings = ("http://blog.example/p", "https://www.Blog.example:443/p/", " https://blog.example/p ")
    assert {normalised(address) for address in spellings} == {"blog.example/p"}
    others = (
        "https://blog.example/P",
        "https://blog.example/p?a=1",
        "https://blog.example/p#x",
        "https://blog.example/p",
    )
    assert len({normalised(address) for address in others}) == len(others)


@given(st.text())
def test_any_text_has_a_link_or_none_and_a_digest(text: str) -> None:
    assert isinstance(normalised(text), str)
    assert isinstance(normalised(f"https://{text}"), str)
    assert len(digest(text or "x")) == 16


@given(st.lists(st.sampled_from("abc"), max_size=12), st.sets(st.sampled_from(["a", "b", "a#2", "b#3"])))
def test_minted_ids_are_never_taken_and_as_wanted_where_they_can_be(wanted: list[str], before: set[str]) -> None:
    taken = set(before)
    for one in wanted:
        minted = mint(one, taken)
        assert minted not in taken
        assert minted.startswith(one)
        assert (minted == one) is (one not in taken)
        taken.add(minted)


def test_dates_are_compared_to_the_second_and_none_is_no_date() -> None:
    assert same_moment(NOW, NOW + timedelta(milliseconds=900))
    assert not same_moment(NOW, NOW + timedelta(seconds=1))
    assert not same_moment(None, None)


_items = st.builds(
    lambda name, link, text, day, kind: kind(
        f"n{name}", f"text {text}", url=f"https://blog.example/{link}", published=None if day is None else at(days=day)
    ),
    st.integers(0, 4),
    st.integers(0, 3),
    st.integers(0, 3),
    st.none() | st.integers(0, 2),
    st.sampled_from([item, post]),
)


@given(st.lists(_items, max_size=6), st.lists(_items, max_size=8), st.booleans(), st.booleans())
def test_every_item_is_one_thing_and_every_entry_one_item(
    before: list[Item], now: list[Item], complete: bool, withdrawn: bool
) -> None:
    matches = found(now, knowing(*before, withdrawn=withdrawn), complete=complete)
    assert sorted([*matches.known, *matches.new, *matches.repeated]) == list(range(len(now)))
    assert len(set(matches.known.values())) == len(matches.known)
