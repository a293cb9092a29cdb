"""Finds components in Markdown, in whatever brackets they are written, by rules of Markdown's own parser.

Code is never touched: where it is, the parser does not ask these rules.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from msgspec import Struct, field


class Markup(str):
    """HTML, where a text would be escaped."""

    __slots__ = ()


MARKER = Markup("<!-- more -->")
MAX_TAG = 4000
"""Characters of one tag."""
_MAX_MISSES = 200
_MAX_SEARCHED = 10_000_000
_ATTRIBUTE = re.compile(
    r"""(?:([\w$@:.-]+)(?:\s*=\s*|:\s+))?"""
    r"""(?:"((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)'|`([^`]*+)`|([^\s"'`,=]+))""",
    re.DOTALL,
)
_WITHIN = r"(?>\{\{[^{}]*\}\}|\{%[^%]*%\}|\{)"
_ELEMENT = re.compile(
    rf"""</?[a-zA-Z][\w-]*(?=[\s/>])(?:[^<>"'{{]|{_WITHIN}|"(?:[^"{{]|{_WITHIN})*+"|'(?:[^'{{]|{_WITHIN})*+')*+>"""
)
_CODE = re.compile(r"<(pre|code|script|style|textarea)\b|<!--", re.IGNORECASE)


class Tag(Struct, frozen=True, eq=False):
    """A component as it is written: one that opens, closes or stands alone.

    ``scope`` and ``name`` tell what closes it. Attributes without a name are numbered from "0".
    ``source`` is shown where nothing closes or opens it; of a file that is included it is the name.
    """

    name: str
    kind: Literal["open", "close", "void"]
    attributes: Mapping[str, str] = field(default_factory=dict)
    scope: str = ""
    line: int = 0
    source: str = ""


Found = tuple[int, Tag | str | None]
"""Where it ends, and what it is: a component, a text to show (or ``Markup``), or nothing."""


class Post:
    """What one rendering knows and gathers. ``line`` is the line of the body that is read, from 0."""

    def __init__(self, by_name: Callable[[str], str | None]) -> None:
        self.by_name = by_name
        self.imports: dict[str, str] = {}
        self.warnings: dict[str, int] = {}
        self.dropped = 0
        self.line = 0
        self.deep = 0
        self.tagged = False
        self.literal_lines: list[range] = []
        self._misses: Counter[str] = Counter()
        self._searched = 0

    def warn(self, sentence: str, line: int | None = None) -> None:
        """Tell a person of something, once."""
        self.warnings.setdefault(sentence, self.line if line is None else line)

    def address(self, name: str) -> str:
        """The address of the post of a name, which may lead to a part of it (``name#part``), else a warning and ""."""
        post, hash_mark, part = name.partition("#")
        found = self.by_name(post) if post else ""
        if found is None:
            self.warn(f'there is no post "{post}" to link to')
            return ""
        return f"{found}{hash_mark}{part}"

    def match(self, pattern: re.Pattern[str], source: str, position: int, limit: int) -> re.Match[str] | None:
        """Match here, unless that was in vain too often: in a hostile post each bracket costs a look ahead."""
        if self._misses[pattern.pattern] > _MAX_MISSES:
            return None
        match = pattern.match(source, position, min(position + MAX_TAG, limit))
        self._misses[pattern.pattern] += match is None
        return match

    def search(self, pattern: re.Pattern[str], source: str, position: int, limit: int) -> re.Match[str] | None:
        """Find from here on, as long as the post has not had too much searched already."""
        if self._searched > _MAX_SEARCHED:
            return None
        match = pattern.search(source, position, limit)
        self._searched += (limit if match is None else match.end()) - position
        return match


class Desk:
    """What the rules of a parser share: the post that is being rendered."""

    def __init__(self) -> None:
        self.post = Post(lambda _: None)


class Notation(Protocol):
    """One way to write components; ``lead`` is what each of them starts with."""

    lead: str

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        """What stands at a position, which starts with ``lead``; None for nothing of this notation."""


