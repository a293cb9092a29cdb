"""feedbot feed: the feeds that feedbot publishes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context
from feedbot.cli.naming import names_of

if TYPE_CHECKING:
    from feedbot.engine.report import FeedReport
    from feedbot.settings import Configuration
    from feedbot.store.entries import FeedRecord

_INVALID = 5  # as for a published file that cannot be written


@click.group(cls=Group)
def feed() -> None:
    """Look at the feeds that are published, or make them anew."""


@feed.command("list", cls=Command)
@click.pass_obj
def list_feeds(context: Context) -> None:
    """List feeds with their files."""
    configuration = context.load()
    records = _records(context, configuration)
    feeds = {name: _listed(configuration, name, records) for name in configuration.feeds}
    if context.json:
        context.answer({"feeds": feeds})
        return
    for name, one in feeds.items():
        pages = f", {one['pages']} pages of parts and archive" if one["pages"] else ""
        context.say(f"{name}  {one['title']}  ({one['entries']} entries{pages})")
        for file in one["files"]:
            context.say(f"  {file['path']:<30}  {file['size']:>9} bytes  {file['updated'] or 'is not there'}")


@feed.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=names_of("feeds"))
@click.pass_obj
def build(context: Context, names: tuple[str, ...]) -> None:
    """Make feeds anew from what the state holds: all, or those named."""
    from feedbot.app import App

    configuration = context.load()
    _demand(configuration, names)
    reports = App(configuration, out=sys.stdout).build(names or None)
    if context.json:
        context.answer({"feeds": {name: _built(report) for name, report in reports.items()}})
    else:
        for report in reports.values():
            _tell(context, report)
    if any(report.error for report in reports.values()):
        sys.exit(_INVALID)


@feed.command(cls=Command)
@click.argument("name", shell_complete=names_of("feeds"))
@click.option("--format", "kind", help="The format. Default: the first one of the feed.")
@click.pass_obj
def show(context: Context, name: str, kind: str | None) -> None:
    """Print a feed as it would be published now; also a part of one, such as all/tag/python."""
    from feedbot.app import App
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion

    configuration = context.load()
    own = name.partition("/")[0]
    _demand(configuration, (own,))
    kinds = configuration.feeds[own].formats
    kind = kind or kinds[0]
    if kind not in kinds:
        raise UsageError(f'the feed "{own}" has no format "{kind}"', suggestion(kind, list(kinds)))
    data = App(configuration, out=sys.stdout).rendered(name, kind)
    if data is None:
        raise UsageError(f'the feed "{own}" has no part "{name}"', "feedbot feed list --json shows the paths of all")
    text = data.decode()
    if context.json:
        context.answer({"feed": name, "format": kind, "document": text})
    else:
        context.say(text.removesuffix("\n"))


@feed.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=names_of("feeds"))
@click.pass_obj
def validate(context: Context, names: tuple[str, ...]) -> None:
    """Check the published files against the rules of their formats; leaves with code 5 where one breaks them."""
    configuration = context.load()
    _demand(configuration, names)
    if configuration.bucket is not None:
        from feedbot.errors import UsageError

        raise UsageError(f"the files are in {configuration.bucket}, not in a folder", "feedbot feed show tells one")
    records = _records(context, configuration)
    files: dict[str, list[str]] = {}
    for name, record in sorted(records.items()):
        feed_name = name.partition("/")[0]
        if feed_name in configuration.feeds and (not names or feed_name in names):
            files |= {path: _problems(configuration.output_path / path) for path in sorted(record.files)}
    wrong = {path: problems for path, problems in files.items() if problems}
    missing = [name for name in names or configuration.feeds if name not in records]
    if context.json:
        context.answer({"files": files, "missing": missing, "valid": not wrong and not missing})
    else:
        for path, problems in wrong.items():
            for problem in problems:
                context.say(f"{path}: {problem}")
        for name in missing:
            context.say(f"{name}: is not published yet; feedbot run does it")
        if not context.quiet:
            context.say(f"{len(files) - len(wrong)} of {len(files)} files are valid")
    if wrong or missing:
        sys.exit(_INVALID)


def _demand(configuration: Configuration, names: Sequence[str]) -> None:
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion

    for name in names:
        if name not in configuration.feeds:
            raise UsageError(f'there is no feed named "{name}"', suggestion(name, list(configuration.feeds)))


def _records(context: Context, configuration: Configuration) -> dict[str, FeedRecord]:
    store = context.open_store(configuration)
    try:
        return store.entries.feed_records()
    finally:
        store.close()


def _listed(configuration: Configuration, name: str, records: dict[str, FeedRecord]) -> dict[str, Any]:
    record = records.get(name)
    return {
        "title": configuration.feeds[name].title or name,
        "entries": record.entries if record else 0,
        "files": [_file(configuration, path, mark) for path, mark in sorted(record.files.items())] if record else [],
        "pages": sum(1 for other in records if other.startswith(f"{name}/")),
        "parts": sorted(other for other in records if other.startswith(f"{name}/")),
    }


def _file(configuration: Configuration, path: str, mark: list[int]) -> dict[str, Any]:
    """A file as it is in the folder; one in a bucket as it was written."""
    from feedbot.core.dates import rfc3339

    size, written = mark[0], mark[1] // 1_000_000_000
    if configuration.bucket is None:
        try:
            stat = (configuration.output_path / path).stat()
        except OSError:
            return {"path": path, "size": 0, "updated": None}
        size, written = stat.st_size, int(stat.st_mtime)
    return {"path": path, "size": size, "updated": rfc3339(datetime.fromtimestamp(written, UTC)) if written else None}


def _built(report: FeedReport) -> dict[str, Any]:
    return {
        "written": report.written,
        "removed": report.removed,
        "entries": report.entries,
        "problems": report.problems,
        "error": report.error,
    }


def _tell(context: Context, report: FeedReport) -> None:
    for line in _lines(report):
        context.say(line)


def _lines(report: FeedReport) -> Iterator[str]:
    what = f"wrote {', '.join(report.written)}" if report.written else "nothing to write, all is as it should be"
    yield f"{report.name} ({report.entries}): {what}"
    if report.removed:
        yield f"  removed {', '.join(report.removed)}"
    yield from (f"  ! {problem}" for problem in report.problems)
    if report.error:
        yield f"  ✗ was not written: {report.error}"
        yield f"    {report.hint}"


def _problems(path: Path) -> list[str]:
    from feedbot.formats.validity import problems

    try:
        data = path.read_bytes()
    except OSError as error:
        return [f"cannot be read: {error.strerror}"]
    return problems(data)
