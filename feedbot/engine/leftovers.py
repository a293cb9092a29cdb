"""Removes files of feeds, parts and formats that left the configuration: only what feedbot wrote, as it wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from feedbot.engine.folder import mark
from feedbot.engine.pages import paths
from feedbot.engine.publishing import FeedSpec
from feedbot.engine.report import FeedReport
from feedbot.store.entries import FeedRecord


def remove(
    specs: Sequence[FeedSpec],
    before: Mapping[str, FeedRecord],
    now: Mapping[str, FeedRecord],
    output: Path,
    reports: Mapping[str, FeedReport],
) -> None:
    """Remove the files that were published ``before`` and are not ``now``.

    One that somebody has changed since stays, as does everything that feedbot did not write.
    """
    owned = {path for record in now.values() for path in record.files} | {
        path for spec in specs for path in paths(spec)
    }
    for name, record in before.items():
        report = reports.get(name.partition("/")[0])
        for path, written in record.files.items():
            if path not in owned and _removed(output, path, written) and report is not None:
                report.removed.append(path)


def _removed(output: Path, path: str, written: list[int]) -> bool:
    target = output / path
    try:
        if ".." in PurePosixPath(path).parts or target.is_symlink() or not target.is_file():
            return False
        if not target.parent.resolve().is_relative_to(output.resolve()) or mark(target) != written:
            return False
        target.unlink()
        for parent in _below(output, target):
            parent.rmdir()
    except OSError:  # may not be removed, or the folder has other files: it stays
        return not target.exists()
    return True


def _below(output: Path, target: Path) -> Iterator[Path]:
    for parent in target.parents:
        if parent == output:
            return
        yield parent
