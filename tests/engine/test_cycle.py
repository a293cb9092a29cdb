"""Stories of runs: what is announced, published and sent, given what sources say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from feedbot.engine.report import SourceStatus
from feedbot.errors import DeliveryError, SourceError
from feedbot.model import ChangeKind
from feedbot.plugins import SourceSettings
from feedbot.settings import RouteSettings
from tests.engine.world import RememberingSink, World
from tests.support.build import feed, folder, item, post


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_new_entry_is_announced_once_and_published(world: World) -> None:
    report = world.run(feed(item("a")))

    assert report.sources["blog"].new == ["a"]
    assert world.sent == [("log", "new", "a")]
    assert {"all.atom", "all.rss", "all.json"} <= set(world.published())

    before = world.published()
    again = world.run(feed(item("a")))

    assert again.sources["blog"].new == []
    assert again.feeds["all"].written == []
    assert world.published() == before
    assert len(world.sent) == 1


def test_the_first_poll_announces_no_more_than_the_backfill(world: World) -> None:
    world.sources = {"blog": SourceSettings(type="scripted", backfill=1)}
    old, new = item("old", published=world.now - timedelta(days=9)), item("new", published=world.now)

    report = world.run(feed(old, new))

    assert sorted(report.sources["blog"].new) == ["new", "old"]
    assert world.sent == [("log", "new", "new")]


def test_a_source_is_not_polled_again_before_its_interval_less_a_tenth(world: World) -> None:
    world.run(feed(item("a")))
    early = world.run(feed(item("b")), later=timedelta(minutes=26))
    assert early.sources["blog"].status is SourceStatus.SKIPPED
    due = world.run(feed(item("b")), later=timedelta(minutes=1, seconds=1))
    assert due.sources["blog"].new == ["b"]


def test_force_polls_at_once(world: World) -> None:
    world.run(feed(item("a")))
    assert world.run(feed(item("b")), later=timedelta(), force=True).sources["blog"].new == ["b"]


def test_an_edited_text_is_an_update_only_for_routes_that_ask(world: World) -> None:
    world.sinks = ("news", "edits")
    world.routes = [RouteSettings(to=("news",)), RouteSettings(to=("edits",), on=(ChangeKind.UPDATED,))]
    world.run(feed(item("a", "first")))
    report = world.run(feed(item("a", "second")))

    assert report.sources["blog"].updated == ["a"]
    assert world.sent == [("news", "new", "a"), ("edits", "updated", "a")]


def test_two_routes_to_one_sink_deliver_an_entry_once(world: World) -> None:
    world.routes = [RouteSettings(to=("log",)), RouteSettings(to=("log",), filter="title == 'A'")]
    world.run(feed(item("a")))
    assert world.sent == [("log", "new", "a")]


def test_a_filter_keeps_out_what_does_not_pass(world: World) -> None:
    world.routes = [RouteSettings(to=("log",), filter="'python' in tags")]
    world.run(feed(item("a", tags=("python",)), item("b", tags=("rust",))))
    assert world.sent == [("log", "new", "a")]


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        ({"content": "<p>hello\n   </p>"}, None),
        ({"tags": ("new",)}, "front matter"),
        ({"content": "<p><b>hello</b></p>"}, "markup"),
    ],
)
def test_edits_that_readers_do_not_see_announce_nothing(world: World, edit: dict[str, Any], kind: str | None) -> None:
    world.run(folder(post("a")))
    report = world.run(folder(post("a", **edit)))
    assert report.sources["blog"].updated == []
    assert list(report.sources["blog"].edited.values()) == ([kind] if kind else [])


def test_a_post_with_a_corrected_date_keeps_its_id(world: World) -> None:
    first = world.run(folder(post("a"), post("b")))
    moved = post("a", url="https://blog.example/2026/12/a/", id="https://blog.example/2026/12/a/")
    report = world.run(folder(moved, post("b")))

    assert report.sources["blog"].new == report.sources["blog"].withdrawn == report.sources["blog"].updated == []
    assert first.sources["blog"].new[0] == "https://blog.example/2026/11/a/"
    assert b"<id>https://blog.example/2026/11/a/</id>" in world.published()["all.atom"]
    assert b"https://blog.example/2026/12/a/" in world.published()["all.atom"]


def test_a_renamed_post_is_the_same_entry(world: World) -> None:
    world.run(folder(post("a", "a text of its own"), post("b")))
    report = world.run(folder(post("z", "a text of its own", title="A"), post("b")))
    assert report.sources["blog"].new == report.sources["blog"].withdrawn == []


def test_a_deleted_post_is_withdrawn_and_leaves_the_feed(world: World) -> None:
    world.routes = [RouteSettings(to=("log",), on=(ChangeKind.NEW, ChangeKind.WITHDRAWN))]
    world.run(folder(post("a"), post("b", "other")))
    report = world.run(folder(post("b", "other")))

    assert report.sources["blog"].withdrawn == ["https://blog.example/2026/11/a/"]
    assert world.sent[-1][1:] == ("withdrawn", "https://blog.example/2026/11/a/")
    assert b"2026/11/a/" not in world.published()["all.json"]

    back = world.run(folder(post("a"), post("b", "other")))
    assert back.sources["blog"].new == []
    assert back.sources["blog"].entries == 2
    assert b"2026/11/a/" in world.published()["all.json"]


def test_a_post_that_cannot_be_read_is_not_withdrawn(world: World) -> None:
    world.run(folder(post("a"), post("b")))
    report = world.run(folder(post("b"), standing=frozenset({"path:a/index.md"})))
    assert report.sources["blog"].withdrawn == []


def test_a_feed_that_no_longer_lists_an_entry_withdraws_nothing(world: World) -> None:
    world.run(feed(item("a"), item("b")))
    report = world.run(feed(item("b")))
    assert report.sources["blog"].withdrawn == []
    assert report.sources["blog"].entries == 2


def test_a_failed_source_changes_nothing_and_stops_no_other(world: World) -> None:
    world.sources["other"] = SourceSettings(type="scripted", backfill="all")
    world.say(feed(item("x")), "other")
    report = world.run(SourceError("cannot be reached", "try later"))

    assert report.sources["blog"].status is SourceStatus.FAILED
    assert report.sources["blog"].error == "cannot be reached"
    assert report.sources["other"].new == ["x"]


def test_more_new_entries_than_the_flood_limit_are_held(world: World) -> None:
    world.feedbot = {"flood_limit": 3}
    world.run(feed(item("a")))
    report = world.run(feed(*(item(f"n{i}") for i in range(4))))

    assert report.sources["blog"].status is SourceStatus.HELD
    assert report.sinks["log"].held == 4
    assert len(world.sent) == 1


def test_mark_seen_announces_nothing_ever(world: World) -> None:
    world.run(feed(item("a")), mark_seen=True)
    world.run(feed(item("a"), item("b")))
    assert world.sent == [("log", "new", "b")]


def test_no_notify_leaves_deliveries_for_the_next_run(world: World) -> None:
    report = world.run(feed(item("a")), notify=False)
    assert report.sinks["log"].pending == 1
    world.run()
    assert world.sent == [("log", "new", "a")]


def test_a_dry_run_tells_what_would_be_and_does_nothing(world: World) -> None:
    report = world.run(feed(item("a")), dry_run=True)

    assert report.sources["blog"].new == ["a"]
    assert sorted(report.feeds["all"].written) == ["all.atom", "all.json", "all.rss"]
    assert world.sent == []
    assert list(world.folder.iterdir()) == []


def test_a_failing_sink_delays_no_other_and_is_tried_again(world: World) -> None:
    world.sinks = ("down", "up")
    RememberingSink.errors = {"down": [DeliveryError("refused", sink_down=True)]}
    report = world.run(feed(item("a")))

    assert world.sent == [("up", "new", "a")]
    assert (report.sinks["down"].failed, report.sinks["down"].pending) == (1, 1)

    world.run(later=timedelta(minutes=10))
    assert world.sent[1:] == [("down", "new", "a")]


def test_a_poison_entry_dies_after_three_refusals_and_holds_up_nothing(world: World) -> None:
    RememberingSink.errors = {"log": [DeliveryError("400", refused=True)]}
    world.run(feed(item("a"), item("b")))
    assert len(world.sent) == 1

    for _ in range(2):
        RememberingSink.errors = {"log": [DeliveryError("400", refused=True)]}
        report = world.run()
    assert report.sinks["log"].dead == 1


def test_files_that_were_removed_come_back(world: World) -> None:
    world.run(feed(item("a")))
    before = world.published()
    (world.folder / "public" / "all.rss").unlink()
    report = world.run()
    assert report.feeds["all"].written == ["all.rss"]
    assert world.published() == before


def test_ids_that_change_at_every_fetch_are_seen_through(world: World) -> None:
    world.run(feed(item("guid-1", url="https://blog.example/p", title="P")))
    report = world.run(feed(item("guid-2", url="https://blog.example/p", title="P")))
    assert report.sources["blog"].new == []


def test_items_that_share_a_link_are_entries_of_their_own(world: World) -> None:
    one = item("1", "first", url="https://blog.example/")
    two = item("2", "second", url="https://blog.example/", published=world.now)
    assert world.run(feed(one, two)).sources["blog"].new == ["1", "2"]
    three = item("3", "third", url="https://blog.example/", published=world.now + timedelta(hours=1))
    assert world.run(feed(three)).sources["blog"].new == ["3"]


def test_a_move_from_http_to_https_is_no_new_entry(world: World) -> None:
    old = item("http://blog.example/p", url="http://blog.example/p")
    new = item("https://blog.example/p/", url="https://blog.example/p/")
    world.run(feed(old))
    assert world.run(feed(new)).sources["blog"].new == []


def test_a_new_post_where_a_renamed_one_was_is_new(world: World) -> None:
    world.run(folder(post("u", "an old text"), post("b", "other")))
    world.run(folder(post("u-old", "an old text", title="U"), post("b", "other")))
    report = world.run(
        folder(post("u", "a new one", title="New"), post("u-old", "an old text", title="U"), post("b", "other"))
    )

    assert report.sources["blog"].new == ["https://blog.example/2026/11/u/#2"]
    assert report.sources["blog"].entries == 3
    again = world.run(
        folder(post("u", "a new one!", title="New"), post("u-old", "an old text", title="U"), post("b", "other"))
    )
    assert again.sources["blog"].updated == ["https://blog.example/2026/11/u/#2"]


def test_a_rename_and_a_new_post_in_its_place_at_once(world: World) -> None:
    world.run(folder(post("q", "an old text")))
    report = world.run(folder(post("q", "a new one", title="New"), post("q-old", "an old text", title="Q")))
    assert report.sources["blog"].new == ["https://blog.example/2026/11/q/#2"]
    assert report.sources["blog"].updated == report.sources["blog"].withdrawn == []


def test_posts_that_change_places_one_after_the_other_stay_themselves(world: World) -> None:
    world.run(folder(post("one", "first text"), post("two", "second text")))
    world.run(folder(post("one-old", "first text", title="ONE"), post("two", "second text")))
    report = world.run(folder(post("one", "second text", title="TWO"), post("one-old", "first text", title="ONE")))
    assert report.sources["blog"].new == report.sources["blog"].withdrawn == report.sources["blog"].updated == []


def test_a_new_post_where_a_deleted_one_was_is_new(world: World) -> None:
    world.run(folder(post("a", "old"), post("b", "other")))
    world.run(folder(post("b", "other")))
    later = {"url": "https://blog.example/2027/01/a/", "id": "https://blog.example/2027/01/a/", "published": world.now}
    report = world.run(folder(post("a", "quite another", title="X", **later), post("b", "other")))
    assert report.sources["blog"].new == ["https://blog.example/2027/01/a/"]


def test_a_post_dated_in_the_future_waits_until_it_is_due(world: World) -> None:
    soon = world.now + timedelta(hours=3)
    document = folder(post("a"), post("later", published=soon))
    report = world.run(document)
    assert report.sources["blog"].new == ["https://blog.example/2026/11/a/"]
    assert "1 scheduled for later" in report.sources["blog"].notes
    assert b"later" not in world.published()["all.json"]

    assert world.run().sources["blog"].new == []
    assert world.run(later=timedelta(hours=2)).sources["blog"].new == ["https://blog.example/2026/11/later/"]
    assert world.sent[-1] == ("log", "new", "https://blog.example/2026/11/later/")


def test_a_date_that_was_wrong_and_is_mended_leads_to_one_announcement(world: World) -> None:
    wrong = post("a", published=world.now + timedelta(days=90), url="https://blog.example/2027/02/a/")
    world.run(folder(wrong, post("b")))
    report = world.run(folder(post("a"), post("b")))
    assert report.sources["blog"].new == ["https://blog.example/2026/11/a/"]


def test_a_receiver_that_wants_no_more_is_not_asked_for_each_entry(world: World) -> None:
    RememberingSink.errors = {"log": [DeliveryError("410", permanent=True, sink_down=True)]}
    report = world.run(feed(item("a"), item("b"), item("c")))
    assert (report.sinks["log"].dead, report.sinks["log"].held, report.sinks["log"].sent) == (0, 3, 0)
    assert world.sent == []


def test_an_entry_that_several_sources_have_is_announced_once_where_asked(world: World) -> None:
    world.sources = {name: SourceSettings(type="scripted", backfill="all") for name in ("blog", "planet")}
    world.sinks = ("once", "each")
    world.routes = [RouteSettings(to=("once",), dedupe="across"), RouteSettings(to=("each",))]
    world.say(feed(item("guid-1", url="http://blog.example/p?utm_source=planet")), "planet")
    world.run(feed(item("https://blog.example/p", url="https://blog.example/p")))
    assert sorted(name for name, _, _ in world.sent) == ["each", "each", "once"]


def test_an_edit_of_an_entry_that_several_sources_have_is_told_once_where_asked(world: World) -> None:
    world.sources = {name: SourceSettings(type="scripted") for name in ("blog", "planet")}
    world.routes = [RouteSettings(to=("log",), on=(ChangeKind.NEW, ChangeKind.UPDATED), dedupe="across")]
    for known in (item("old"), item("a")):  # the first of which nobody was told of
        for text in ("one", "two", "three"):
            world.say(feed(replace(known, content=text)), "planet")
            world.run(feed(replace(known, content=text)), later=timedelta(days=1))
    assert [(change, name) for _, change, name in world.sent] == [
        ("updated", "old"),
        ("updated", "old"),
        ("new", "a"),
        ("updated", "a"),
        ("updated", "a"),
    ]
    assert len({delivery.entry.source for _, delivery in RememberingSink.sent}) == 1


def test_content_that_differs_at_every_poll_is_no_news(world: World) -> None:
    world.run(feed(item("a", "visitor 0")))
    updates = [bool(world.run(feed(item("a", f"visitor {n}"))).sources["blog"].updated) for n in range(1, 9)]
    assert updates == [True] * 3 + [False] * 5

    world.run(feed(item("a", "visitor 8")))
    assert world.run(feed(item("a", "an edit at last"))).sources["blog"].updated == ["a"]


def test_other_trackers_in_an_address_make_no_new_entry(world: World) -> None:
    world.run(feed(item("g1", url="https://blog.example/p?id=1&utm_campaign=a")))
    report = world.run(feed(item("g2", url="https://blog.example/p?id=1&utm_campaign=b&fbclid=x")))
    assert report.sources["blog"].new == []
    assert world.run(feed(item("g3", "other", url="https://blog.example/p?id=2"))).sources["blog"].new == ["g3"]