def tags_plugin(
    md: MarkdownIt, desk: Desk, notations: Sequence[Notation], stands_in_text: Callable[[str], bool]
) -> None:
    """Read components. ``stands_in_text`` tells of a name whether it is shown within a line of text."""
    first = frozenset(notation.lead[0] for notation in notations)

    def scan(source: str, position: int, limit: int) -> Found | None:
        for notation in notations:
            if source.startswith(notation.lead, position):
                found = notation.scan(source, position, limit, desk.post)
                if found is not None:
                    return found
        return None

    def block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        """Components that have their lines to themselves."""
        position = state.bMarks[start] + state.tShift[start]
        following = state.src[position : position + 1]
        if following not in first or state.is_code_block(start) or _is_literal(desk.post, start):
            return False
        # In a quote or a list, further lines have markers of their own: only the first is looked at.
        limit = state.eMarks[end - 1] if state.level == 0 else state.eMarks[start]
        desk.post.line = start
        pieces: list[Tag | str | None] = []
        while following not in ("", "\n"):
            found = scan(state.src, position, limit) if following in first else None
            if found is None or (isinstance(found[1], str) and found[1] != MARKER):
                return False
            if isinstance(found[1], Tag) and found[1].scope != "jsx" and stands_in_text(found[1].name):
                return False
            pieces.append(found[1])
            position = _after_blanks(state.src, found[0])
            following = state.src[position : position + 1]
        if not silent:
            state.line = start + 1 + state.src.count("\n", state.bMarks[start], position)
            for piece in pieces:
                if piece == MARKER:
                    state.push("html_block", "", 0).content = MARKER
                elif isinstance(piece, Tag):
                    push_tag(state, piece, desk.post)
        return True

    def inline(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] not in first or _is_literal(desk.post, desk.post.line):
            return False
        found = scan(state.src, state.pos, state.posMax)
        if found is None:
            return False
        end, piece = found
        if not silent and isinstance(piece, Tag):
            state.push("tag", "", 0).meta["pieces"] = [piece]
        elif not silent and isinstance(piece, Markup):
            state.push("html_inline", "", 0).content = piece
        elif not silent and isinstance(piece, str):
            state.append_pending(piece)
        desk.post.tagged = True
        state.pos = end
        return True

    def element(state: StateInline, silent: bool) -> bool:
        """An HTML element with tags in its attributes, which Markdown's rule does not take for one."""
        if state.src[state.pos] != "<" or state.src.find("{", state.pos, state.pos + MAX_TAG) < 0:
            return False
        match = desk.post.match(_ELEMENT, state.src, state.pos, state.posMax)
        if match is None or not _may_hold(match[0], leads):
            return False
        if not silent:
            state.push("html_inline", "", 0).content = match[0]
        state.pos = match.end()
        return True

    leads = [notation.lead for notation in notations if notation.lead.startswith("{") and len(notation.lead) > 1]
    md.block.ruler.before("table", "tags", block, {"alt": ["paragraph", "reference", "blockquote"]})
    md.inline.ruler.before("autolink", "tags", inline)
    if leads:
        md.inline.ruler.before("html_inline", "tagged_element", element)
    md.core.ruler.after("inline", "tags_in_html", lambda state: _in_html(state.tokens, desk.post, notations, scan))


def push_tag(state: StateBlock, tag: Tag, post: Post) -> None:
    """Put a component among the blocks."""
    state.push("tag", "", 0).meta["pieces"] = [tag]
    post.tagged = True


def attributes(source: str) -> dict[str, str]:
    """The attributes of a tag: ``name="value"`` and ``name: value``; those without a name are numbered."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(source):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        if match[2] is not None or match[3] is not None:
            value = re.sub(r"\\(.)", r"\1", value)
        found.setdefault(match[1] or str(sum(name.isdigit() for name in found)), value)
    return found


def _in_html(tokens: Iterable[Token], post: Post, notations: Sequence[Notation],
             scan: Callable[[str, int, int], Found | None]) -> None:  # fmt: skip
    """Part raw HTML at the tags within, unless they are in code."""
    leads = [notation.lead for notation in notations]
    for block in tokens:
        for token in (block, *(block.children or ())):
            if token.type in ("html_block", "html_inline") and token.content != MARKER:
                if not _may_hold(token.content, leads):
                    continue
                post.line = block.map[0] if block.map else post.line
                pieces = _pieces(token.content, leads, scan)
                if any(isinstance(piece, Tag) for piece in pieces):
                    token.meta["pieces"], post.tagged = pieces, True
                else:
                    token.content = "".join(str(piece) for piece in pieces)


def _pieces(content: str, leads: Sequence[str], scan: Callable[[str, int, int], Found | None]) -> list[Tag | str]:
    pieces: list[Tag | str] = []
    opening = re.compile("|".join(map(re.escape, leads)))
    position = 0
    for start, end in (*_code(content), (len(content), len(content))):
        while (match := opening.search(content, position, start)) is not None:
            found = scan(content, match.start(), start)
            pieces.append(content[position : match.start() + (found is None)])
            position = match.start() + 1 if found is None else found[0]
            if found is not None and found[1] is not None:
                shown = found[1] if isinstance(found[1], Tag | Markup) else html.escape(found[1])
                pieces.append(shown)
        pieces.append(content[position:end])
        position = end
    return pieces


def _code(content: str) -> Iterator[tuple[int, int]]:
    """Where raw HTML has code, scripts and comments."""
    lower = content.lower()
    last: dict[str, int] = {}
    end = 0
    for match in _CODE.finditer(content):
        if match.start() >= end:
            close = f"</{match[1].lower()}" if match[1] else "-->"
            if close not in last:
                last[close] = lower.rfind(close)
            if last[close] > match.start():
                end = lower.find(close, match.start())
                yield match.start(), end


def _is_literal(post: Post, line: int) -> bool:
    return any(line in lines for lines in post.literal_lines)


def _may_hold(text: str, leads: Iterable[str]) -> bool:
    return any(lead in text for lead in leads)


def _after_blanks(source: str, position: int) -> int:
    while source[position : position + 1] in (" ", "\t"):
        position += 1
    return position
