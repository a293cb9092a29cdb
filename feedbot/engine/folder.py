"""The output folder as a whole: its list of feeds as a page and as OPML, its style sheet, and who wrote which file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from feedbot import __version__
from feedbot.core.present import MEDIA_FOLDER
from feedbot.core.seal import is_sealed
from feedbot.engine.layout import STYLESHEET, paths
from feedbot.engine.output import Output, OvertakenError
from feedbot.engine.publishing import FeedSpec, Publishing
from feedbot.engine.report import FeedReport
from feedbot.model import Entry
from feedbot.plugins import Format
from feedbot.store.entries import FeedRecord

if TYPE_CHECKING:
    from feedbot.engine.pages import Contents

FOLDER = "/"
"""The name under which the files of the folder itself are recorded; no feed is called so."""

INDEX = "index.html"
LIST = "feeds.opml"

_PAGE = "text/html"


def publish(
    specs: Sequence[FeedSpec],
    publishing: Publishing,
    records: Mapping[str, FeedRecord],
    reports: Mapping[str, FeedReport],
) -> Mapping[str, FeedRecord]:
    """Write index.html, feeds.opml and the style sheets where the feeds' names or titles changed; gives their record.

    A file that somebody made or edited by hand is left as it is, which is said once.
    """
    inputs = _inputs(specs)
    former = records.get(FOLDER, FeedRecord({}, 0, ""))
    output = publishing.output
    if former.inputs == inputs and output.as_written(former.files):
        return {FOLDER: former}
    marks = {}
    problems = []
    for path, data in _files(specs).items():
        try:
            if may_replace(output, path):
                output.write(path, data, _PAGE if path == INDEX else "")
            elif not path.endswith(STYLESHEET) and former.files.get(path) != output.mark(path):
                problems.append(f"{output}/{path} was not made by feedbot and is left as it is")
            marks[path] = output.mark(path)
        except OvertakenError:  # the next round looks at what the other publisher made
            continue
        except OSError as error:
            problems.append(f"{path} cannot be written: {error.strerror}")
    for report in list(reports.values())[:1]:
        report.problems += problems
    return {FOLDER: FeedRecord(marks, 0, inputs)}


def contents_page(contents: Contents) -> bytes:
    """The page that lists the parts of a feed."""
    from feedbot.formats import overview

    rows = [
        overview.Row(label, page.publication.path, len(page.selection.entries), _kinds(page.files))
        for label, page in contents.pages
    ]
    return overview.contents(contents.title, contents.by, contents.path, rows)


def may_replace(output: Output, path: str) -> bool:
    """Whether a file is not there, or is one that feedbot made and nobody has edited."""
    try:
        there = output.read(path)
    except OSError:
        return False
    return there is None or is_sealed(there)


def incomplete(output: Output, shown: Iterable[tuple[Entry, frozenset[str]]]) -> set[str]:
    """The sources of entries that show copied files which are not there any more."""
    return {entry.source for entry, names in shown if not all(output.has(f"{MEDIA_FOLDER}/{name}") for name in names)}


def _inputs(specs: Sequence[FeedSpec]) -> str:
    """A digest that is another one whenever one of the files may have to be."""
    feeds = [[spec.name, spec.digest, *(form.version for form in spec.formats.values())] for spec in specs]
    return sha256(json.dumps([__version__, feeds]).encode()).hexdigest()


def _files(specs: Sequence[FeedSpec]) -> dict[str, bytes]:
    """What the folder has beside the feeds, where no feed has a file of that name."""
    from feedbot.formats import overview
    from feedbot.formats.stylesheet import stylesheet
    from feedbot.interchange.opml import Outline
    from feedbot.interchange.opml import write as write_opml

    feeds = {path for spec in specs for path in paths(spec)}
    rows = [
        overview.Row(
            spec.channel.title,
            spec.name,
            None,
            _kinds(paths(spec)),
            description=spec.channel.description,
            more=tuple((f"By {by}", f"{spec.name}/{by}/index.html") for by in spec.split),
        )
        for spec in specs
        if spec.listed
    ]
    base = next((spec.base for spec in specs), "")
    files = {INDEX: overview.index(rows, base, LIST if base else "")}
    if base:
        outlines = [
            Outline(spec.channel.title, f"{base}{first}", spec.channel.link)
            for spec in specs
            if spec.listed and (first := _readable(spec))
        ]
        files[LIST] = overview.sealed_list(write_opml("Feeds", outlines))
    aliases = {alias.rpartition("/")[0] for spec in specs for alias in spec.aliases}
    for place in sorted({""} | aliases):
        files[f"{place}/{STYLESHEET}".removeprefix("/")] = stylesheet()
    return {path: data for path, data in files.items() if path not in feeds}


def _kinds(files: Mapping[str, Format]) -> tuple[tuple[str, str], ...]:
    """Media type and path of each file that is a feed in a format of its own."""
    kinds: dict[str, str] = {}
    for path, form in files.items():
        kinds.setdefault(form.media_type, path)
    return tuple(kinds.items())


def _readable(spec: FeedSpec) -> str:
    """The first file of a feed that feed readers read; "" where there is none."""
    return next((path for path, form in paths(spec).items() if not form.media_type.startswith("text/html")), "")
