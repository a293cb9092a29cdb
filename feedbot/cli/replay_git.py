"""feedbot replay-git: what the history of a blog would have announced, commit by commit."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict, replace

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.cli.preview import UnreadableError
from feedbot.engine.report import SourceReport
from feedbot.errors import SourceError, UsageError
from feedbot.paths import located
from feedbot.plugins import SourceContext

if TYPE_CHECKING:
    from feedbot.engine.replay import Step
    from feedbot.settings import Configuration
    from feedbot.sources.posts.git import Commit, Past
    from feedbot.sources.posts.git.past import Archive

_TIMEOUT = 600.0
_MAX_BYTES = 1_000_000_000
_TITLE = 60  # columns


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
        raise UnreadableError(error.message, error.hint) from error
    if context.json:
        context.answer({"source": source, "commits": number, "steps": steps})
    elif not context.quiet:
        context.say(_sum(number, steps))
    return 0


class _Walk:
    """The commits of a source, and what polling it at each of them tells."""

    def __init__(self, configuration: Configuration, source: str, scratch: Path, first: str, last: str) -> None:
        from feedbot.cli.rehearsal import Rehearsal
        from feedbot.sources.posts.git import Past
        from feedbot.store.store import Store

        archive, below, self.commits = _open(configuration, source, scratch / "git", first, last)
        self._past = Past(archive, self.commits)
        moved = _moved(configuration, source, self._past, below, scratch)
        self._store = Store.open_copy(moved.state)
        self._rehearsal: Rehearsal[Commit] = Rehearsal(
            moved, source, self._store, lambda commit: self._past.switch(commit.id)
        )

    def steps(self) -> Iterator[Step]:
        """Each step that brought something, as it comes."""
        from feedbot.engine.replay import replay

        with contextlib.closing(self._past), contextlib.closing(self._store), contextlib.closing(self._rehearsal):
            yield from (step for step in replay(self.commits, self._rehearsal) if step.telling)

    def title(self, entry_id: str) -> str:
        """What an entry is called by now."""
        return self._rehearsal.title(entry_id)


def _open(
    configuration: Configuration, source: str, clone: Path, first: str, last: str
) -> tuple[Archive, str, Sequence[Commit]]:
    """The repository of a source, where in it the blog is, and the commits to walk through."""
    from feedbot.sources.posts.git import LocalRepository, Repository
    from feedbot.sources.posts.places import access_to

    settings: Any = configuration.sources[source]
    folder = configuration.folder
    if not settings.git:
        local = LocalRepository(located(folder, settings.path), timeout=_TIMEOUT)
        begin = local.resolve(first) if first else ""
        return local, local.below, local.commits(begin, local.resolve(last))
    access = access_to(
        settings,
        folder=folder,
        ca_file=configuration.ca_path,
        proxy=configuration.proxy,
        allow_private=tuple(configuration.feedbot.allow_private),
    )
    elsewhere = Repository(
        settings.git, clone, branch=settings.branch, access=access, timeout=_TIMEOUT, max_bytes=_MAX_BYTES
    )
    head = elsewhere.head()
    begin = elsewhere.resolve(head, first) if first else ""
    return elsewhere, settings.path, elsewhere.commits(begin, elsewhere.resolve(head, last))


def _moved(configuration: Configuration, source: str, past: Past, below: str, scratch: Path) -> Configuration:
    """The configuration with that source alone, read of its past, and a state that is not there."""
    from feedbot.sources.posts import PostsSource
    from feedbot.sources.posts.places import GitPlace
    from feedbot.sources.posts.settings import PostsSettings

    class Former(PostsSource):
        def __init__(self, settings: PostsSettings, context: SourceContext) -> None:
            super().__init__(settings, context, GitPlace(settings, context, past))

    here: Mapping[str, Any] = {"path": below, "paused": False}
    return replace(
        configuration,
        feedbot=configuration.feedbot.model_copy(update={"state": str(scratch / "state.db")}),
        sources={source: configuration.sources[source].model_copy(update=here)},
        source_types={source: Former},
    )


def _told(step: Step, title: Callable[[str], str]) -> dict[str, Any]:
    """A step as JSON has it: what a poll found, and what would have been sent then."""
    report, commit = step.report or SourceReport(name=""), step.moment
    planned = {(change.change.value, change.entry.id) for change in report.announced}
    titles = {change.entry.id: change.entry.title for change in report.announced}
    names = {*report.new, *report.updated, *report.withdrawn, *report.edited}
    titles |= {name: title(name) for name in names - titles.keys()}

    def changes(kind: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        return [{"id": name, "title": titles[name], "announced": (kind, name) in planned} for name in ids]

    return {
        "commit": commit.id,
        "date": step.at.isoformat(),
        "subject": commit.subject,
        "scheduled": step.waking,
        "settled": step.report is None,
        "held": report.held if step.held else "",
        "new": changes("new", report.new),
        "updated": changes("updated", report.updated),
        "withdrawn": changes("withdrawn", report.withdrawn),
        "edited": [{"id": name, "title": titles[name], "kind": kind} for name, kind in report.edited.items()],
        "sent": list(_sent(step)),
        "error": report.error,
        "problems": [asdict(problem) for problem in report.problems],
    }


def _sent(step: Step) -> Iterator[dict[str, Any]]:
    """What would have been sent, each change once, with the sinks that would have got it."""
    sinks: dict[tuple[str, str], list[str]] = {}
    entries = {}
    for delivery in step.sent:
        named = delivery.change.value, delivery.entry.id
        sinks.setdefault(named, []).append(delivery.sink)
        entries[named] = delivery.entry
    for (kind, name), entry in entries.items():
        yield {"change": kind, "id": name, "title": entry.title, "url": entry.url, "sinks": sinks[kind, name]}


def _lines(context: Context, step: Mapping[str, Any]) -> Iterator[str]:
    from feedbot.message.terminal import fit, inert

    moment = datetime.fromisoformat(step["date"])
    subject = "what had settled" if step["settled"] else step["subject"]
    subject = "the date of a post had come" if step["scheduled"] else subject
    yield f"{moment:%Y-%m-%d %H:%M}  {step['commit'][:10]}  {inert(subject)}"
    for each in step["sent"]:
        yield f"  {context.style(each['change'].upper(), bold=True)}  {fit(inert(each['title']), _TITLE).rstrip()}"
    if step["held"]:
        yield f"  {context.style('HELD', bold=True)}  {inert(step['held'])}"
    for kind in ("new", "updated", "withdrawn"):
        told = {each["id"] for each in step["sent"] if each["change"] == kind}
        left = [change for change in step[kind] if change["id"] not in told]
        later = 0 if step["held"] else sum(change["announced"] for change in left)
        if later:
            yield f"  {later} {kind}, to settle first"
        if silent := len([change for change in left if not change["announced"]]):
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
        f"{sum(sent['change'] == kind for step in steps for sent in step['sent'])} {kind}"
        for kind in ("new", "updated", "withdrawn")
    ]
    held = sum(bool(step["held"]) for step in steps)
    tail = f"; {counted(held, 'poll was', 'polls were')} held" if held else ""
    return f"{counted(number, 'commit', 'commits')}: {', '.join(counts)} would have been announced{tail}"
