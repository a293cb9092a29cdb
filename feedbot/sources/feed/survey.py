"""Looks over an XML document before it is parsed: is it whole, and is it bounded.

One pass of expat, a fiftieth of what parsing costs. feedparser takes quadratic time for crowds of attributes,
categories or letters, which are refused here; a body that ends too early is cut behind its last whole entry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

from feedbot.errors import SourceError
from feedbot.sources.feed.parsed import MAX_ENTRIES

MAX_DEPTH = 500
MAX_ATTRIBUTES = 500
MAX_CATEGORIES = 1_000
MAX_SPAN = 20_000
MAX_HEAD = 64_000

_NOT_READ = "no feed is written like that; it is not read"
_ENTRIES = frozenset({"item", "entry"})
_CATEGORIES = frozenset({"category", "subject"})
_SPANS = re.compile(
    rb"<(/?)(?:[\w.-]+:)?(author|creator|managingeditor|webmaster|publisher|owner|keywords|tags)\b", re.IGNORECASE
)
_FIRST_ELEMENT = re.compile(rb"<\w")
_ENTRY_TAGS = re.compile(rb"<(/?)(?:[\w.-]+:)?(?:item|entry)\b", re.IGNORECASE)
_ROOT_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_ENDS_TOO_EARLY = frozenset({
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Survey:
    """``part`` is what to parse: the document, or as much of it as is whole and within the limit, closed again.

    ``fault`` says why the document is not well-formed ("" where it is), in ``line``. ``truncated``: it ends
    too early. ``half``: the last entry of ``part`` may be half of one. ``crowded``: there were too many entries.
    """

    part: bytes
    fault: str = ""
    line: int = 0
    truncated: bool = False
    half: bool = False
    crowded: bool = False


def survey(data: bytes) -> Survey:
    """Look over UTF-8 without a declaration. Raises SourceError for what nobody writes and parsing chokes on."""
    first = _FIRST_ELEMENT.search(data)
    if first and first.start() > MAX_HEAD:
        raise SourceError(f"there are more than {MAX_HEAD} bytes before the first element", _NOT_READ)
    _refuse_long_spans(data)
    walk = _Walk()
    try:
        walk.parser.Parse(data, True)
    except _Enough:
        return Survey(_closed(data, walk.whole), crowded=True)
    except expat.ExpatError as error:
        fault = expat.ErrorString(error.code) or "unreadable"
        if error.code in _ENDS_TOO_EARLY and walk.whole is not None:
            return Survey(_closed(data, walk.whole), fault, error.lineno, truncated=True)
        truncated = error.code in _ENDS_TOO_EARLY or not _ROOT_END.search(data)
        tags = [match[1] for match in _ENTRY_TAGS.finditer(data)] if truncated else []
        return Survey(data, fault, error.lineno, truncated, half=bool(tags) and not tags[-1])
    return Survey(data)


class _Enough(Exception):  # noqa: N818 - not an error: the limit of entries is reached
    pass


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place between entries: where a tag starts, whether to go behind it, and what is open there."""

    offset: int
    behind: bool
    open: tuple[str, ...]


class _Walk:
    """The state of one pass: ``whole`` marks where the last whole entry ends, or the first one starts."""

    def __init__(self) -> None:
        self.whole: _Mark | None = None
        self._open: list[str] = []
        self._local: dict[str, str] = {}
        self._depth_of_entries = 0
        self._entries = 0
        self._categories = 0
        self.parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self.parser.namespace_prefixes = True
        self.parser.ordered_attributes = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, attributes: list[str]) -> None:
        depth = len(self._open)
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            raise self._refused(f"an element has more than {MAX_ATTRIBUTES} attributes")
        if depth >= MAX_DEPTH:
            raise self._refused(f"elements stand more than {MAX_DEPTH} deep in each other")
        local = self._local.get(name) or self._local.setdefault(name, _local(name))
        if local in _ENTRIES:
            self._start_entry(depth)
        elif local in _CATEGORIES:
            self._categories += 1
            if self._categories > MAX_CATEGORIES:
                raise self._refused(f"an entry has more than {MAX_CATEGORIES} categories")
        self._open.append(name)

    def _start_entry(self, depth: int) -> None:
        if not self._depth_of_entries and depth:
            self._depth_of_entries = depth
            self.whole = _Mark(self.parser.CurrentByteIndex, False, tuple(self._open))
        if depth == self._depth_of_entries:
            self._categories = 0
            if self._entries == MAX_ENTRIES:
                raise _Enough

    def _end(self, name: str) -> None:
        self._open.pop()
        if len(self._open) == self._depth_of_entries and self._local[name] in _ENTRIES:
            self._entries += 1
            self.whole = _Mark(self.parser.CurrentByteIndex, True, tuple(self._open))

    def _refused(self, what: str) -> SourceError:
        return SourceError(f"{what} (line {self.parser.CurrentLineNumber})", _NOT_READ)


def _refuse_long_spans(data: bytes) -> None:
    """Texts in which feedparser looks for mail addresses or keywords; both take quadratic time."""
    starts: list[int] = []
    for match in _SPANS.finditer(data):
        if not match[1]:
            starts.append(match.start())
        elif starts and match.start() - starts.pop() > MAX_SPAN:
            name = match[2].decode()
            raise SourceError(f"an element {name!r} holds more than {MAX_SPAN} bytes", _NOT_READ)


def _closed(data: bytes, mark: _Mark | None) -> bytes:
    if mark is None:
        return data
    end = data.find(b">", mark.offset) + 1 if mark.behind else mark.offset
    return data[:end] + "".join(f"</{_qualified(name)}>" for name in reversed(mark.open)).encode()


def _local(name: str) -> str:
    parts = name.split(" ")
    return parts[1 if len(parts) > 1 else 0].lower()


def _qualified(name: str) -> str:
    parts = name.split(" ")
    if len(parts) == 3:
        return f"{parts[2]}:{parts[1]}"
    return parts[-1]
