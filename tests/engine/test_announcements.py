"""What happens to blogs and feeds in real life, and the announcements that come of it: the right ones, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from feedbot.errors import DeliveryError
from feedbot.model import ChangeKind, Delivery, DeliveryState, Document, Item
from feedbot.plugins import SourceSettings
from feedbot.settings import RouteSettings
from tests.engine.world import RememberingSink, Saying, World
from tests.support.build import NOW, at, feed, folder, item, post

ALL = (ChangeKind.NEW, ChangeKind.UPDATED, ChangeKind.WITHDRAWN)


@dataclass
class Story:
    """Steps of minutes that pass and what the source says then; ``told`` is what came of them, in order.

    What was told: the change, the entry's name, its title. ``settings`` are those of the source.
    """

    name: str
    steps: list[tuple[float, Saying]]
    told: list[tuple[str, str, str]]
    settings: dict[str, Any] = field(default_factory=dict)
    feedbot: dict[str, Any] = field(default_factory=dict)
    notes: str = ""


def many(number: int, **fields: Any) -> list[Item]:
    """Posts of a year, one a day, up to yesterday."""
    days = range(1, number + 1)
    return [post(f"p{n}", f"text {n}", published=NOW - timedelta(days=n), **fields) for n in days]


def blog(*posts: Item) -> Document:
    return folder(*posts)


def swapped(slug: str) -> Item:
    """A post of the day with day and month in the wrong order: its address holds the wrong month too."""
    return dated(post(slug, published=NOW.replace(month=12, day=11) + timedelta(days=90)), "2027/03")


def dated(one: Item, month: str) -> Item:
    address = f"https://blog.example/{month}/{one.keys[0].removeprefix('path:').split('/')[0]}/"
    return replace(one, id=address, url=address)


OTHER = post("other", "something else")
A = post("a", "first words")
WEEK = 7 * 24 * 60

STORIES = [
    Story(
        "typos mended within minutes, with settle: one announcement, with the final text",
        [
            (0, blog(OTHER)),
            (60, blog(OTHER, A)),
            (5, blog(OTHER, post("a", "first word", title="A!"))),
            (5, blog(OTHER, post("a", "last words", title="Final"))),
            (29, blog(OTHER, post("a", "last words", title="Final"))),
            (31, blog(OTHER, post("a", "last words", title="Final"))),
        ],
        [("new", "a", "Final")],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "an edit while an announcement settles, without another poll than that which finds it due",
        [
            (0, blog(OTHER)),
            (60, blog(OTHER, A)),
            (31, blog(OTHER, post("a", "other words", title="Late"))),
            (31, blog(OTHER, post("a", "other words", title="Late"))),
        ],
        [("new", "a", "Late")],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "a post that is edited at each of many polls settles all the same",
        [
            (0, blog(OTHER)),
            *((5, blog(OTHER, post("a", f"take {n}", title=f"Take {n}"))) for n in range(9)),
            (29, blog(OTHER, post("a", "take 8", title="Take 8"))),
            (2, blog(OTHER, post("a", "take 8", title="Take 8"))),
        ],
        [("new", "a", "Take 8")],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "updates settle as well",
        [
            (0, blog(OTHER)),
            (60, blog(OTHER, A)),
            (31, blog(OTHER, A)),
            (60, blog(OTHER, post("a", "two", title="2"))),
            (10, blog(OTHER, post("a", "three", title="3"))),
            (31, blog(OTHER, post("a", "three", title="3"))),
        ],
        [("new", "a", "A"), ("updated", "a", "3")],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "a sweep of white space over 53 posts",
        [(0, blog(*many(53))), (60, blog(*(replace(p, content=f"{p.content}\n \n") for p in many(53))))],
        [],
    ),
    Story(
        "the rename of an author of 23 posts",
        [(0, blog(*many(23, extra={"by": "Jo"}))), (60, blog(*many(23, extra={"by": "Joanna"})))],
        [],
    ),
    Story("an import of 304 posts into a known source is held", [(0, blog(OTHER)), (60, blog(OTHER, *many(304)))], []),
    Story(
        "with max_age, an import announces what is young",
        [(0, blog(OTHER)), (60, blog(OTHER, *many(304)))],
        [("new", f"p{n}", f"P{n}") for n in range(9, 0, -1)],
        {"max_age": timedelta(days=10)},
    ),
    Story(
        "a date with day and month swapped, mended nine minutes later",
        [
            (0, blog(OTHER)),
            (60, blog(OTHER, swapped("a"))),
            (9, blog(OTHER, dated(A, "2026/11"))),
            (60, blog(OTHER, dated(A, "2026/11"))),
        ],
        [("new", "a", "A")],
    ),
    Story(
        "a post merged late, dated ten days ago",
        [(0, blog(OTHER)), (60, blog(OTHER, post("late", "late", published=NOW - timedelta(days=10))))],
        [("new", "late", "LATE")],
    ),
    Story("a renamed file", [(0, blog(OTHER, A)), (60, blog(OTHER, replace(A, keys=("path:b/index.md",))))], []),
    Story(
        "a post with another title, and a file and an address that go with that",
        [(0, blog(OTHER, A)), (60, blog(OTHER, post("b", "first words", title="B!")))],
        [("updated", "a", "B!")],
    ),
    Story(
        "a post that was edited when it got another date, and with that another file and address",
        [
            (0, blog(OTHER, A)),
            (
                60,
                blog(
                    OTHER, replace(dated(post("a", "edited", published=at(days=-9)), "2026/10"), keys=("path:9-a.md",))
                ),
            ),
        ],
        [("updated", "a", "A")],
    ),
    Story("a deleted post", [(0, blog(OTHER, A)), (60, blog(OTHER)), (60, blog(OTHER))], [("withdrawn", "a", "A")]),
    Story(
        "a withdrawn entry that comes back is told as an update, never as new",
        [(0, blog(OTHER, A)), (60, blog(OTHER)), (60, blog(OTHER, A)), (60, blog(OTHER, A))],
        [("withdrawn", "a", "A"), ("updated", "a", "A")],
    ),
    Story(
        "missing once and there again, with withdraw_after",
        [
            (0, blog(OTHER, A)),
            (60, blog(OTHER)),
            (60, blog(OTHER, A)),
            (60, blog(OTHER)),
            (60, blog(OTHER)),
            (60, blog(OTHER)),
        ],
        [("withdrawn", "a", "A")],
        {"withdraw_after": 3},
    ),
    Story(
        "a post deleted while its announcement settles is never told, and told once when it comes back",
        [
            (0, blog(OTHER)),
            (60, blog(OTHER, A)),
            (5, blog(OTHER)),
            (90, blog(OTHER)),
            (60, blog(OTHER, A)),
            (31, blog(OTHER, A)),
        ],
        [("new", "a", "A")],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "an edit and its revert while nothing was sent yet",
        [
            (0, blog(OTHER)),
            (60, blog(OTHER, A)),
            (5, blog(OTHER, post("a", "wrong", title="X"))),
            (5, blog(OTHER, A)),
            (31, blog(OTHER, A)),
        ],
        [("new", "a", "A")],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "an edit that is undone while its notice settles is told to nobody",
        [
            (0, blog(OTHER, A)),
            (60, blog(OTHER, post("a", "wrong"))),
            (5, blog(OTHER, A)),
            (31, blog(OTHER, A)),
        ],
        [],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "an edit that is undone, and made after all, is told once",
        [
            (0, blog(OTHER, A)),
            (60, blog(OTHER, post("a", "two"))),
            (5, blog(OTHER, A)),
            (5, blog(OTHER, post("a", "two", title="2"))),
            (31, blog(OTHER, post("a", "two", title="2"))),
        ],
        [("updated", "a", "2")],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "an edit that is undone in part is told",
        [
            (0, blog(OTHER, A)),
            (60, blog(OTHER, post("a", "wrong", title="X"))),
            (5, blog(OTHER, post("a", title="X"))),
            (31, blog(OTHER, post("a", title="X"))),
        ],
        [("updated", "a", "X")],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "that an entry is back is told though an edit made then was undone",
        [
            (0, blog(OTHER, A)),
            (60, blog(OTHER)),
            (60, blog(OTHER, A)),
            (5, blog(OTHER, post("a", "wrong"))),
            (5, blog(OTHER, A)),
            (31, blog(OTHER, A)),
        ],
        [("withdrawn", "a", "A"), ("updated", "a", "A")],
        {"settle": timedelta(minutes=30)},
    ),
    Story(
        "updates within update_interval are told in one notice at its end",
        [
            (0, blog(OTHER, A)),
            (60, blog(OTHER, post("a", "one", title="1"))),
            (60, blog(OTHER, post("a", "two", title="2"))),
            (120, blog(OTHER, post("a", "three", title="3"))),
            (60, blog(OTHER, post("a", "three", title="3"))),
            (300, blog(OTHER, post("a", "three", title="3"))),
        ],
        [("updated", "a", "1"), ("updated", "a", "3")],
    ),
    Story(
        "a feed whose names, addresses and texts all changed is held",
        [
            (0, feed(*(item(f"{n}", f"text {n}") for n in range(10)))),
            (60, feed(*(item(f"x{n}", f"other {n}", published=at(days=-9)) for n in range(10)))),
        ],
        [],
    ),
    Story(
        "a feed that was not read for a week announces what is rightly new",
        [
            (0, feed(*(item(f"{n}", f"text {n}") for n in range(10)))),
            (WEEK, feed(*(item(f"y{n}", f"other {n}", published=at(days=1, hours=n)) for n in range(10)))),
        ],
        [("new", f"y{n}", f"Y{n}") for n in range(10)],
    ),
    Story(
        "a search and replace over 30 posts is held",
        [(0, blog(*many(30))), (60, blog(*(replace(p, content=f"{p.content}<p>more</p>") for p in many(30))))],
        [],
    ),
    Story("a folder that was emptied is held", [(0, blog(*many(12))), (60, blog())], []),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_each_story_is_told_once_and_right(story: Story, tmp_path: Path) -> None:
    world = World(
        tmp_path,
        sources={"blog": SourceSettings(type="scripted", **story.settings)},
        routes=[RouteSettings(to=("log",), on=ALL)],
        feedbot=story.feedbot,
    )
    for minutes, said in story.steps:
        world.run(said, later=timedelta(minutes=minutes), force=True)
    assert [(d.change.value, _name(d), d.entry.title) for d in sent()] == story.told
    for minutes in (0, 24 * 60):
        world.run(later=timedelta(minutes=minutes), force=True)
    assert len(sent()) == len(story.told)


def sent() -> list[Delivery]:
    return [delivery for _, delivery in RememberingSink.sent]


def _name(delivery: Delivery) -> str:
    return delivery.entry.id.rstrip("/").rpartition("/")[2]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(
        tmp_path,
        sources={"blog": SourceSettings(type="scripted")},
        routes=[RouteSettings(to=("log",), on=ALL)],
    )


def hear(world: World, *steps: tuple[float, Saying]) -> None:
    for minutes, said in steps:
        world.run(said, later=timedelta(minutes=minutes), force=True)


def test_a_folded_notice_shows_what_changed_since_the_last_one_and_the_revision_that_it_carries(world: World) -> None:
    versions = [folder(post("a", f"version {n}"), OTHER) for n in range(5)]
    hear(world, *((60, said) for said in versions[:4]), (400, versions[3]))
    first, second = sent()
    assert ("version 0" in first.diff, "version 1" in first.diff, first.entry.revision) == (True, True, 2)
    assert ("-version 1" in second.diff, "+version 3" in second.diff) == (True, True)
    assert (second.entry.content, second.entry.revision) == ("<p>version 3</p>", 4)


def test_a_retried_update_carries_a_revision_and_the_content_of_it_under_one_key(world: World) -> None:
    hear(world, (60, folder(A, OTHER)))
    RememberingSink.errors = {"log": [DeliveryError("500")]}
    hear(world, (60, folder(post("a", "second"), OTHER)))
    assert sent() == []
    hear(world, (60, folder(post("a", "third"), OTHER)), (60, folder(post("a", "third"), OTHER)))
    (only,) = sent()
    assert (only.entry.content, only.entry.revision) == ("<p>third</p>", 3)
    assert "-first words" in only.diff


def test_an_edit_of_an_entry_whose_announcement_waits_is_no_update(world: World) -> None:
    RememberingSink.errors = {"log": [DeliveryError("down", sink_down=True)] * 3}
    hear(world, (60, folder(OTHER)), (60, folder(A, OTHER)), (1, folder(post("a", "better"), OTHER)))
    hear(world, (200, folder(post("a", "better"), OTHER)), (1200, folder(post("a", "better"), OTHER)))
    assert [(d.change.value, d.entry.content) for d in sent()] == [("new", "<p>better</p>")]


def test_held_announcements_carry_the_entry_as_it_is_when_they_are_released(world: World) -> None:

    world.feedbot = {"flood_limit": 1}
    hear(world, (60, folder(OTHER)), (60, folder(OTHER, A, post("b", "b"))))
    hear(world, (60, folder(OTHER, post("a", "mended"), post("b", "b"))))
    store = world.store()
    store.outbox.move(DeliveryState.PENDING, world.now, only=DeliveryState.HELD)
    store.close()
    hear(world, (60, folder(OTHER, post("a", "mended"), post("b", "b"))))
    assert {d.entry.content for d in sent()} == {"<p>mended</p>", "<p>b</p>"}
    assert {d.change.value for d in sent()} == {"new"}


def test_a_withdrawal_is_told_to_nobody_for_whom_the_announcement_was_still_waiting(world: World) -> None:
    world.sources = {"blog": SourceSettings(type="scripted", settle=timedelta(hours=2))}
    hear(world, (60, folder(OTHER)), (60, folder(A, OTHER)), (30, folder(OTHER)), (300, folder(OTHER)))
    assert sent() == []


def test_what_was_withdrawn_before_it_was_told_keeps_no_other_source_from_telling(world: World) -> None:
    world.sources = {"blog": SourceSettings(type="scripted", settle=timedelta(hours=2))}
    world.routes = [RouteSettings(to=("log",), dedupe="across")]
    hear(world, (60, folder(OTHER)), (60, folder(A, OTHER)), (30, folder(OTHER)), (60, folder(A, OTHER)))
    hear(world, (121, folder(A, OTHER)))
    assert world.sent == [("log", "new", A.id)]


def test_what_could_not_be_told_is_not_tried_again_once_it_is_no_longer_so(world: World) -> None:
    refusal = DeliveryError("no", permanent=True)
    RememberingSink.errors = {"log": [refusal]}
    hear(world, (60, folder(OTHER)), (60, folder(A, OTHER)), (60, folder(OTHER)), (60, folder(A, OTHER)))
    RememberingSink.errors = {"log": [refusal]}
    hear(world, (60, folder(OTHER)), (60, folder(A, OTHER)))
    store = world.store()
    assert store.outbox.move(DeliveryState.PENDING, world.now) == 0  # neither an announcement nor a withdrawal
    store.close()
    assert [d.change.value for d in sent()] == ["new"]


def test_who_was_told_hears_how_it_goes_on_though_another_recipient_refused_the_mail(world: World) -> None:
    for permanent in (True, False):
        name = f"p{permanent}"
        RememberingSink.errors = {"log": [DeliveryError("no", permanent=permanent, delivered=frozenset({"ada"}))]}
        hear(world, (60, folder(OTHER)), (60, folder(post(name), OTHER)), (0, folder(post(name, "edited"), OTHER)))
        hear(world, (600, folder(OTHER)))
    told = [(d.change.value, _name(d), bool(d.first_key)) for d in sent()]
    assert told == [
        ("updated", "pTrue", True),
        ("withdrawn", "pTrue", True),
        ("updated", "pFalse", True),
        ("withdrawn", "pFalse", True),
    ]


def test_an_edit_that_waited_when_its_entry_was_withdrawn_is_told_once_that_is_back(world: World) -> None:
    world.sources = {"blog": SourceSettings(type="scripted", settle=timedelta(minutes=30))}
    world.routes = [RouteSettings(to=("log",), on=(ChangeKind.NEW, ChangeKind.UPDATED))]
    old, new = folder(A, OTHER), folder(post("a", "second words"), OTHER)
    hear(world, (60, old), (60, new), (5, folder(OTHER)), (60, new), (31, new))
    assert [(d.change.value, "-first words\n+second words" in d.diff) for d in sent()] == [("updated", True)]
    hear(world, (600, old), (5, folder(OTHER)), (60, new), (600, new))  # as it was told of
    assert len(sent()) == 1


def test_a_return_is_told_only_to_those_who_heard_of_the_withdrawal(world: World) -> None:
    world.sinks = ("news", "all")
    world.routes = [RouteSettings(to=("news",)), RouteSettings(to=("all",), on=(ChangeKind.NEW, ChangeKind.WITHDRAWN))]
    hear(world, (60, folder(A, OTHER)), (60, folder(OTHER)), (60, folder(A, OTHER)))
    assert world.sent == [("all", "withdrawn", A.id), ("all", "updated", A.id)]


def test_a_withdrawal_that_is_still_held_is_dropped_when_its_entry_comes_back(world: World) -> None:
    world.routes = [RouteSettings(on=ALL)]
    world.sources = {"blog": SourceSettings(type="scripted")}
    hear(world, (60, folder(*many(30))), (60, folder(many(30)[0])), (60, folder(*many(30))))
    store = world.store()
    held = store.deliveries.listed([DeliveryState.HELD], sink="", limit=100)
    dropped = store.deliveries.listed([DeliveryState.DROPPED], sink="", limit=100)
    store.close()
    assert held == []
    assert {one.change for one in dropped} == {ChangeKind.WITHDRAWN}
    assert sent() == []


def test_missing_entries_stay_in_feeds_until_they_are_withdrawn(world: World) -> None:
    world.sources = {"blog": SourceSettings(type="scripted", withdraw_after=2)}
    hear(world, (60, folder(A, OTHER)), (60, folder(OTHER)))
    assert b"2026/11/a/" in world.published()["all.json"]
    hear(world, (60, folder(OTHER)))
    assert b"2026/11/a/" not in world.published()["all.json"]


def test_a_date_with_day_and_month_swapped_is_said(world: World) -> None:
    report = world.run(folder(swapped("a"), OTHER))
    assert report.sources["blog"].problems == ()
    wrong = post("a", published=NOW.replace(year=2027, month=8, day=7))
    world.now = NOW.replace(year=2027, month=7, day=8)
    document = replace(folder(wrong, OTHER), places={wrong.id: "posts/a/index.md:3"})
    (problem,) = world.run(document, force=True).sources["blog"].problems
    assert problem.where == "posts/a/index.md:3"
    assert "2027-08-07, is 29 days ahead" in problem.message
    assert "2027-07-08" in problem.hint


def test_a_swapped_date_of_a_post_that_is_known_is_said_as_well(world: World) -> None:
    hear(world, (60, folder(post("a", published=NOW.replace(month=9, day=9)), OTHER)))
    world.now = NOW.replace(year=2027, month=7, day=8)
    report = world.run(folder(post("a", published=NOW.replace(year=2027, month=8, day=7)), OTHER), force=True)
    (problem,) = report.sources["blog"].problems
    assert "if day and month are swapped, write 2027-07-08" in problem.hint


def test_a_mass_of_anything_says_what_is_held(world: World) -> None:
    hear(world, (60, folder(*many(30))))
    report = world.run(folder(*(replace(p, content=f"{p.content}<p>x</p>") for p in many(30))), force=True)
    assert (report.sources["blog"].status, report.sinks["log"].held) == ("held", 30)
    assert report.sources["blog"].held == "30 updated: more than flood_limit at once"
    report = world.run(folder(), force=True)
    assert report.sources["blog"].held == "30 withdrawn at once"


@pytest.mark.parametrize("rule", ["id", "link", "content"])
@pytest.mark.parametrize("dated", [True, False])
def test_another_identity_rule_is_said_and_announces_nothing_twice(rule: str, dated: bool, world: World) -> None:
    class Named(SourceSettings):
        identity: str = "auto"

    def said(named: Callable[[int], str]) -> Document:
        date = {} if dated else {"published": None}
        items = [item(named(n), f"text {n}", title=f"Title {n}", **date) for n in range(8)]
        return feed(*(replace(one, url="") for one in items))

    world.sources = {"blog": Named(type="scripted")}
    hear(world, (60, said(lambda n: f"guid-{n}")))
    world.sources = {"blog": Named(type="scripted", identity=rule)}
    report = world.run(said(lambda n: f"urn:{rule}:{n}"), force=True)
    assert any(f'identity is "{rule}" now' in note for note in report.sources["blog"].notes)
    assert (report.sources["blog"].new, report.sources["blog"].entries) == ([], 8)
    again = world.run(said(lambda n: f"urn:{rule}:{n}"), force=True)
    assert (again.sources["blog"].new, again.sources["blog"].notes) == ([], ())


def test_content_that_differs_at_every_poll_puts_no_announcement_off_for_ever(world: World) -> None:
    world.sources = {"blog": SourceSettings(type="scripted", settle=timedelta(hours=2))}
    hear(world, (60, feed(OTHER)), *((60, feed(OTHER, post("a", f"visitor {n}"))) for n in range(9)))
    assert [d.change.value for d in sent()] == ["new"]
