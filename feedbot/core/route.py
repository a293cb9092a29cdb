"""Which sinks a change goes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, NamedTuple

from msgspec import Struct

from feedbot.core.calendar import due
from feedbot.core.expression import Filter, FilterFailedError
from feedbot.model import ChangeKind


class Route(Struct, frozen=True, kw_only=True):
    """Changes of some sources, of some kinds, that pass the filter, go to these sinks.

    ``across``: an entry that several sources have goes there once. ``digest``: a crontab line, at whose occasions
    changes go out in one message; ``quiet``: hours in which nothing does; ``most``: of how many changes a run sends a
    message each.
    """

    sources: tuple[str, ...] = ("*",)
    filter: Filter | None = None
    on: frozenset[ChangeKind] = frozenset({ChangeKind.NEW})
    to: tuple[str, ...] = ()
    across: bool = False
    digest: str = ""
    quiet: str = ""
    most: int | None = None


class Choice(NamedTuple):
    """Whether a sink wants an entry of several sources once, and the numbers of the routes that lead to it."""

    across: bool
    routes: tuple[int, ...]


def named(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of those given, or fits a glob among them."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def sinks_for(
    routes: Sequence[Route],
    source: str,
    change: ChangeKind,
    entry: Callable[[], Mapping[str, Any]],
    report: Callable[[str], None],
) -> dict[str, Choice]:
    """The sinks that a change goes to, each once, in the order of the routes, which are counted from 1.

    An entry of several sources goes to a sink once where all routes to it say so.
    ``entry`` gives the exposed entry, and is called only where a filter asks. A filter that fails lets the
    entry pass, since a notification too many is better than one lost, and is told to ``report``.
    """
    chosen: dict[str, Choice] = {}
    for number, route in enumerate(routes, start=1):
        if change not in route.on or not named(source, route.sources):
            continue
        if route.filter is not None:
            try:
                if not route.filter(entry()):
                    continue
            except FilterFailedError as error:
                report(str(error))
        for sink in route.to:
            before = chosen.get(sink, Choice(True, ()))
            chosen[sink] = Choice(route.across and before.across, (*before.routes, number))
    return chosen


def soonest(routes: Sequence[Route], earliest: datetime, zone: tzinfo) -> tuple[datetime, Route]:
    """When, and by the rules of which route, a change goes out that several routes lead to one sink.

    At once wins over a digest; of several digests, or quiet hours, the one that ends the wait first.
    """
    at_once = [route for route in routes if not route.digest]
    timed = [(due(route.digest, route.quiet, earliest, zone), route) for route in at_once or routes]
    return min(timed, key=lambda pair: (pair[0], pair[1].quiet != "", pair[1].most is not None))


def delivery_key(instance: str, sink: str, source: str, entry_id: str, revision: int) -> str:
    """What names a delivery to its receiver: the same at every try, in every process."""
    parts = "\0".join((instance, sink, source, entry_id, str(revision)))
    return sha256(parts.encode("utf-8", "replace")).hexdigest()[:32]


def digest_key(keys: Iterable[str]) -> str:
    """What names a digest of the deliveries of these keys to its receiver: the same for the same ones."""
    return sha256("\0".join(("digest", *sorted(keys))).encode()).hexdigest()[:32]


def replay_key(key: str, number: int) -> str:
    """What names a delivery that a person has sent again: another key, since its receiver knows the former."""
    return f"{key.partition('-')[0]}-{number}"
