"""Reads what ``git log`` prints: commits, and when each file came in and was changed last."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from feedbot.core.text import one_line
from feedbot.files import write_atomic

COMMIT_FORMAT = "--format=%H%x00%ct%x00%an%x00%s"
FILES_FORMAT = "--format=%x01%ct %an"
CHANGES_FORMAT = "--format=%x01%H"
_RENAMED = re.compile(r"[RC]\d+")


class Commit(Struct, frozen=True):
    """A commit; ``date`` is when it was committed, in UTC."""

    id: str
    date: datetime
    author: str
    subject: str


class FileDates(Struct, frozen=True):
    """When a file came in and was changed last, in UTC, and who wrote it first."""

    first: datetime
    last: datetime
    author: str


class Touched(Struct, frozen=True):
    """What a commit did to a file: its id and mode from then on; ``id`` is "" where it is gone."""

    name: str
    id: str
    mode: str


def commits_of(out: bytes) -> tuple[Commit, ...]:
    """What ``git log -z`` with COMMIT_FORMAT printed."""
    fields = out.decode("utf-8", "replace").split("\0")
    groups = zip(*[iter(fields)] * 4, strict=False)
    return tuple(Commit(name, _date(date), one_line(author), one_line(said)) for name, date, author, said in groups)


def changes_of(out: bytes) -> dict[str, list[Touched]]:
    """What each commit did to files, of what ``git log -z --raw --no-abbrev`` with CHANGES_FORMAT printed."""
    changes: dict[str, list[Touched]] = {}
    commit: list[Touched] = []
    tokens = iter(out.decode("utf-8", "surrogateescape").split("\0"))
    for token in tokens:
        word = token.lstrip("\n")
        if word.startswith("\x01"):
            commit = changes.setdefault(word[1:], [])
        elif word.startswith(":"):
            _, mode, _, blob, status = word.split(" ")
            commit.append(Touched(next(tokens, ""), "" if status == "D" else blob, mode))
    return changes


def follow(known: Mapping[str, FileDates], out: bytes) -> dict[str, FileDates]:
    """Dates of files, from those known before and what ``git log -z --reverse --name-status`` tells since.

    A file that only moved keeps its dates under its new name; one that was taken away and came back keeps them too.
    """
    dates = dict(known)
    for date, author, status, names in _touched(out):
        if _RENAMED.fullmatch(status) and names[0] in dates:
            dates[names[1]] = dates.pop(names[0])
        elif status != "D":
            name = names[-1]
            before = dates.get(name)
            dates[name] = FileDates(min(before.first, date), date, before.author) if before else _born(date, author)
    return dates


def below(dates: Mapping[str, FileDates], path: str, names: Iterable[str]) -> dict[str, FileDates]:
    """The dates of those files, whose names are from the folder at a clean path."""
    prefix = f"{path}/" if path else ""
    return {name: dates[prefix + name] for name in names if prefix + name in dates}


def load(path: Path) -> tuple[str, dict[str, FileDates]]:
    """The commit up to which dates were kept in a file, and the dates; "" where there is no such file."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_bytes())
        dates = {
            name: FileDates(_date(first), _date(last), str(by)) for name, (first, last, by) in kept["files"].items()
        }
        return str(kept["commit"]), dates
    return "", {}


def save(path: Path, commit: str, dates: Mapping[str, FileDates]) -> None:
    """Keep dates in a file. Raises OSError."""
    files = {name: (int(d.first.timestamp()), int(d.last.timestamp()), d.author) for name, d in dates.items()}
    write_atomic(path, json.dumps({"commit": commit, "files": files}).encode("utf-8", "surrogateescape"), 0o600)


def _touched(out: bytes) -> Iterator[tuple[datetime, str, str, tuple[str, ...]]]:
    """Date, author, status and names (two of a rename) of each change of a file."""
    tokens = iter(out.decode("utf-8", "surrogateescape").split("\0"))
    date, author = datetime.fromtimestamp(0, UTC), ""
    for token in tokens:
        word = token.lstrip("\n")
        if word.startswith("\x01"):
            seconds, _, author = word[1:].partition(" ")
            date = _date(seconds)
        elif word:
            name = next(tokens, "")
            names = (name, next(tokens, "")) if _RENAMED.fullmatch(word) else (name,)
            yield date, one_line(author.encode("utf-8", "surrogateescape").decode("utf-8", "replace")), word, names


def _born(date: datetime, author: str) -> FileDates:
    return FileDates(date, date, author)


def _date(seconds: str | float) -> datetime:
    """A moment of git's, which may be anything: clamped to what a date can be."""
    return datetime.fromtimestamp(min(max(int(seconds), 0), 253_402_300_799), UTC)
