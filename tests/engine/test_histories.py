"""Any history of a feed or a folder: each post is announced once, none is swallowed, ids and bytes stay."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedbot.core.route import Route
from feedbot.engine.poll import poll
from feedbot.engine.reading import SourceSpec
from feedbot.engine.report import SourceReport, SourceStatus
from feedbot.engine.rules import Planning
from feedbot.engine.settling import Polling
from feedbot.errors import SourceError
from feedbot.model import ChangeKind, Document, Item
from feedbot.plugins import SourceSettings
from feedbot.store.store import Store
from tests.engine.world import World
from tests.support.build import NOW, folder
from tests.support.examples import examples

HOME = "https://blog.example/"


@dataclass
class Post:
    """What a person calls one post, whatever it is called by its source. ``seen`` is how readers last saw it."""

    number: int
    dated: bool = True
    own_link: bool = True
    has_guid: bool = True
    shown: bool = True
    touched: bool = False
    name: str = ""
    title: str = ""
    version: int = 0
    scheme: str = "http"
    date: datetime = NOW
    seen: tuple[str, int] | None = None
    shown_last: bool = False
    twice: bool = False
    unreadable: bool = False

    def __post_init__(self) -> None:
        self.name = f"p{self.number}"
        self.title = f"Title {self.number}" if self.number % 4 else ""
        self.date = NOW - timedelta(hours=self.number)
        self.guid = f"guid-{self.number}"

    @property
    def text(self) -> str:
        return f"<p>post {self.number} in version {self.version}</p>"

    @property
    def says(self) -> tuple[str, int]:
        return self.title, self.version

    def item(self) -> Item:
        """As feeds hold it: named by its guid, else by its link."""
        link = f"{self.scheme}://blog.example/{self.name}/" if self.own_link else HOME
        name = self.guid if self.has_guid else link
        return Item(
            id=name,
            keys=(f"id:{name}",),
            url=link,
            title=self.title,
            content=self.text,
            published=self.date if self.dated else None,
        )

    @property
    def path(self) -> str:
        return f"path:{self.name}/index.md"

    def post(self) -> Item:
        """As folders hold it: named by its file."""
        address = f"{HOME}{self.date:%Y/%m/%d}/{self.name}/"
        return replace(self.item(), id=address, keys=(self.path,), url=address)


@cache
def _state() -> Store:
    return Store.open_copy(Path("/nonexistent/feedbot.db"))


class Installation:
    """One source that says what it is told to, in a state that all of them share."""

    def __init__(self) -> None:
        self.store = _state()
        self.name = f"s{len(self.store.sources.states())}"
        self.now = NOW
        self.ids: dict[int, str] = {}
        self.said: Document | SourceError = Document()

    kind = "scripted"
    host = ""

    def poll(self, memory: object, now: datetime) -> Document:
        if isinstance(self.said, SourceError):
            raise self.said
        return self.said

    def hears(self, said: Document | SourceError) -> SourceReport:
        self.said = said
        self.now += timedelta(hours=1)
        spec = SourceSpec(
            name=self.name,
            settings=SourceSettings(type="scripted", backfill="all"),
            source=self,  # type: ignore[arg-type]
            digest="",
        )
        polling = Polling(
            store=self.store.sources,
            planning=Planning(
                knowledge=self.store.knowledge,
                routes=[Route(on=frozenset(ChangeKind), to=("log",))],
                present=lambda entry: entry,
                instance="i",
                flood_limit=10**6,
            ),
            publish_assets=lambda _assets: None,
            lease="l",
            clock=lambda: self.now,
            concurrency=1,
            per_host=1,
        )
        return poll([spec], polling, force=True)[self.name]

    @property
    def version(self) -> int:
        return self.store.sources.states()[self.name].version


def _number(content: str) -> int:
    return int(content.split()[1])


@dataclass
class History:
    """Posts, and what is done to them between polls; each way of changing its name needs other evidence to stay."""

    posts: list[Post] = field(default_factory=list)
    installation: Installation = field(default_factory=Installation)
    complete: bool = False

    def do(self, action: str, chance: int) -> None:
        if action == "add":
            post = Post(len(self.posts) + 1, dated=chance % 4 != 0, own_link=chance % 3 != 0 or self.complete)
            post.has_guid = not post.own_link or chance % 5 != 0
            self.posts.append(post)
            return
        getattr(self, f"_{action}")(self.posts[chance % len(self.posts)], chance)

    def _hide(self, post: Post, chance: int) -> None:
        post.shown = post.shown and post.touched

    def _show(self, post: Post, chance: int) -> None:
        post.shown = True

    def _edit(self, post: Post, chance: int) -> None:
        if not post.touched:
            post.version += 1
            post.touched = True

    def _retitle(self, post: Post, chance: int) -> None:
        if not post.touched:
            post.title = f"Other title {chance}" if chance % 3 else ""
            post.touched = True

    def _redate(self, post: Post, chance: int) -> None:
        if not post.touched and post.dated and (post.has_guid or self.complete):
            post.date -= timedelta(days=chance % 60)
            post.touched = True

    def _rename(self, post: Post, chance: int) -> None:
        """Another guid with the same link and date; or another file with the same text."""
        movable = post.own_link or post.dated
        if not post.touched and movable and post.shown_last and post.shown:
            post.guid += "-x"
            if self.complete:
                post.name += "-x"
            post.touched = True

    def _move(self, post: Post, chance: int) -> None:
        """Another link, which only a guid or the same text with its date survive."""
        if not post.touched and post.shown_last and not self.complete and (post.has_guid or post.dated):
            post.name += "-m"
            post.touched = True

    def _secure(self, post: Post, chance: int) -> None:
        if not post.touched and not self.complete:
            post.scheme = "https"
            post.touched = True

    def _repeat(self, post: Post, chance: int) -> None:
        post.twice = not self.complete

    def _break(self, post: Post, chance: int) -> None:
        if self.complete and not post.touched:
            post.unreadable = post.touched = True

    def _usurp(self, post: Post, chance: int) -> None:
        """A new post takes the file's name of another, which moves away or was gone."""
        if self.complete and post.dated and not post.touched and post.shown == post.shown_last:
            usurper = Post(len(self.posts) + 1)
            usurper.name, usurper.date = post.name, usurper.date - timedelta(days=100)
            post.name += "-u"
            post.touched = post.shown
            self.posts.append(usurper)

    def poll(self) -> None:
        """Compare what a poll tells with what a person would say."""
        shown = [post for post in reversed(self.posts) if post.shown]
        broken = [post for post in shown if post.unreadable]
        shown = [post for post in shown if not post.unreadable]
        for post in broken:
            post.shown = post.shown_last
        expected_new = {post.number for post in shown if post.seen is None}
        expected_updates = {post.number for post in shown if post.seen not in (None, post.says)}
        standing = {post.number for post in broken}
        gone = {post.number for post in self.posts if post.shown_last and not post.shown} - standing
        if self.complete:
            document = folder(*(p.post() for p in shown), standing=frozenset(post.path for post in broken))
        else:
            document = Document(items=tuple(i for p in shown for i in [p.item()] * (1 + p.twice)))

        report = self.installation.hears(document)

        assert report.error is None
        # What was withdrawn before anything was sent is announced when it is back.
        anew = set(report.restored)
        new = [a for a in report.announced if a.change is ChangeKind.NEW and a.entry.id not in anew]
        assert sorted(_number(a.entry.content) for a in new) == sorted(expected_new)
        self.installation.ids |= {_number(a.entry.content): a.entry.id for a in new}
        ids = self.installation.ids
        assert sorted(report.updated) == sorted(ids[number] for number in expected_updates)
        assert sorted(report.withdrawn) == sorted(ids[n] for n in gone) if self.complete else not report.withdrawn
        for post in shown:
            post.seen, post.touched = post.says, False
        for post in self.posts:
            post.shown_last = post.shown
            post.twice = post.unreadable = False
        self._nothing_moves(document)

    def fail(self) -> None:
        before = self.installation.version
        report = self.installation.hears(SourceError("cannot be reached"))
        assert report.status is SourceStatus.FAILED
        assert [*report.new, *report.updated, *report.withdrawn] == []
        assert self.installation.version == before

    def _nothing_moves(self, document: Document) -> None:
        before = self.installation.version
        again = self.installation.hears(document)
        assert [*again.new, *again.updated, *again.edited, *again.withdrawn] == []
        assert self.installation.version == before

    def end(self) -> None:
        """Every post that was ever seen is one entry, under its first id."""
        entries = list(self.installation.store.entries.newest([self.installation.name]))
        there = {post.number for post in self.posts if post.seen and (post.shown_last or not self.complete)}
        assert sorted(_number(entry.content) for entry in entries) == sorted(there)
        assert {_number(entry.content): entry.id for entry in entries} == {n: self.installation.ids[n] for n in there}


