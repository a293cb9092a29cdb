"""Looks over an XML document before it is parsed: is it whole, is it bounded, and where are its entries.

One pass of expat, a small part of what parsing costs. feedparser takes quadratic time for crowds of attributes,
categories or letters: some are suspicious, and more are refused. A body that ends too early is cut behind its
last whole entry. Where entries can be told from the rest without doubt, an outline says which bytes are whose.
"""

from __future__ import annotations

import re
from html import unescape
from xml.parsers import expat

from msgspec import Struct

from feedbot.errors import SourceError
from feedbot.sources.feed.parsed import MAX_ENTRIES

SUSPICIOUS = 50
"""Attributes of an element, levels of elements or categories of an entry that few feeds have."""
MAX_DEPTH = 500
MAX_ATTRIBUTES = 500
MAX_CATEGORIES = 1_000
MAX_WORD = 2_000
LONG_WORD = 200
MAX_HEAD = 64_000

_AMPLIFIED = 43  # XML_ERROR_AMPLIFICATION_LIMIT_BREACH, which pyexpat has no name for
_NOT_READ = "no feed is written like that; it is not read"
_ENTRIES = frozenset({"item", "entry"})
_PARENTS = frozenset({"channel", "feed", "rdf"})
# What feeds stamp anew into every answer, and RSS 1.0's table of contents: nothing of it is seen in an entry.
_VOLATILE = frozenset(
    "lastbuilddate pubdate updated modified date generator ttl items comments "
    "totalresults startindex itemsperpage updatebase".split()
)
_XML = "http://www.w3.org/XML/1998/namespace"
_INHERITED = frozenset({"base", "lang", f"{_XML} base xml", f"{_XML} lang xml"})
# What makes tags, and what holds a list of them.
_CATEGORIES = frozenset({"category", "subject"})
_LISTS = frozenset({"keywords", "tags"})
_PEOPLE = frozenset({"author", "creator", "managingeditor", "webmaster", "publisher", "owner"})
_OF_INTEREST = _ENTRIES | _VOLATILE | _CATEGORIES | _LISTS | _PEOPLE | {"div"}
_COMMA = re.compile(rb",|&#0*44;|&#x0*2[cC];")
_FIRST_ELEMENT = re.compile(rb"<\w")
_LONG_ENTITY = re.compile(rb"<!ENTITY[^<>\"']*(?:\"[^\"]{100}|'[^']{100})")
_ENTRY_TAGS = re.compile(rb"<(/?)(?:[\w.-]+:)?(?:item|entry)\b", re.IGNORECASE)
_ROOT_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_PEOPLE_TAGS = re.compile(rb"<(/?)(?:[\w.-]+:)?(?:%s)\b" % "|".join(_PEOPLE).encode(), re.IGNORECASE)
_MARKUP = re.compile(rb"<!\[CDATA\[|\]\]>|<[^<>]*>")
_WORD = re.compile(rb"(?<![\w.+&;#-])[\w.+&;#-]{%d,}" % LONG_WORD)
_ENDS_TOO_EARLY = frozenset({
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
})  # fmt: skip


Ranges = tuple[tuple[int, int], ...]
"""Places in a document: where each starts, and where what follows it does."""


class Outline(Struct, frozen=True):
    """Where the entries are, and what of the rest (the frame) may differ in every answer: stamps and comments."""

    entries: Ranges
    volatile: Ranges


class Survey(Struct, frozen=True, kw_only=True):
    """``part`` is what to parse: the document, or as much of it as is whole and within the limit, closed again.

    ``fault`` says why the document is not well-formed ("" where it is), in ``line``. ``truncated``: it ends
    too early. ``half``: the last entry of ``part`` may be half of one. ``crowded``: there were too many entries.
    ``suspicious``: to parse it may take far more time than its size tells. ``outline``: None where an entry
    cannot be read without what stands before it, or what is one is open to doubt.
    """

    part: bytes
    fault: str = ""
    line: int = 0
    truncated: bool = False
    half: bool = False
    crowded: bool = False
    suspicious: bool = False
    outline: Outline | None = None


def survey(data: bytes) -> Survey:
    """Look over UTF-8 without a declaration. Raises SourceError for what nobody writes and parsing chokes on."""
    first = _FIRST_ELEMENT.search(data)
    head = data[: first.start()] if first else b""
    _refuse_long_head(head)
    walk = _Walk(data)
    # What an entity stands for has no place of its own in the document, and may stand there often.
    walk.suspicious = entities = b"<!ENTITY" in head
    try:
        walk.through()
    except _EnoughError:
        return Survey(part=_closed(data, walk.whole), crowded=True, suspicious=True)
    except expat.ExpatError as error:
        return _faulty(data, walk, error)
    return Survey(part=data, suspicious=walk.suspicious, outline=None if entities else walk.outline())


