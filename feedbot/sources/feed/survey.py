"""Looks over an XML document before it is parsed: is it whole, and is it bounded.

One pass of expat, a small part of what parsing costs. feedparser takes quadratic time for crowds of attributes,
categories or letters: some are suspicious, and more are refused. A body that ends too early is cut behind its
last whole entry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from xml.parsers import expat

from feedbot.errors import SourceError
from feedbot.sources.feed.parsed import MAX_ENTRIES

SUSPICIOUS = 50
"""Attributes of an element, levels of elements or categories of an entry that few feeds have."""
MAX_DEPTH = 500
MAX_ATTRIBUTES = 500
MAX_CATEGORIES = 1_000
MAX_WORD = 2_000
MAX_HEAD = 64_000

_NOT_READ = "no feed is written like that; it is not read"
_ENTRIES = frozenset({"item", "entry"})
# What makes tags; one element of keywords may make many.
_CATEGORIES = {"category": 1, "subject": 1, "keywords": 10, "tags": 10}
_FIRST_ELEMENT = re.compile(rb"<\w")
_LONG_ENTITY = re.compile(rb"<!ENTITY[^<>\"']*(?:\"[^\"]{100}|'[^']{100})")
_ENTRY_TAGS = re.compile(rb"<(/?)(?:[\w.-]+:)?(?:item|entry)\b", re.IGNORECASE)
_ROOT_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_PEOPLE = re.compile(rb"<(/?)(?:[\w.-]+:)?(?:author|creator|managingeditor|webmaster|publisher|owner)\b", re.IGNORECASE)
_MARKUP = re.compile(rb"<!\[CDATA\[|\]\]>|<[^<>]*>")
_WORD = re.compile(rb"(?<![\w.+&;#-])[\w.+&;#-]{%d}" % MAX_WORD)
_ENDS_TOO_EARLY = frozenset({
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """``part`` is what to parse: the document, or as much of it as is whole and within the limit, closed again.

    ``fault`` says why the document is not well-formed ("" where it is), in ``line``. ``truncated``: it ends
    too early. ``half``: the last entry of ``part`` may be half of one. ``crowded``: there were too many entries.
    ``suspicious``: to parse it may take far more time than its size tells.
    """

    part: bytes
    fault: str = ""
    line: int = 0
    truncated: bool = False
    half: bool = False
    crowded: bool = False
    suspicious: bool = False


def survey(data: bytes) -> Survey:
    """Look over UTF-8 without a declaration. Raises SourceError for what nobody writes and parsing chokes on."""
    first = _FIRST_ELEMENT.search(data)
    head = data[: first.start()] if first else b""
    _refuse_long_head(head)
    _refuse_long_words(data)
    walk = _Walk()
    try:
        walk.parser.Parse(data, True)
    except _EnoughError:
        return Survey(part=_closed(data, walk.whole), crowded=True, suspicious=True)
    except expat.ExpatError as error:
        return _faulty(data, walk, error)
    return Survey(part=data, suspicious=walk.suspicious or b"<!ENTITY" in head)


def _refuse_long_head(head: bytes) -> None:
    if len(head) > MAX_HEAD:
        raise SourceError(f"there are more than {MAX_HEAD} bytes before the first element", _NOT_READ)
    if _LONG_ENTITY.search(head):
        raise SourceError("the document type declares long entities", _NOT_READ)


def _refuse_long_words(data: bytes) -> None:
    """Names of people that are an endless word: feedparser looks for a mail address in one in quadratic time."""
    starts: list[int] = []
    for match in _PEOPLE.finditer(data):
        if not match[1]:
            starts.append(match.end())
        elif starts:
            text = data[starts.pop() : match.start()]
            if len(text) > MAX_WORD // 4 and _WORD.search(_unescaped(text)):
                raise SourceError(f"the name of an author has a word of more than {MAX_WORD} letters", _NOT_READ)


def _unescaped(text: bytes) -> bytes:
    return unescape(_MARKUP.sub(b"", text).decode("utf-8", "replace")).encode("ascii", "replace")


def _faulty(data: bytes, walk: _Walk, error: expat.ExpatError) -> Survey:
    fault = expat.ErrorString(error.code) or "unreadable"
    if error.code in _ENDS_TOO_EARLY and walk.whole is not None:
        part = _closed(data, walk.whole)
        return Survey(part=part, fault=fault, line=error.lineno, truncated=True, suspicious=walk.suspicious)
    truncated = error.code in _ENDS_TOO_EARLY or not _ROOT_END.search(data)
    tags = [match[1] for match in _ENTRY_TAGS.finditer(data)] if truncated else []
    half = bool(tags) and not tags[-1]
    return Survey(part=data, fault=fault, line=error.lineno, truncated=truncated, half=half, suspicious=True)


class _EnoughError(Exception):
    """The limit of entries is reached."""


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
        self.suspicious = False
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
        if depth > SUSPICIOUS or len(attributes) > 2 * SUSPICIOUS or self._categories > SUSPICIOUS:
            self._judge(depth, len(attributes) // 2)
        local = self._local.get(name) or self._local.setdefault(name, _local(name))
        if local in _ENTRIES:
            self._start_entry(depth)
        else:
            self._categories += _CATEGORIES.get(local, 0)
        self._open.append(name)

    def _judge(self, depth: int, attributes: int) -> None:
        self.suspicious = True
        if depth > MAX_DEPTH:
            raise self._refused(f"elements stand more than {MAX_DEPTH} deep in each other")
        if attributes > MAX_ATTRIBUTES:
            raise self._refused(f"an element has more than {MAX_ATTRIBUTES} attributes")
        if self._categories > MAX_CATEGORIES:
            raise self._refused(f"an entry has more than {MAX_CATEGORIES} categories")

    def _refused(self, what: str) -> SourceError:
        return SourceError(f"{what} (line {self.parser.CurrentLineNumber})", _NOT_READ)

    def _start_entry(self, depth: int) -> None:
        if not self._depth_of_entries and depth:
            self._depth_of_entries = depth
            self.whole = _Mark(self.parser.CurrentByteIndex, False, tuple(self._open))
        if depth == self._depth_of_entries:
            self._categories = 0
            if self._entries == MAX_ENTRIES:
                raise _EnoughError

    def _end(self, name: str) -> None:
        self._open.pop()
        if len(self._open) == self._depth_of_entries and self._local[name] in _ENTRIES:
            self._entries += 1
            self.whole = _Mark(self.parser.CurrentByteIndex, True, tuple(self._open))


def _closed(data: bytes, mark: _Mark | None) -> bytes:
    """The document up to a place between entries, with the elements closed that are open there."""
    if mark is None:
        return data
    end = data.find(b">", mark.offset) + 1 if mark.behind else mark.offset
    return data[:end] + "".join(f"</{_qualified(name)}>" for name in reversed(mark.open)).encode()


def _local(name: str) -> str:
    parts = name.split(" ")
    return parts[1 if len(parts) > 1 else 0].lower()


def _qualified(name: str) -> str:
    parts = name.split(" ")
    return f"{parts[2]}:{parts[1]}" if len(parts) == 3 else parts[-1]
