"""Plans the pages of a feed: itself, its parts by tag or author, its archive, each with the entries it has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot.core import present
from feedbot.core.address import feed_id
from feedbot.core.expose import exposed
from feedbot.core.expression import FilterFailedError
from feedbot.core.publication import Origin, Publication, Related, Sibling, Withdrawn, as_publication
from feedbot.core.selection import Archive, Head, Part, Selection, archive, parts, together, window
from feedbot.engine.layout import STYLESHEET, page_paths, paths
from feedbot.engine.publishing import FeedSpec, Publishing
from feedbot.engine.report import FeedReport
from feedbot.model import SourceState
from feedbot.plugins import Format

_BATCH = 100
_LABELS = {"tag": "tags", "author": "authors"}


class Page(Struct, frozen=True, kw_only=True):
    """One feed document, in all its formats: ``files`` are the paths below the output folder."""

    publication: Publication
    selection: Selection
    files: Mapping[str, Format]
    summary_only: bool

    @property
    def path(self) -> str:
        return self.publication.path

    def inputs(self) -> str:
        """A digest of all that its bytes are made of."""
        stamps = [(head.source, head.id, head.revision) for head in self.selection.entries]
        formats = [(path, type(form).__qualname__, form.version) for path, form in self.files.items()]
        made_of = (present.VERSION, self.publication, self.summary_only, formats, stamps)
        return sha256(repr(made_of).encode("utf-8", "surrogatepass")).hexdigest()


class Contents(Struct, frozen=True):
    """The page that lists the parts of a feed by tag, author, year or source."""

    path: str
    title: str
    by: str
    pages: tuple[tuple[str, Page], ...]


class Edition(Struct, frozen=True):
    """All of a feed: its own page first, then its parts and archive pages."""

    pages: tuple[Page, ...]
    contents: tuple[Contents, ...] = field(default=())


def plan(
    spec: FeedSpec,
    states: Mapping[str, SourceState],
    publishing: Publishing,
    former: Collection[str],
    report: FeedReport,
) -> Edition:
    """The pages as they are to be now. ``former`` are the paths of those published before."""
    heads: Iterable[Head] = _passing(spec, publishing, report)
    if spec.split or spec.archive:
        heads = list(heads)
    whole = window(heads, spec.limit)
    older = Archive()
    if spec.archive and not spec.base:
        report.problems.append("it has no archive: the pages link to each other, which takes base_url in [feedbot]")
    elif spec.archive:
        older = archive(heads)
        # What fills no page yet must be in the feed itself, however old it is by its date.
        whole = together(whole, older.rest)
    whole, *others = _without_living(spec, publishing, [whole, *older.pages])
    frame = _Frame(spec, states)
    pages = [frame.main(whole, len(others))]
    pages += [frame.archived(number, len(others), page) for number, page in enumerate(others, start=1)]
    contents = []
    for by in spec.split:
        kept = [path.removeprefix(f"{spec.name}/{by}/") for path in former if path.startswith(f"{spec.name}/{by}/")]
        chosen = [(part, window(part.heads, spec.limit)) for part in parts(list(heads), by, kept)]
        selections = _without_living(spec, publishing, [selection for _, selection in chosen])
        made = [frame.part(by, part, one) for (part, _), one in zip(chosen, selections, strict=True)]
        pages += made
        listed = tuple(
            (part.label, page) for (part, _), page in zip(chosen, made, strict=True) if page.selection.entries
        )
        contents.append(Contents(f"{spec.name}/{by}/index.html", spec.channel.title, by, listed))
    return Edition(tuple(pages), tuple(contents))


class _Frame(Struct, frozen=True):
    """Puts selections into pages, with ids, titles and links."""

    spec: FeedSpec
    states: Mapping[str, SourceState]

    def main(self, selection: Selection, archived: int) -> Page:
        spec = self.spec
        related = [Related(f"By {by}", f"{spec.name}/{by}/index.html") for by in spec.split]
        page = self._page(spec.name, selection, previous=self._archive(archived), related=tuple(related))
        return replace(page, files=paths(spec))

    def archived(self, number: int, last: int, selection: Selection) -> Page:
        return self._page(
            self._archive(number),
            selection,
            id=self.spec.channel.id,  # one feed with its current page (RFC 5005, 4)
            archived=True,
            current=self.spec.name,
            previous=self._archive(number - 1),
            next=self._archive(number + 1) if number < last else "",
        )

    def part(self, by: str, part: Part, selection: Selection) -> Page:
        path = f"{self.spec.name}/{by}/{part.slug}"
        title = f"{self.spec.channel.title}: {part.label}"
        related = (Related(f"All by {by}", f"{self.spec.name}/{by}/index.html"),)
        return self._page(path, selection, id=feed_id(self.spec.base, path), title=title, related=related)

    def _archive(self, number: int) -> str:
        return f"{self.spec.name}/archive/{number}" if number else ""

    def _page(self, path: str, selection: Selection, **values: Any) -> Page:
        spec = self.spec
        files = page_paths(spec, path)
        siblings = tuple(
            Sibling(kind, f"{path}.{form.extension}", form.media_type) for kind, form in spec.formats.items()
        )
        placed: dict[str, Any] = {
            "path": path,
            "base": spec.base,
            "urls": {one.kind: f"{spec.base}{one.path}" for one in siblings} if spec.base else {},
            "stylesheet": "../" * path.count("/") + STYLESHEET,
            "origins": self._origins(selection),
            "siblings": siblings,
            "withdrawn": tuple(
                Withdrawn(head.id, head.withdrawn_at) for head in selection.withdrawn if head.withdrawn_at is not None
            ),
        }
        return Page(
            publication=replace(as_publication(spec.channel), **placed | values),
            selection=selection,
            files=files,
            summary_only=spec.summary_only,
        )

    def _origins(self, selection: Selection) -> dict[str, Origin]:
        names = sorted({head.source for head in selection.entries} & self.spec.origins.keys())
        found = {name: self.states[name] for name in names if name in self.states}
        return {name: Origin(state.title or name, state.link, self.spec.origins[name]) for name, state in found.items()}


def _passing(spec: FeedSpec, publishing: Publishing, report: FeedReport) -> Iterator[Head]:
    """The heads of the entries that pass the filter, newest first, read as far as they are asked for."""
    heads = publishing.store.heads(spec.sources, [_LABELS[by] for by in spec.split if by in _LABELS])
    if spec.filter is None:
        yield from heads
        return
    while batch := list(islice(heads, _BATCH)):
        if spec.filter_reads_texts:
            shown = publishing.shelf.entries(batch, short=spec.summary_only)
            found = {(entry.source, entry.id): entry for entry, _ in shown}
        else:
            found = {(one.source, one.id): one for one in publishing.shelf.without_texts(batch).values()}
        for head in batch:
            entry = found.get((head.source, head.id))
            try:
                if entry is not None and spec.filter(exposed(entry)):
                    yield head
            except FilterFailedError as error:
                if str(error) not in report.problems:
                    report.problems.append(str(error))


def _without_living(spec: FeedSpec, publishing: Publishing, selections: list[Selection]) -> list[Selection]:
    """The selections, where nothing is told to be withdrawn that another source has still."""
    gone = sorted({head.id for one in selections for head in one.withdrawn})
    living = publishing.store.live(gone, spec.sources) if gone else set()
    return [one._replace(withdrawn=tuple(h for h in one.withdrawn if h.id not in living)) for one in selections]