def _refuse_long_head(head: bytes) -> None:
    if len(head) > MAX_HEAD:
        raise SourceError(f"there are more than {MAX_HEAD} bytes before the first element", _NOT_READ)
    if _LONG_ENTITY.search(head):
        raise SourceError("the document type declares long entities", _NOT_READ)


def _faulty(data: bytes, walk: _Walk, error: expat.ExpatError) -> Survey:
    _refuse_long_words(data)
    fault = expat.ErrorString(error.code) or "unreadable"
    if error.code == _AMPLIFIED:
        raise SourceError("its entities stand for far more than it holds", "it is made to be slow, and not read")
    if error.code in _ENDS_TOO_EARLY and walk.whole is not None:
        part = _closed(data, walk.whole)
        return Survey(part=part, fault=fault, line=error.lineno, truncated=True, suspicious=walk.suspicious)
    truncated = error.code in _ENDS_TOO_EARLY or not _ROOT_END.search(data)
    tags = [match[1] for match in _ENTRY_TAGS.finditer(data)] if truncated else []
    half = bool(tags) and not tags[-1]
    return Survey(part=data, fault=fault, line=error.lineno, truncated=truncated, half=half, suspicious=True)


def _refuse_long_words(data: bytes) -> None:
    starts: list[int] = []
    left = 2 * len(data)  # names may stand in each other, which would be looked at again and again
    for match in _PEOPLE_TAGS.finditer(data):
        if not match[1]:
            starts.append(match.end())
        elif starts:
            left -= match.start() - starts[-1]
            if left < 0:
                raise SourceError("the names of authors stand in each other", _NOT_READ)
            _refuse_long_word(data[starts.pop() : match.start()])


def _refuse_long_word(name: bytes) -> bool:
    """Whether the name of a person has a long word; feedparser looks for a mail address there in quadratic time.

    Raises SourceError for one that does not end.
    """
    if len(name) <= LONG_WORD:
        return False
    text = unescape(_MARKUP.sub(b"", name).decode("utf-8", "replace")).encode("ascii", "replace")
    longest = max(map(len, _WORD.findall(text)), default=0)
    if longest > MAX_WORD:
        raise SourceError(f"the name of an author has a word of more than {MAX_WORD} letters", _NOT_READ)
    return longest > 0


class _EnoughError(Exception):
    """The limit of entries is reached."""


class _Mark(Struct, frozen=True):
    """A place between entries, and what is open there."""

    offset: int
    open: tuple[str, ...]


