"""The whole history of a made-up blog, commit by commit: what each of them announces, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from feedbot.cli.rehearsal import Rehearsal
from feedbot.engine.replay import replay
from feedbot.engine.report import SourceReport
from feedbot.model import ChangeKind, Delivery, DeliveryState
from feedbot.plugins import SinkSettings, SourceContext
from feedbot.settings import Configuration, FeedbotSettings, RouteSettings
from feedbot.sources.posts import PostsSource
from feedbot.sources.posts.git import Commit, LocalRepository
from feedbot.sources.posts.places import GitPlace
from feedbot.sources.posts.settings import PostsSettings
from feedbot.store.store import Store
from tests.engine.world import RememberingSink
from tests.support.git import Blog, Files, Made

BEGUN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SITE = "https://blog.example"
IMPORTED = 120
FLOOD = 20


def post(title: str, text: str, date: str = "2026-03-02", author: str = "Robin", **more: str) -> str:
    front = {"title": title, "publishDate": f"'{date}'", "author": author, "published": "true", **more}
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in front.items()) + f"---\n{text}\n"


def at(slug: str, folder: str = "content/posts") -> str:
    return f"{folder}/{slug}/index.md"


def old(number: int, *, blank: str = "", author: str = "Robin", ending: str = "") -> str:
    """One of the posts of the import."""
    words = f"Story {number} is told in {number + 2} sentences.{blank}\nIts end is its own: {number * 7}.{ending}"
    return post(f"Story {number}", words, f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}", author)


LONG = "A paragraph that stays as it is, whatever happens to the file it stands in.\n\n" * 8


@dataclass(frozen=True)
class Row:
    """A commit, and what is announced from then on until the next one: the kind of change, and where the post is.

    ``after`` is how long after the commit before it is; ``onto`` the commit that it is put onto in place of that one,
    ``merging`` the one that it merges. ``settings`` change with it; ``by`` is what a person does before with what is
    held; ``held`` is how many deliveries are held after it.
    """

    subject: str
    files: Files
    tells: Sequence[str] = ()
    held: int = 0
    after: timedelta = timedelta(days=1)
    onto: str = ""
    merging: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    by: str = ""


SOON = timedelta(minutes=9)
FLOODED = [f"new /2026/04/flood-{n}/" for n in range(FLOOD + 1)]


def flood(begin: int, text: str) -> Files:
    return {
        at(f"flood-{n}", "blog"): post(f"Flood {n}", f"{text} {n}.", f"2026-04-{n % 2 + 1:02}")
        for n in range(begin, begin + FLOOD + 1)
    }


HISTORY = (
    Row("the former blog is imported", {at(f"old-{n}"): old(n) for n in range(IMPORTED)}),
    Row("something beside the blog", {"README.md": "about"}),
    Row("blanks are swept from 53 files", {at(f"old-{n}"): old(n, blank=" ") for n in range(53)}),
    Row("an author is renamed in 23 files", {at(f"old-{n}"): old(n, author="Robin A.") for n in range(60, 83)}),
    Row("a first post", {at("first"): post("First", "Hello, hello.", "2026-03-06")}, ["new /2026/03/first/"]),
    Row("one with a typo", {at("typo"): post("Typo", "Teh word.", "2026-03-07")}),
    Row("the typo is mended", {at("typo"): post("Typo", "The word.", "2026-03-07")},
        ["new /2026/03/typo/"], after=SOON),
    Row("it gets markup", {at("typo"): post("Typo", "The *word.*", "2026-03-07")}),
    Row("it gets a thought more", {at("typo"): post("Typo", "The word, and one more.", "2026-03-07")},
        ["updated /2026/03/typo/"]),
    Row("day and month are swapped, into the future", {at("swap"): post("Swap", "In a hurry.", "2026-10-03")}),
    Row("they are mended", {at("swap"): post("Swap", "In a hurry.", "2026-03-10")}, ["new /2026/03/swap/"], after=SOON),
    Row("they are swapped into the past", {at("early"): post("Early", "Before its time.", "2026-01-03")}),
    Row("they are mended too", {at("early"): post("Early", "Before its time.", "2026-03-01")},
        ["new /2026/03/early/"], after=SOON),
    Row("a post is merged ten days after its date", {at("late"): post("Late", "Long in review.", "2026-03-03")},
        ["new /2026/03/late/"]),
    Row("two posts are written on a branch", {at("left"): post("Left", "One side.", "2026-03-14"),
        at("right"): post("Right", "The other side.", "2026-03-14")}, ["new /2026/03/left/", "new /2026/03/right/"]),
    Row("a branch with another is merged", {at("topic"): post("Topic", "By the way.", "2026-03-15")},
        ["new /2026/03/topic/"], merging="a post is merged ten days after its date"),
    Row("a post is renamed", {at("first"): None, at("very-first"): post("First", "Hello, hello.", "2026-03-06")}),
    Row("a long one", {at("long"): post("Long", LONG, "2026-03-16")}, ["new /2026/03/long/"]),
    Row("it is renamed and edited", {at("long"): None, at("longer"): post("Long", LONG + "The end.", "2026-03-16")},
        ["updated /2026/03/longer/"]),
    Row("a slug changes and leaves an alias", {at("late"): None, at("later"): post(
        "Late", "Wholly other words than there were.", "2026-03-03", legacyUrl="/2026/03/late/")},
        ["updated /2026/03/later/"]),
    Row("a draft", {at("draft"): post("Draft", "Not yet.", "2026-03-19", published="false")}),
    Row("it is published", {at("draft"): post("Draft", "Now.", "2026-03-19")}, ["new /2026/03/draft/"]),
    Row("a post is scheduled for in two days", {at("soon"): post("Soon", "In time.", "2026-03-25")},
        ["new /2026/03/soon/"]),
    Row("its date has come meanwhile", {"README.md": "more about"}, after=timedelta(days=4)),
    Row("a post is deleted", {at("left"): None}, ["withdrawn /2026/03/left/"]),
    Row("that is reverted", {at("left"): post("Left", "One side.", "2026-03-14")}, ["updated /2026/03/left/"]),
    Row("an edit", {at("right"): post("Right", "The wrong side.", "2026-03-14")}, ["updated /2026/03/right/"]),
    Row("that is reverted as well", {at("right"): post("Right", "The other side.", "2026-03-14")},
        ["updated /2026/03/right/"]),
    Row("an edit again", {at("right"): post("Right", "The wrong side.", "2026-03-14")}),
    Row("that is reverted within minutes", {at("right"): post("Right", "The other side.", "2026-03-14")}, after=SOON),
    Row("the last commits are pushed over by others", {at("draft"): post("Draft", "Now, or never.", "2026-03-19"),
        at("pushed"): post("Pushed", "By force.", "2026-04-01")},
        ["new /2026/04/pushed/", "updated /2026/03/draft/"], onto="that is reverted"),
    Row("all move to another folder", {"content": None, **{at(f"old-{n}", "blog"): old(n) for n in range(IMPORTED)},
        at("very-first", "blog"): post("First", "Hello, hello.", "2026-03-06"),
        at("typo", "blog"): post("Typo", "The word, and one more.", "2026-03-07"),
        at("swap", "blog"): post("Swap", "In a hurry.", "2026-03-10"),
        at("early", "blog"): post("Early", "Before its time.", "2026-03-01"),
        at("later", "blog"): post("Late", "Wholly other words than there were.", "2026-03-03"),
        at("left", "blog"): post("Left", "One side.", "2026-03-14"),
        at("right", "blog"): post("Right", "The other side.", "2026-03-14"),
        at("topic", "blog"): post("Topic", "By the way.", "2026-03-15"),
        at("longer", "blog"): post("Long", LONG + "The end.", "2026-03-16"),
        at("draft", "blog"): post("Draft", "Now, or never.", "2026-03-19"),
        at("soon", "blog"): post("Soon", "In time.", "2026-03-25"),
        at("pushed", "blog"): post("Pushed", "By force.", "2026-04-01")}, settings={"path": "blog"}),
    Row("the addresses are laid out anew", {"README.md": "a"}, settings={"path": "blog", "permalink": "/{slug}/"}),
    Row("the site moves", {"README.md": "b"}, settings={"path": "blog", "site": "https://www.elsewhere.example"}),
    Row("another blog is imported", flood(0, "Drop"), held=FLOOD + 1, settings={"path": "blog"}),
    Row("a person lets it go", {"README.md": "c"}, FLOODED, settings={"path": "blog"}, by="release"),
    Row("and one more is", flood(50, "Rain"), held=FLOOD + 1, settings={"path": "blog"}),
    Row("a person takes that in without a word", {"README.md": "d"}, settings={"path": "blog"}, by="absorb"),
    Row("and life goes on", {at("last", "blog"): post("Last", "So long.", "2026-04-03")}, ["new /2026/04/last/"],
        settings={"path": "blog"}),
)  # fmt: skip


class Here(LocalRepository):
    """A repository on this machine whose newest commit is the one that the test says."""

    commit = ""

    def head(self) -> str:
        return self.commit

    def fetch(self, commit: str) -> None:
        """It is here."""


class Stage:
    """The blog at one commit after another, read in one of two ways."""

    def __init__(self, folder: Path, blog: Blog, way: str, settle: timedelta) -> None:
        self._folder = folder
        self._blog = blog
        self._way = way
        self._settle = settle
        self._here = Here(blog.folder)
        self._rows = dict(zip((commit.id for commit in history_of(blog)), HISTORY, strict=True))
        self._given: Mapping[str, str] = {}
        self._now = BEGUN
        self.store = Store.open_copy(folder / "feedbot.db")
        self._rehearsal = self._rehearse()

    def switch(self, moment: Commit) -> bool:
        row = self._rows[moment.id]
        if row.by:
            to = DeliveryState.PENDING if row.by == "release" else DeliveryState.DROPPED
            self.store.outbox.move(to, moment.date, only=DeliveryState.HELD)
        if row.settings != self._given:
            self._given = row.settings
            self._rehearsal = self._rehearse()
        self._here.commit = moment.id
        if self._way == "folder":
            tree = self._folder / "here"
            tree.mkdir(exist_ok=True)
            work = ("--git-dir", str(self._blog.folder), "--work-tree", str(tree), "-c", "core.bare=false")
            self._blog.git(*work, "read-tree", "--reset", "-u", moment.id)
        return True

    def poll(self, now: datetime) -> SourceReport:
        return self._rehearsal.poll(now)

    def wake_at(self) -> datetime | None:
        return self._rehearsal.wake_at()

    def send(self, now: datetime) -> Sequence[Delivery]:
        return self._rehearsal.send(now)

    def due_at(self) -> datetime | None:
        return self._rehearsal.due_at()

    def _rehearse(self) -> Rehearsal[Commit]:
        here = self._here

        class AtCommit(PostsSource):
            def __init__(self, settings: PostsSettings, context: SourceContext) -> None:
                super().__init__(settings, context, GitPlace(settings, context, here))

        below = self._given.get("path", "")
        path = below if self._way == "git" else f"here/{below}"
        values: dict[str, Any] = {"site": SITE, "preset": "keystatic", **self._given, "path": path or "."}
        configuration = Configuration(
            path=self._folder / "feedbot.toml",
            folder=self._folder,
            feedbot=FeedbotSettings(state="feedbot.db", flood_limit=FLOOD),
            sources={"blog": PostsSettings(settle=self._settle, **values)},
            source_types={"blog": AtCommit if self._way == "git" else PostsSource},
            feeds={},
            sinks={"log": SinkSettings(type="remember")},
            sink_types={"log": RememberingSink},
            routes=(RouteSettings(on=(ChangeKind.NEW, ChangeKind.UPDATED, ChangeKind.WITHDRAWN), to=("log",)),),
        )
        return Rehearsal(configuration, "blog", self.store, self.switch)


def history_of(blog: Blog) -> Sequence[Commit]:
    """The commits in the order in which they were made, those too that were pushed over."""
    listed = blog.git("for-each-ref", "--format=%(objectname) %(committerdate:unix)", "refs/tags").decode().split()
    pairs = zip(listed[::2], listed[1::2], strict=True)
    return [Commit(name, datetime.fromtimestamp(int(made), UTC), "", "") for name, made in pairs]


@pytest.fixture(scope="module")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Blog:
    blog = Blog(tmp_path_factory.mktemp("history") / "blog.git")
    numbers = {row.subject: number for number, row in enumerate(HISTORY)}
    assert len(numbers) == len(HISTORY)
    made, now = [], BEGUN
    for number, row in enumerate(HISTORY):
        now += row.after
        onto = numbers[row.onto] if row.onto else number - 1
        made.append(Made(row.files, row.subject, at=now, onto=onto, merging=numbers.get(row.merging)))
    blog.tagged(made)
    return blog


def told(stage: Stage, blog: Blog) -> list[tuple[str, list[str], int]]:
    """Subject of each commit, what was announced until the next one, and how many deliveries were held then."""
    subjects = iter(HISTORY)
    rows: dict[str, tuple[str, list[str], int]] = {}
    for step in replay(history_of(blog), stage):
        assert step.report is None or step.report.error is None, step.report
        subject, said, _ = rows.get(step.moment.id) or (next(subjects).subject, [], 0)
        said += sorted(f"{each.change.value} {urlsplit(each.entry.url).path}" for each in step.sent)
        held = stage.store.deliveries.counts([DeliveryState.HELD]).get("log", {}).get(DeliveryState.HELD, 0)
        rows[step.moment.id] = (subject, said, held)
    return list(rows.values())


@pytest.mark.parametrize("way", ["git", "folder"])
def test_each_commit_announces_what_its_row_says(tmp_path: Path, blog: Blog, way: str) -> None:
    stage = Stage(tmp_path, blog, way, settle=timedelta(minutes=30))
    with closing(stage.store):
        assert told(stage, blog) == [(row.subject, sorted(row.tells), row.held) for row in HISTORY]


def test_without_settling_each_post_is_announced_once_all_the_same(tmp_path: Path, blog: Blog) -> None:
    stage = Stage(tmp_path, blog, "git", settle=timedelta())
    with closing(stage.store):
        rows = told(stage, blog)

    said = {subject: announced for subject, announced, _ in rows}
    new = [each for _, announced, _ in rows for each in announced if each.startswith("new ")]
    assert len(new) == len(set(new)) == sum(each.startswith("new ") for row in HISTORY for each in row.tells)
    assert (said["one with a typo"], said["the typo is mended"]) == (["new /2026/03/typo/"], ["updated /2026/03/typo/"])
    assert said["day and month are swapped, into the future"] == []  # it waits for its date
    assert said["they are mended"] == ["new /2026/03/swap/"]
    assert said["they are swapped into the past"] == ["new /2026/01/early/"]
    assert said["they are mended too"] == []