_ACTIONS = "add hide show edit retitle redate rename rename move secure repeat break usurp".split()
_rounds = st.lists(
    st.lists(st.tuples(st.sampled_from(_ACTIONS), st.integers(0, 59)), min_size=1, max_size=4), min_size=6, max_size=12
)
_quick = examples(12, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate])


def _live(history: History, rounds: list[list[tuple[str, int]]]) -> None:
    for chance in (1, 2, 3, 4):
        history.do("add", chance)
    for number, actions in enumerate(rounds):
        history.poll()
        if number % 4 == 1:
            history.fail()
        for action, chance in actions:
            history.do(action, chance)
    history.poll()
    history.end()


@given(_rounds)
@_quick
def test_whatever_a_feed_does_each_post_is_announced_once_and_nothing_is_withdrawn(
    rounds: list[list[tuple[str, int]]],
) -> None:
    _live(History(), rounds)


@given(_rounds)
@_quick
def test_whatever_a_folder_does_each_post_is_announced_once_and_withdrawn_when_it_is_gone(
    rounds: list[list[tuple[str, int]]],
) -> None:
    _live(History(complete=True), rounds)


@contextmanager
def _world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as temporary:
        yield World(Path(temporary))


@given(st.lists(st.sampled_from(["add", "edit", "hide", "rename", "redate"]), max_size=6), st.booleans())
@examples(4, derandomize=True)
def test_a_second_poll_of_the_same_leaves_published_bytes_as_they_are(actions: list[str], complete: bool) -> None:
    history = History(complete=complete)
    history.do("add", 1)
    make: Callable[[Post], Item] = Post.post if complete else Post.item
    with _world() as world:
        for number, action in enumerate(actions):
            history.do(action, number)
            document = Document(items=tuple(make(p) for p in history.posts if p.shown), complete=complete)
            world.run(document)
            before = world.published()
            again = world.run(document)
            assert again.feeds["all"].written == []
            assert world.published() == before