class _Walk:
    """The state of one pass: ``whole`` marks where the last whole entry ends, or the first one starts."""

    def __init__(self, data: bytes) -> None:
        self.whole: _Mark | None = None
        self.suspicious = False
        self._data = data
        self._open: list[str] = []
        self._local: dict[str, str] = {}
        self._ordinary: dict[str, bool] = {}
        self._depth_of_entries = 0
        self._entries: list[tuple[int, int]] = []
        self._entry = -1  # where the entry that is open starts
        self._categories = 0
        self._volatile: list[tuple[int, int]] = []
        self._stamp = (-1, 0)  # where the volatile element that is open starts, and how deep
        self._person = (-1, 0)  # likewise the person
        self._list = (-1, 0)  # likewise the list of tags
        self._plain = True
        self._parent_closed = False
        self._inherits = False
        self._leaks = False
        self._last = 0  # how deep the element stands that started last; below zero, less one, where it is of XML
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.namespace_prefixes = True
        self._parser.ordered_attributes = True

    def through(self) -> None:
        """Make the pass. Raises ExpatError where the document is not well-formed."""
        parser = self._parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CommentHandler = self._comment
        try:
            parser.Parse(self._data, True)
        finally:  # the two would keep each other, and the document, in memory
            parser.StartElementHandler = parser.EndElementHandler = parser.CommentHandler = None

    def outline(self) -> Outline | None:
        """Where the entries are. None where one is inside another, stands elsewhere than its fellows, or leaks.

        feedparser forgets to end a ``div`` that stands unescaped in HTML, so that what such an entry says of its
        base and language counts for the entries after it, too.
        """
        if not self._plain or (self._inherits and self._leaks):
            return None
        return Outline(tuple(self._entries), tuple(self._volatile))

    def _start(self, name: str, attributes: list[str]) -> None:
        depth = len(self._open)
        # Nearly all elements are of no interest, and each step costs as much as all of expat's own.
        if not self._ordinary.get(name) or attributes or depth > SUSPICIOUS:
            self._look_at(name, attributes, depth)
        else:
            self._last = depth
        self._open.append(name)

    def _look_at(self, name: str, attributes: list[str], depth: int) -> None:
        if depth > SUSPICIOUS or len(attributes) > 2 * SUSPICIOUS:
            self._judge(depth, len(attributes) // 2)
        local = self._local.get(name) or self._noted(name)
        if local in _ENTRIES:
            self._start_entry(depth)
        elif self._entry < 0:
            if local in _VOLATILE and self._stamp[0] < 0 and depth and self._local[self._open[-1]] in _PARENTS:
                self._stamp = (self._parser.CurrentByteIndex, depth)
        elif local in _CATEGORIES:
            self._count_categories(1)
        elif local == "div" and self._last == depth - 1:
            self._leaks = True
        if local in _PEOPLE and self._person[0] < 0:
            self._person = (self._parser.CurrentByteIndex, depth)
        if local in _LISTS and self._list[0] < 0:
            self._list = (self._parser.CurrentByteIndex, depth)
        self._last = depth
        if attributes:
            self._inherits = self._inherits or (self._entry >= 0 and not _INHERITED.isdisjoint(attributes))
            if _type(attributes).endswith(("xml", "xhtml")):
                self._last = -1 - depth

    def _noted(self, name: str) -> str:
        """The name of an element without its namespace."""
        local = self._local[name] = _local(name)
        self._ordinary[name] = local not in _OF_INTEREST
        return local

    def _count_categories(self, number: int) -> None:
        self._categories += number
        if self._categories > SUSPICIOUS:
            self._judge(0, 0)

    def _judge(self, depth: int, attributes: int) -> None:
        self.suspicious = True
        if depth > MAX_DEPTH:
            raise self._refused(f"elements stand more than {MAX_DEPTH} deep in each other")
        if attributes > MAX_ATTRIBUTES:
            raise self._refused(f"an element has more than {MAX_ATTRIBUTES} attributes")
        if self._categories > MAX_CATEGORIES:
            raise self._refused(f"an entry has more than {MAX_CATEGORIES} categories")

    def _refused(self, what: str) -> SourceError:
        return SourceError(f"{what} (line {self._parser.CurrentLineNumber})", _NOT_READ)

    def _start_entry(self, depth: int) -> None:
        if not self._depth_of_entries and depth:
            self._depth_of_entries = depth
            self.whole = _Mark(self._parser.CurrentByteIndex, tuple(self._open))
        if depth and depth == self._depth_of_entries:
            self._categories = 0
            if len(self._entries) == MAX_ENTRIES:
                raise _EnoughError
            self._entry = self._parser.CurrentByteIndex
            amiss = self._parent_closed or self._stamp[0] >= 0 or self._local[self._open[-1]] not in _PARENTS
            self._plain = self._plain and not amiss
        else:
            self._plain = False

    def _end(self, name: str) -> None:
        self._open.pop()
        depth = len(self._open)
        if depth <= self._depth_of_entries:
            self._end_above(name, depth)
        if self._ordinary[name]:
            return
        if self._person[0] >= 0 and depth == self._person[1]:
            name_of_person = self._data[self._person[0] : self._parser.CurrentByteIndex]
            self.suspicious = _refuse_long_word(name_of_person) or self.suspicious
            self._person = (-1, 0)
        if self._list[0] >= 0 and depth == self._list[1]:
            terms = self._data[self._list[0] : self._parser.CurrentByteIndex]
            self._count_categories(1 + len(_COMMA.findall(terms)))
            self._list = (-1, 0)
        if self._stamp[0] >= 0 and depth == self._stamp[1]:
            self._volatile.append((self._stamp[0], self._behind(name)))
            self._stamp = (-1, 0)

    def _end_above(self, name: str, depth: int) -> None:
        """An entry ends, or what holds entries."""
        if depth < self._depth_of_entries:
            self._parent_closed = True
        elif depth and self._local[name] in _ENTRIES:
            behind = self._behind(name)
            self._entries.append((self._entry, behind))
            self._entry = -1
            self.whole = _Mark(behind, tuple(self._open))

    def _comment(self, _text: str) -> None:
        if self._entry < 0 and self._stamp[0] < 0:
            start = self._parser.CurrentByteIndex
            self._volatile.append((start, self._data.find(b"-->", start) + 3))

    def _behind(self, name: str) -> int:
        """Where the element that ends now is behind: of ``<a/>``, expat tells that; else, where ``</a>`` starts."""
        at = self._parser.CurrentByteIndex
        end = self._data.find(b">", at)
        is_tag = self._data.startswith(b"</", at) and self._data[at + 2 : end].rstrip() == _qualified(name).encode()
        return end + 1 if is_tag else at


def _closed(data: bytes, mark: _Mark | None) -> bytes:
    """The document up to a place between entries, with the elements closed that are open there."""
    if mark is None:
        return data
    return data[: mark.offset] + "".join(f"</{_qualified(name)}>" for name in reversed(mark.open)).encode()


def _type(attributes: list[str]) -> str:
    """What an element says that its content is."""
    if "type" not in attributes:
        return ""
    return dict(zip(attributes[::2], attributes[1::2], strict=True)).get("type", "").lower()


def _local(name: str) -> str:
    parts = name.split(" ")
    return parts[1 if len(parts) > 1 else 0].lower()


def _qualified(name: str) -> str:
    parts = name.split(" ")
    return f"{parts[2]}:{parts[1]}" if len(parts) == 3 else parts[-1]
