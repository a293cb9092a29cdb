"""Takes a listing over into the configuration, and into the state what another program has announced."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from feedbot.cli.additions import Plan, plan
from feedbot.cli.context import Context
from feedbot.errors import UsageError
from feedbot.files import write_atomic
from feedbot.interchange.listing import Listing, ListingError, Omitted, Subscription
from feedbot.settings import Configuration
from feedbot.settings.edit import ConfigFile
from feedbot.settings.sentences import mask

MAX_BYTES = 50_000_000

Seen = Callable[[Subscription], frozenset[bytes]]
"""The keys under which the entries of a subscription are known that another program has announced."""


def content(file: Path) -> bytes:
    """A file of another program, or what comes on stdin for "-". Raises UsageError, OSError."""
    if str(file) == "-":
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    elif not file.is_file():
        raise UsageError(f"there is no file {file}")
    else:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{file} is larger than {MAX_BYTES // 1_000_000} MB", "is it the right one?")
    return data


def listed(file: Path, read: Callable[[bytes], Listing]) -> Listing:
    """What a file lists; the error says which file it is about. Raises UsageError."""
    try:
        return read(content(file))
    except ListingError as error:
        raise UsageError(f"{file}: {error.message}", error.hint) from None


def take_over(context: Context, listing: Listing, *, dry_run: bool, seen: Seen | None = None) -> None:
    """Add what a listing has and the configuration has not; tell all of it.

    What was seen goes into the state first, so that no poll comes between.
    """
    path, _ = context.find()
    file = ConfigFile.read(path, os.environ)
    configuration = file.standing(os.environ)
    merged = plan(file, configuration, listing)
    changed = file.with_tables(merged.tables)
    known: dict[str, int] = {}
    omitted = listing.omitted
    with _secrets(configuration.folder, listing.secrets if merged.sinks else {}, keep=not dry_run):
        after = changed.checked(os.environ) if changed.changed else configuration
        if seen is not None and after.sources:
            known, unknown = _adopt(after, merged, seen, dry_run=dry_run)
            omitted = (*omitted, *unknown)
        if changed.changed and not dry_run:
            changed.write()
    _tell(context, path, merged, omitted, known, dry_run=dry_run)


def _adopt(
    configuration: Configuration, merged: Plan, seen: Seen, *, dry_run: bool
) -> tuple[dict[str, int], tuple[Omitted, ...]]:
    """Store what was announced of each source that feedbot has not polled yet; gives how many entries of each."""
    from feedbot.locking import run_lock
    from feedbot.store.store import Store

    keys = {name: seen(one) for name, one in (*merged.added.items(), *merged.existing.items())}
    keys = {name: own for name, own in keys.items() if own}
    with contextlib.ExitStack() as stack:
        if dry_run:
            store = Store.open_copy(configuration.state)
        else:
            stack.enter_context(run_lock(configuration.state))
            store = Store.open(configuration.state)
        stack.callback(store.close)
        adopted = store.sources.adopt(keys)
    late = tuple(
        Omitted(name, "feedbot has polled it already, and goes by what it has seen itself")
        for name in keys
        if name not in adopted
    )
    return {name: len(keys[name]) for name in adopted}, late


@contextlib.contextmanager
def _secrets(folder: Path, secrets: Mapping[str, str], *, keep: bool) -> Iterator[None]:
    """Have the files of secrets there while the configuration is checked; they stay if ``keep``, and all went well."""
    written: list[Path] = []
    try:
        for name, text in secrets.items():
            file = folder / name
            if file.exists():
                continue
            write_atomic(file, f"{text}\n".encode(), 0o600)
            written.append(file)
        yield
    except BaseException:
        keep = False
        raise
    finally:
        for file in written if not keep else ():
            file.unlink(missing_ok=True)


def _tell(
    context: Context,
    path: Path,
    merged: Plan,
    omitted: tuple[Omitted, ...],
    known: Mapping[str, int],
    *,
    dry_run: bool,
) -> None:
    if context.json:
        context.answer(_as_json(path, merged, omitted, known, dry_run=dry_run))
        return
    if context.quiet:
        return
    for line in _lines(merged, omitted, known):
        context.say(line)
    counts = f"{_counted(len(merged.added), 'source')}, {_counted(len(merged.sinks), 'sink')}"
    routes = sum(table.kind == "routes" for table in merged.tables)
    counts += f", {_counted(routes, 'route')}" if routes else ""
    there = f"; {len(merged.existing)} there already" if merged.existing else ""
    not_taken = f"; {len(omitted)} not taken over" if omitted else ""
    context.say(f"{'would add' if dry_run else 'added'} {counts} to {path}{there}{not_taken}")
    if merged.added and not dry_run:
        context.say("Next: feedbot run")


def _lines(merged: Plan, omitted: tuple[Omitted, ...], known: Mapping[str, int]) -> Iterator[str]:
    from feedbot.message.terminal import inert

    for name, one in merged.added.items():
        said = [inert(", ".join(one.settings.get("tags", ()))), "paused" if one.settings.get("paused") else ""]
        more = "".join(f"  [{text}]" for text in said if text)
        yield f"+ {name}  {inert(mask(one.url))}{more}"
    for name, values in merged.sinks.items():
        where = values.get("to") or values.get("path") or values.get("host") or ""
        yield f"+ sink {name}  {values['type']} {inert(', '.join(where) if isinstance(where, list) else str(where))}"
    for name, one in merged.existing.items():
        yield f"= {name}  {inert(mask(one.url))}"
    for name in known:
        yield f"  {name}: what was announced of it before is not announced again"
    for left in omitted:
        yield f"! {inert(left.where)}: {inert(left.reason)}"


def _as_json(
    path: Path, merged: Plan, omitted: tuple[Omitted, ...], known: Mapping[str, int], *, dry_run: bool
) -> dict[str, Any]:
    return {
        "file": str(path.absolute()),
        "dry_run": dry_run,
        "added": {name: {"url": mask(one.url), **one.settings} for name, one in merged.added.items()},
        "existing": {name: mask(one.url) for name, one in merged.existing.items()},
        "sinks": {name: dict(values) for name, values in merged.sinks.items()},
        "routes": [dict(table.values) for table in merged.tables if table.kind == "routes"],
        "known": dict(known),
        "omitted": [{"where": left.where, "reason": left.reason} for left in omitted],
    }


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
