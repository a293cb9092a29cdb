"""What may go out of an entry."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.expose import exposed, plain
from feedbot.core.present import MAX_ENCLOSURES, MAX_TAGS, MAX_TITLE, assets, present
from feedbot.core.text import storable
from feedbot.model import Author, Enclosure, Entry
from tests.support.build import NOW


def entry(**fields: Any) -> Entry:
    values = {"id": "a", "source": "blog", "first_seen": NOW, "url": "https://blog.example/2026/a/", **fields}
    return Entry(**values)


def test_what_goes_out_is_clean_and_has_absolute_addresses() -> None:
    shown = present(entry(content='<a href="../b/">b</a><img src="i.png" onerror="x()"><script>x()</script>'))
    assert shown.content == '<a href="https://blog.example/2026/b/">b</a><img src="https://blog.example/2026/a/i.png">'
    assert present(entry(base="https://other.example/", content='<a href="c">c</a>')).content == (
        '<a href="https://other.example/c">c</a>'
    )


def test_titles_names_and_tags_are_one_line_of_text() -> None:
    shown = present(
        entry(title=" a\n b\x00 ", tags=("x\ny", " ", "x y"), authors=(Author("A\nB", "javascript:x", "a\n@b"),))
    )
    assert (shown.title, shown.tags) == ("a b", ("x y",))
    assert shown.authors == (Author("A B", "", "a @b"),)


def test_addresses_that_are_not_safe_are_dropped() -> None:
    unsafe = "javascript:alert(1)"
    shown = present(entry(url=unsafe, image=unsafe, enclosures=(Enclosure(unsafe), Enclosure("https://x.example/a"))))
    assert (shown.url, shown.image, shown.enclosures) == ("", "", (Enclosure("https://x.example/a"),))


def test_copied_images_get_the_address_of_the_copy_or_keep_their_own() -> None:
    copied = entry(content='<img src="feedbot-asset:0a1b.png?img%2Fi.png">', image="feedbot-asset:0a1b.png?i.png")
    there = present(copied, "https://feeds.example/")
    assert there.content == '<img src="https://feeds.example/media/0a1b.png">'
    assert there.image == "https://feeds.example/media/0a1b.png"
    assert present(copied).content == '<img src="https://blog.example/2026/a/img/i.png">'
    assert assets(copied) == {"0a1b.png"}


def test_only_a_summary_goes_out_where_no_more_is_wanted() -> None:
    assert present(entry(summary="short", content="<p>long</p>"), "", True).summary == "short"
    made = present(entry(content=f"<p>{'word ' * 300}</p>"), "", True)
    assert made.content == ""
    assert made.summary.endswith("…</p>")
    assert len(made.summary) <= 510


def test_an_entry_is_bounded() -> None:
    shown = present(
        entry(
            title="t" * 9000,
            tags=tuple(map(str, range(999))),
            enclosures=tuple(Enclosure(f"https://x.example/{n}") for n in range(99)),
        )
    )
    assert (len(shown.title), len(shown.tags), len(shown.enclosures)) == (MAX_TITLE, MAX_TAGS, MAX_ENCLOSURES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (NOW, "2026-11-21T12:00:00Z"),
        ({1: (True, None, 1.5)}, {"1": [True, None, 1.5]}),
        (timedelta(days=1), "1 day, 0:00:00"),
    ],
)
def test_whatever_front_matter_holds_becomes_json(value: object, expected: object) -> None:
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)


def test_a_number_too_long_to_be_written_is_written_otherwise() -> None:
    assert plain({"x": 16**5000}) == {"x": hex(16**5000)}


_any_text = st.text(alphabet=st.characters(), max_size=20)


@given(_any_text, _any_text, _any_text, st.booleans())
def test_any_entry_can_go_out_and_goes_out_the_same_twice(one: str, two: str, three: str, summary_only: bool) -> None:
    given_entry = entry(
        url=one, title=two, content=f"<p>{three}</p>{one}", summary=two, tags=(one, two), base=three,
        authors=(Author(one, two, three),), enclosures=(Enclosure(f"https://x.example/{three}", one),), image=two,
        extra={one: [two]}, language=three,
    )  # fmt: skip
    shown = present(given_entry, "https://feeds.example/", summary_only)
    again = present(shown, "https://feeds.example/", summary_only)
    assert again.content == shown.content
    assert again.title == shown.title == storable(shown.title)
    assert shown.url == "" or "://" in shown.url or ":" in shown.url
    json.dumps(exposed(shown, "new"), allow_nan=False)
