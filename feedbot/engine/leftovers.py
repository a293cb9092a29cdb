"""Removes files of feeds, parts and formats that left the configuration: only what feedbot wrote, as it wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feedbot.engine.layout import paths
from feedbot.engine.output import Output
from feedbot.engine.publishing import FeedSpec
from feedbot.engine.report import FeedReport
from feedbot.store.entries import FeedRecord


def remove(
    specs: Sequence[FeedSpec],
    before: Mapping[str, FeedRecord],
    now: Mapping[str, FeedRecord],
    output: Output,
    reports: dict[str, FeedReport],
) -> None:
    """Remove the files that were published ``before`` and are not ``now``.

    One that somebody has changed since stays, as does everything that feedbot did not write. What is removed of a feed
    that left the configuration gets a report of its own.
    """
    owned = {path for record in now.values() for path in record.files} | {
        path for spec in specs for path in paths(spec)
    }
    for name, record in before.items():
        feed = name.partition("/")[0]
        for path, written in record.files.items():
            if path not in owned and output.remove(path, written) and feed:
                reports.setdefault(feed, FeedReport(name=feed)).removed.append(path)
