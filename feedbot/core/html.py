"""HTML of others, made safe to publish, and read as text.

One allow-list for everything that goes out: no scripts, styles, event handlers, forms, frames or SVG,
no ``javascript:`` or ``data:``. Relative addresses become absolute here too.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache

import nh3

from feedbot.core.address import ASSET_SCHEME, SAFE_SCHEMES, resolve
from feedbot.core.text import one_line, storable

MAX_HTML = 1_000_000
MAX_DEPTH = 250

_TAGS = frozenset(
    "a abbr acronym address article aside audio b bdi bdo big blockquote br caption center cite code col "
    "colgroup dd del details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i "
    "img ins kbd li main map area mark nav ol p picture pre q rp rt ruby s samp section small source span "
    "strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var video wbr".split()
)
_DROPPED_WHOLE = frozenset(
    "script style svg math template noscript iframe object embed applet frame frameset form select option "
    "textarea button head title canvas".split()
)
_ATTRIBUTES = {
    "*": {"title", "lang", "dir", "id"},
    "a": {"href", "hreflang"},
    "abbr": {"title"},
    "area": {"href", "alt", "coords", "shape"},
    "audio": {"src", "controls", "preload"},
    "blockquote": {"cite"},
    "code": {"class"},
    "col": {"span"},
    "colgroup": {"span"},
    "del": {"cite", "datetime"},
    "details": {"open"},
    "img": {"src", "srcset", "sizes", "alt", "width", "height", "loading"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "map": {"name"},
    "ol": {"start", "type", "reversed"},
    "q": {"cite"},
    "source": {"src", "srcset", "sizes", "type", "media"},
    "td": {"colspan", "rowspan", "headers", "align"},
    "th": {"colspan", "rowspan", "headers", "scope", "align"},
    "time": {"datetime"},
    "video": {"src", "controls", "poster", "width", "height", "preload"},
}
_BLOCK_NAMES = (
    "address|article|aside|blockquote|br|caption|center|dd|details|div|dl|dt|figcaption|figure|footer|"
    "h[1-6]|header|hr|li|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)
_BLOCKS = re.compile(rf"<(?=/?(?:{_BLOCK_NAMES})\b)", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"(</?(?:{_BLOCK_NAMES})\b[^<>]*>)", re.IGNORECASE)
_PREFORMATTED = re.compile(r"(</?pre\b[^<>]*>)", re.IGNORECASE)
_OPENING = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*?(/?)>")
_SPECIAL = (
    "|".join(sorted(_DROPPED_WHOLE))
    + "|table|thead|tbody|tfoot|tr|td|th|col|colgroup|caption|xmp|plaintext|noembed|noframes"
)
_SIMPLE = re.compile(
    rf"""</?(?!(?:{_SPECIAL})\b)[a-zA-Z][a-zA-Z0-9]*(?:\s(?:[^<>"']|"[^"<>]*"|'[^'<>]*')*+)?/?>""", re.IGNORECASE
)
_LOWER_BLOCKS, _LOWER_SIMPLE = re.compile(_BLOCKS.pattern), re.compile(_SIMPLE.pattern)
_CAPITAL = re.compile(r"</?[a-z0-9]*[A-Z\x80-\U0010ffff]")
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# What may open an element, and what certainly closes one: read faster than whole tags, and never taken for too flat.
_NOT_VOID = rf"(?!(?:{'|'.join(sorted(_VOID))})\b)"
_LEVEL = re.compile(rf"<(?:{_NOT_VOID}[a-zA-Z]|(/){_NOT_VOID}[a-z][a-z0-9]*+>)")
_NOT_TEXT = re.compile("[<>&\r\xa0]")  # what a parser of HTML may read or write in another way
_CLASS = re.compile(r"language-[\w+#.-]+|math")
_CANDIDATE = re.compile(r"\s*([^\s,]\S*[^\s,])(\s+[\d.]+[wx])?\s*(?:,|$)")

Rewrite = Callable[[str], str | None]

_absolute: ContextVar[Rewrite] = ContextVar("absolute")
"""How addresses are made absolute in what is cleaned just now: to make a cleaner for each takes too long."""


def clean(content: str, base: str = "", rewrite: Rewrite | None = None) -> str:
    """Make HTML safe to publish, with absolute addresses.

    ``base`` is the address that relative ones are read against; without one they are dropped.
    ``rewrite`` may give another address (None drops it) for each of an image, a link or a source.
    """
    content = bounded(storable(content))
    if not _NOT_TEXT.search(content):
        return content.strip()

    def absolute(address: str) -> str | None:
        if rewrite is not None:
            changed = rewrite(address)
            if changed != address:
                return changed
        return resolve(address, base)

    _absolute.set(absolute)
    return _cleaner(SAFE_SCHEMES | {ASSET_SCHEME} if rewrite else SAFE_SCHEMES).clean(content).strip()


def to_text(content: str) -> str:
    """What a reader sees of HTML, as one line of text."""
    content = bounded(storable(content))
    # To read names in either case takes three times as long, and hardly anybody writes them in capitals.
    blocks, simple = (_LOWER_BLOCKS, _LOWER_SIMPLE) if _CAPITAL.search(content) is None else (_BLOCKS, _SIMPLE)
    spaced = blocks.sub(" <", content)
    # Most HTML is tags and text alone; only what hides or moves text takes a parser, four times as slow.
    stripped = simple.sub("", spaced)
    if "<" in stripped:
        stripped = _parsed_text(spaced)
    return one_line(html.unescape(stripped))


def to_lines(content: str) -> list[str]:
    """What a reader sees of HTML, a line for each block that is not empty."""
    broken = _BLOCKS.sub("\n<", one_line(bounded(content)))
    stripped = _parsed_text(broken)
    lines = (one_line(html.unescape(line)) for line in stripped.split("\n"))
    return [line for line in lines if line]


@cache
def _cleaner(schemes: frozenset[str]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=schemes,
        link_rel=None,
    )


@cache
def _stripper() -> nh3.Cleaner:
    return nh3.Cleaner(tags=frozenset(), clean_content_tags=_DROPPED_WHOLE, attributes={})


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value that an attribute may have, None where it may not be there."""
    absolute = _absolute.get()
    if name == "srcset":
        return _srcset(value, absolute)
    if name in ("href", "src", "cite", "poster"):
        if tag == "a" and value.startswith("#"):
            return value
        return absolute(value)
    if name == "class":  # the language of code, for highlighters, and what is mathematics
        return value if _CLASS.fullmatch(value) else None
    return value


def _parsed_text(content: str) -> str:
    return _stripper().clean(content)


def folded(content: str) -> str:
    """HTML without the white space that no reader sees; within ``pre`` it stays."""
    parts: list[str] = []
    depth = 0
    for index, part in enumerate(_PREFORMATTED.split(content)):
        if index % 2:
            depth = max(0, depth - 1) if part.startswith("</") else depth + 1
        elif not depth:
            pieces = _BLOCK_TAG.split(part)
            part = "".join(piece if odd % 2 else " ".join(piece.split()) for odd, piece in enumerate(pieces))
        parts.append(part)
    return "".join(parts).strip()


def from_text(text: str) -> str:
    """HTML that shows plain text: escaped, a paragraph for each run of lines."""
    paragraphs = re.split(r"\n\s*\n", storable(text).strip())
    shown = (html.escape(p.strip(), quote=False).replace("\n", "<br>") for p in paragraphs if p.strip())
    return "".join(f"<p>{p}</p>" for p in shown)


def looks_like_html(text: str) -> bool:
    """Whether text has markup in it that a reader should not see as such."""
    return bool(re.search(r"</?[a-zA-Z][^<>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]{2,8});", text))


def bounded(content: str) -> str:
    """Cap the length and the nesting of HTML: cleaning is slow on depth (12 s for 100 000 ``div``)."""
    content = content[:MAX_HTML]
    if content.count("<") <= MAX_DEPTH or _depth(content) <= MAX_DEPTH:
        return content
    depth = 0
    kept: list[str] = []
    position = 0
    for match in _OPENING.finditer(content):
        if match[2].lower() in _VOID or match[3]:
            continue
        if match[1]:
            depth = max(0, depth - 1)
            too_deep = depth >= MAX_DEPTH
        else:
            too_deep = depth >= MAX_DEPTH
            depth += 1
        if too_deep:
            kept.append(content[position : match.start()])
            position = match.end()
    return "".join(kept) + content[position:] if kept else content


def _depth(content: str) -> int:
    """How deep HTML may be nested; not less than it is."""
    depth = deepest = 0
    for closing in _LEVEL.findall(content):
        if not closing:
            depth += 1
            if depth > deepest:
                deepest = depth
        elif depth:
            depth -= 1
    return deepest


def _srcset(value: str, absolute: Rewrite) -> str | None:
    candidates = []
    for match in _CANDIDATE.finditer(value):
        address = absolute(match[1])
        if address is not None:
            candidates.append(address + (match[2] or ""))
    return ", ".join(candidates) or None
