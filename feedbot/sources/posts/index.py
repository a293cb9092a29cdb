"""What is remembered of each file of a blog, so that what did not change need not be read again."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, Literal, NamedTuple, TypeVar

import orjson
from msgspec import Struct, field
from msgspec.structs import asdict

from feedbot.model import Problem

Kind = Literal["post", "draft", "other", "broken"]
Row = TypeVar("Row", bound=NamedTuple)


class Record(NamedTuple):
    """What is known of a file as it was when it was read last; ``digest`` is of its content.

    ``asked`` are the questions that its rendering hung on. In seconds since 1970, ``due`` is the date of a post
    that was still to come, and ``ends`` when one is published no longer.
    """

    stamp: str
    settled: bool
    digest: str
    kind: Kind
    url: str = ""
    own_id: str = ""
    due: float | None = None
    ends: float | None = None
    asked: Sequence[str] = ()
    problems: Sequence[Problem] = ()


class Copy(NamedTuple):
    """An image that posts show: the name of its copy, as long as its stamp is this one."""

    stamp: str
    settled: bool
    name: str


class Index(Struct, frozen=True, kw_only=True):
    """What one reading of a blog leaves for the next. ``answers`` are those to all questions of all posts."""

    files: Mapping[str, Record] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, Copy] = field(default_factory=dict)
    told: str = ""
    """A digest of the problems told of."""

    @property
    def wake(self) -> float | None:
        """When the next post becomes due or ends, in seconds since 1970."""
        times = (time for record in self.files.values() for time in (record.due, record.ends) if time is not None)
        return min(times, default=None)

    def packed(self) -> str:
        """The index as one text, small enough to be kept in the state, and quick to be read even of 10 000 files."""
        parts = (_columns(self.files), self.answers, _columns(self.copies), self.told)
        return base64.b64encode(zlib.compress(orjson.dumps(parts, default=asdict), 1)).decode("ascii")


def unpacked(text: str) -> Index:
    """The index that was packed as ``text``; an empty one of an empty text."""
    if not text:
        return Index()
    (names, *files), answers, (shown, *copies), told = orjson.loads(zlib.decompress(base64.b64decode(text)))
    if files:
        *files, asked, problems = files
        files += [tuple(each) for each in asked], [tuple(Problem(**one) for one in each) for each in problems]
    return Index(files=_rows(Record, names, files), answers=answers, copies=_rows(Copy, shown, copies), told=told)


def _columns(rows: Mapping[str, tuple[Any, ...]]) -> list[Sequence[Any]]:
    """The names of rows and each of their columns, as likes next to likes are packed and read fastest.

    Of a column that holds one value throughout this value is kept alone.
    """
    columns = zip(*rows.values(), strict=True)
    return [list(rows), *(column[: 1 if column.count(column[0]) == len(column) else None] for column in columns)]


def _rows(kind: type[Row], names: Sequence[str], columns: Sequence[Sequence[Any]]) -> dict[str, Row]:
    """The rows that ``_columns`` took apart, by their names."""
    whole = (repeat(column[0], len(names)) if len(column) == 1 else column for column in columns)
    return dict(zip(names, map(kind._make, zip(*whole, strict=True)), strict=True))
