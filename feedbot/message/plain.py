"""HTML as text that is good to read in a mail: wrapped, with lists, quotes, code and tables as such.

Links become numbers, with their addresses listed at the end.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from feedbot.core.text import storable
from feedbot.message.tables import Table

WIDTH = 76
_SHOWN_INDENTS = 8  # deeper ones are not shown, so that nesting cannot blow up the text
_MAX_INDENTS = 250
_MIN_ROOM = 30
_LISTS = frozenset(("ul", "ol"))
_CELLS = frozenset(("td", "th", "caption"))
_MEDIA = frozenset(("audio", "video", "source"))
_PARAGRAPHS = frozenset(
    "address article aside blockquote dl figure footer h1 h2 h3 h4 h5 h6 header hr main nav p pre section table".split()
)
_LINES = frozenset("center dd details div dt figcaption li summary tr td th caption ul ol".split())
_INDENTS = {"blockquote": ("> ", "> "), "dd": ("    ", "    ")}
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BREAK = "\0"


def to_plain(content: str) -> str:
    """Clean HTML as lines of up to 76 characters (longer only where a word or a line of code is)."""
    reader = _Reader()
    reader.feed(storable(content))
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Gathers inline text in ``words``, and turns it into ``lines`` wherever a block starts or ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.words: list[str] = []
        self.gap: str | None = None  # an empty line is due before the next one; what it is to start with
        self.indents: list[tuple[str, str, str]] = []  # tag, what its first line starts with, what the others do
        self.counters: list[int | None] = []  # a list's next number, None for bullets
        self.links: list[tuple[str, int]] = []  # address, where in words its text starts
        self.addresses: dict[str, int] = {}
        self.pre = 0
        self.table: Table | None = None  # the outermost one; those within it are text of its cells
        self.inner_tables = 0

    def text(self) -> str:
        self._end_table()
        self._flush()
        references = [f"[{number}] {address}" for address, number in self.addresses.items()]
        lines = [*self.lines, "", *references] if references else self.lines
        return "\n".join(line.rstrip() for line in lines).strip("\n")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if self.table is not None:
            self._start_in_table(tag)
        elif tag in _PARAGRAPHS or tag in _LISTS or tag in _LINES:
            self._flush()
            if self._stands_apart(tag):
                self._ask_gap()
            self._start_block(tag, values)
        self._start_inline(tag, values)

    def handle_endtag(self, tag: str) -> None:
        self._end_inline(tag)
        if self.table is not None:
            self._end_in_table(tag)
        elif tag in _PARAGRAPHS or tag in _LISTS or tag in _LINES:
            self._end_block(tag)

    def _start_inline(self, tag: str, values: dict[str, str]) -> None:
        if tag == "a":
            self.links.append((values.get("href", ""), len(self.words)))
        elif tag == "br":
            self.words.append(_BREAK)
        elif tag == "code" and not self.pre:
            self.words.append("`")
        elif tag == "q":
            self.words.append("“")
        elif tag == "img" and values.get("alt", "").strip():
            self.words.append(f"[image: {values['alt'].strip()}]")
        elif tag in _MEDIA and values.get("src"):
            self.words.append(f" [{tag}]{self._reference(values['src'])} ")

    def _end_inline(self, tag: str) -> None:
        if tag == "a" and self.links:
            self._end_link(*self.links.pop())
        elif tag == "code" and not self.pre:
            self.words.append("`")
        elif tag == "q":
            self.words.append("”")

    def _end_link(self, address: str, start: int) -> None:
        label = _collapse("".join(self.words[start:])).strip().rstrip("/")
        shown = address.removeprefix("mailto:")
        if not address.startswith(("http://", "https://", "mailto:")) or not shown:
            return
        if label not in (shown.rstrip("/"), shown.partition("://")[2].rstrip("/") or None):
            self.words.append(self._reference(shown))

    def _reference(self, address: str) -> str:
        number = self.addresses.setdefault("".join(address.split()), len(self.addresses) + 1)
        return f" [{number}]"

    def _start_block(self, tag: str, values: dict[str, str]) -> None:
        if tag in _LISTS:
            start = values.get("start", "")
            first = int(start) if re.fullmatch("[0-9]{1,6}", start) else 1
            self.counters.append(first if tag == "ol" else None)
        elif tag == "li":
            self._indent(tag, *self._bullet())
        elif tag in _INDENTS:
            self._indent(tag, *_INDENTS[tag])
        elif tag == "pre":
            self.pre += 1
        elif tag == "hr":
            self._emit(["-" * 20])
            self._ask_gap()
        elif tag == "table":
            self.table = Table()

    def _indent(self, tag: str, first: str, rest: str) -> None:
        if len(self.indents) < _MAX_INDENTS:
            self.indents.append((tag, first, rest))

    def _bullet(self) -> tuple[str, str]:
        number = self.counters[-1] if self.counters else None
        if number is None:
            return "- ", "  "
        self.counters[-1] = number + 1
        return f"{number}. ", " " * (len(str(number)) + 2)

    def _end_block(self, tag: str) -> None:
        lines = len(self.lines)
        self._flush()
        if len(self.lines) > lines and re.fullmatch("h[1-6]", tag):
            self._underline("=" if tag == "h1" else "-")
        if tag == "pre" and self.pre:
            self.pre -= 1
        elif tag in _LISTS and self.counters:
            self.counters.pop()
        if self.indents and self.indents[-1][0] == tag:
            self.indents.pop()
        if self._stands_apart(tag):
            self._ask_gap()

    def _stands_apart(self, tag: str) -> bool:
        """Whether empty lines go around a block; not around a list that stands in another."""
        return tag in _PARAGRAPHS or (tag in _LISTS and not self.counters)

    def _start_in_table(self, tag: str) -> None:
        if tag == "table":
            self.inner_tables += 1
        if self.inner_tables or tag not in (*_CELLS, "tr"):
            if tag in _PARAGRAPHS or tag in _LINES:
                self.words.append(" ")
        elif self.table is not None:
            self._forget_words()
            if tag == "tr":
                self.table.start_row()

    def _end_in_table(self, tag: str) -> None:
        if tag == "table" and self.inner_tables:
            self.inner_tables -= 1
        elif tag == "table":
            self._end_table()
        elif tag in _CELLS and not self.inner_tables and self.table is not None:
            text = _collapse("".join(self.words).replace(_BREAK, " ")).strip()
            self._forget_words()
            if tag == "caption":
                self._emit(_wrapped(text, self._room()))
            else:
                self.table.add(text, tag == "th")

    def _end_table(self) -> None:
        if self.table is None:
            return
        lines = self.table.lines(self._room())
        self.table, self.inner_tables = None, 0
        self._forget_words()
        self._emit(lines)
        self._ask_gap()

    def _flush(self) -> None:
        text = "".join(self.words)
        self._forget_words()
        if self.pre:
            code = text.replace(_BREAK, "\n").expandtabs(4).strip("\n")
            self._emit(["    " + line for line in code.split("\n")] if code.strip() else [])
            return
        lines: list[str] = []
        for line in _collapse(text).strip(" " + _BREAK).split(_BREAK):
            lines += _wrapped(line.strip(" "), self._room())
        self._emit(lines if any(lines) else [])

    def _forget_words(self) -> None:
        self.words = []
        self.links = [(address, 0) for address, _ in self.links]

    def _emit(self, lines: list[str]) -> None:
        if not lines:
            return
        if self.gap is not None and self.lines:
            self.lines.append(self.gap)
        self.gap = None
        first = "".join(indent[1] for indent in self.indents[:_SHOWN_INDENTS])
        rest = self._prefix()
        if first != rest:  # bullets stand before their first line only
            self.indents = [(tag, rest, rest) for tag, _, rest in self.indents]
        self.lines += [first + lines[0], *(rest + line for line in lines[1:])]

    def _underline(self, mark: str) -> None:
        prefix = self._prefix()
        length = min(len(self.lines[-1]), WIDTH) - len(prefix)
        self.lines.append(prefix + mark * max(length, 3))

    def _ask_gap(self) -> None:
        prefix = self._prefix().rstrip()
        if self.gap is None or len(prefix) < len(self.gap):
            self.gap = prefix

    def _room(self) -> int:
        return max(WIDTH - len(self._prefix()), _MIN_ROOM)

    def _prefix(self) -> str:
        return "".join(indent[2] for indent in self.indents[:_SHOWN_INDENTS])


def _collapse(text: str) -> str:
    return _SPACE.sub(" ", text)


def _wrapped(line: str, room: int) -> list[str]:
    """Lines of at most ``room``, broken at spaces; longer only where a word is."""
    lines, start = [], 0
    while len(line) - start > room:
        end = line.rfind(" ", start, start + room + 1)
        end = end if end > start else line.find(" ", start + room)
        if end < 0:
            break
        lines.append(line[start:end])
        start = end + 1
    return [*lines, line[start:]]
