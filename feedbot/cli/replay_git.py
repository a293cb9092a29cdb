"""feedbot replay-git: what the history of a blog would have announced, commit by commit."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.errors import FeedbotError, SourceError, UsageError

if TYPE_CHECKING:
    from feedbot.engine.replay import Step
    from feedbot.settings import Configuration
    from feedbot.sources.posts.git import Commit, LocalRepository, Repository
    from feedbot.store.store import Store

_TIMEOUT = 600.0
_MAX_BYTES = 1_000_000_000
_TITLE = 60  # columns


class HistoryError(FeedbotError):
    """The history of a source cannot be read."""

    exit_code = 3


@click.command(cls=Command, name="replay-git")
@click.argument("source")
@click.option(
    "--from", "first", metavar="REV", default="", help="Where to begin: what is there counts as known before."
)
@click.option("--to", "last", metavar="REV", default="HEAD", help="Where to end. Default: the newest commit.")
@click.pass_obj
def replay_git(context: Context, source: str, first: str, last: str) -> int:
    """Tell what the history of a blog would have announced, commit by commit, without announcing anything.

    A REV is what git takes for one: an id, or HEAD~20.
    """
    configuration = context.load()
    if source not in configuration.sources:
        from feedbot.settings.document import suggestion

        raise UsageError(f"there is no source named {source!r}", suggestion(source, list(configuration.sources)))
    if configuration.sources[source].type != "posts":
        raise UsageError(f"{source} is no blog of posts, and has no history to replay")
    number, steps = 0, []
    try:
        with tempfile.TemporaryDirectory(prefix="feedbot-") as scratch:
            walk = _Walk(configuration, source, Path(scratch), first, last)
            number = len(walk.commits)
            for step in walk.steps():
                steps.append(_told(step, walk.title))
                if not context.json and not context.quiet:
                    for line in _lines(context, steps[-1]):
                        context.say(line)
    except SourceError as error:
        raise HistoryError(error.message, error.hint) from error
    if context.json:
        context.answer({"source": source, "commits": number, "steps": steps})
    elif not context.quiet:
        context.say(_sum(number, steps))
    return 0


class _Walk:
    """The source as it once was, in a folder of its own, polled on a state in memory."""

    def __init__(self, configuration: Configuration, source: str, scratch: Path, first: str, last: str) -> None:
        from feedbot.sources.posts.git import Checkout

        self._source = source
        self._now = datetime.min.replace(tzinfo=UTC)
        archive, below, self.commits = _open(configuration, source, scratch / "git", first, last)
        self._checkout = Checkout(archive, scratch / "blog")
        self._checkout.prefetch([commit.id for commit in self.commits])
        self._configuration = _moved(configuration, source, scratch / "blog" / below, scratch)
        self._store: Store | None = None

    def steps(self) -> Iterator[Step]:
        """Each poll that brought something, as it comes."""
        from feedbot.app import App, RunOptions
        from feedbot.engine.poll import poll
        from feedbot.engine.replay import replay
        from feedbot.store.store import Store

        app = App(self._configuration, out=sys.stderr, clock=lambda: self._now)
        self._store = store = Store.open_copy(self._configuration.state_path)
        try:
            cycle = app.cycle(store, RunOptions(dry_run=True), [self._source])

            def poll_as_of(now: datetime) -> Any:
                self._now = now
                return poll(cycle.sources, cycle.polling, force=True)[self._source]

            def wake_at() -> datetime | None:
                state = store.sources.states().get(self._source)
                return state.wake_at if state else None

            yield from (
                step
                for step in replay(
                    self.commits,
                    switch=lambda commit: self._checkout.switch(commit.id),
                    poll=poll_as_of,
                    wake_at=wake_at,
                )
                if step.telling
            )
        finally:
            store.close()
            app.close()

    def title(self, entry_id: str) -> str:
        """What an entry is called by now."""
        assert self._store is not None
        return next((entry.title for entry in self._store.entries.find(entry_id) if entry.id == entry_id), "")


def _open(
    configuration: Configuration, source: str, clone: Path, first: str, last: str
) -> tuple[Repository | LocalRepository, str, Sequence[Commit]]:
    """The repository of a source, where in it the blog is, and the commits to walk through."""
    from feedbot.sources.posts.git import Access, LocalRepository, Repository

    settings: Any = configuration.sources[source]
    folder = configuration.folder
    if not settings.git:
        local = LocalRepository(folder / Path(settings.path).expanduser(), timeout=_TIMEOUT)
        begin = local.resolve(first) if first else ""
        return local, local.below, local.commits(begin, local.resolve(last))
    access = Access(
        token=settings.token.get_secret_value() if settings.token else "",
        username=settings.username,
        key_file=folder / Path(settings.key_file).expanduser() if settings.key_file else None,
        ca_file=folder / Path(settings.ca_file).expanduser() if settings.ca_file else configuration.ca_path,
        allow_private=(*settings.allow_private, *configuration.feedbot.allow_private),
    )
    elsewhere = Repository(
        settings.git, clone, branch=settings.branch, access=access, timeout=_TIMEOUT, max_bytes=_MAX_BYTES
    )
    head = elsewhere.head()
    begin = elsewhere.resolve(head, first) if first else ""
    return elsewhere, settings.path, elsewhere.commits(begin, elsewhere.resolve(head, last))


def _moved(configuration: Configuration, source: str, path: Path, scratch: Path) -> Configuration:
    """The configuration with that source alone, read from another folder, and a state that is not there."""
    settings = configuration.sources[source]
    here: Mapping[str, Any] = {"path": str(path), "git": "", "paused": False}
    return replace(
        configuration,
        feedbot=configuration.feedbot.model_copy(update={"state": str(scratch / "state.db")}),
        sources={source: settings.model_copy(update=here)},
    )


def _told(step: Step, title: Callable[[str], str]) -> dict[str, Any]:
    """A step as JSON has it."""
    report, commit = step.report, step.moment
    announced = {(change.change.value, change.entry.id) for change in report.announced}

    def changes(kind: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        return [{"id": name, "title": title(name), "announced": (kind, name) in announced} for name in ids]

    return {
        "commit": commit.id,
        "date": step.at.isoformat(),
        "subject": commit.subject,
        "scheduled": step.waking,
        "held": step.held,
        "new": changes("new", report.new),
        "updated": changes("updated", report.updated),
        "withdrawn": changes("withdrawn", report.withdrawn),
        "edited": [{"id": name, "title": title(name), "kind": kind} for name, kind in report.edited.items()],
        "error": report.error,
        "problems": [asdict(problem) for problem in report.problems],
    }


def _lines(context: Context, step: Mapping[str, Any]) -> Iterator[str]:
    from feedbot.message.terminal import fit, inert

    moment = datetime.fromisoformat(step["date"])
    subject = "the date of a post had come" if step["scheduled"] else step["subject"]
    yield f"{moment:%Y-%m-%d %H:%M}  {step['commit'][:10]}  {inert(subject)}"
    for kind in ("new", "updated", "withdrawn"):
        told = [change for change in step[kind] if change["announced"]]
        word = f"{kind.upper()}, HELD" if step["held"] and kind == "new" else kind.upper()
        yield from (
            f"  {context.style(word, bold=True)}  {fit(inert(each['title']), _TITLE).rstrip()}" for each in told
        )
        if silent := len(step[kind]) - len(told):
            yield f"  {silent} {kind}, not announced"
    named = {change["id"] for change in step["updated"]}
    quiet = [edit["kind"] for edit in step["edited"] if edit["id"] not in named]
    for kind in dict.fromkeys(quiet):
        yield f"  {quiet.count(kind)} edited ({kind}), no update"
    if step["error"]:
        yield f"  {context.style('✗', fg='red')} {inert(step['error'])}"


def _sum(number: int, steps: Sequence[Mapping[str, Any]]) -> str:
    from feedbot.message.terminal import counted

    counts = [
        f"{sum(change['announced'] for step in steps for change in step[kind])} {kind}"
        for kind in ("new", "updated", "withdrawn")
    ]
    held = sum(step["held"] for step in steps)
    tail = f"; {counted(held, 'poll was', 'polls were')} held" if held else ""
    return f"{counted(number, 'commit', 'commits')}: {', '.join(counts)} would have been announced{tail}"
