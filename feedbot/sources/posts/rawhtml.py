"""Raw HTML in Markdown: tells it from words in angle brackets, and gives its links and images new addresses."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

ELEMENTS = frozenset(
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br "
    "button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em "
    "embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html "
    "i iframe img input ins kbd label legend li link main map mark marquee math menu meta meter nav nobr noscript "
    "object ol optgroup option output p param picture pre progress q rp rt ruby s samp script search section select "
    "slot small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead "
    "time title tr track tt u ul var video wbr".split()
)
PLACE = re.compile(r"^(?:\{|%7B|\||%7C)(?:filename|static|attach)(?:\}|%7D|\||%7C)", re.IGNORECASE)
"""What Pelican writes before the name of a file of the blog."""
_PSEUDO = re.compile(r"<(?=(?:[!?]|/?([a-zA-Z][^\s/><]*)))")
_TAG = re.compile(r"""<(a|img)(?=[\s/>])((?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<=[\s"'/])([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_ACTIVE = re.compile(r"<(?:script|style|iframe)\b", re.IGNORECASE)
_FRAME = re.compile(r"""<iframe(?=[\s/>])((?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>(?:\s*</iframe\s*>)?""", re.IGNORECASE)
_VIDEO = re.compile(
    r"(?:https?:)?//(?:(?:www\.)?youtube(?:-nocookie)?\.com/embed/(?!videoseries)(?P<youtube>[\w-]+)"
    r"|player\.vimeo\.com/video/(?P<vimeo>\d+))"
)


def is_pseudo(markup: str, position: int = 0) -> bool:
    """Whether what starts at ``position`` is prose in angle brackets: no HTML element and no comment."""
    match = _PSEUDO.match(markup, position)
    return match is not None and not _is_markup(match)


def escape_pseudo(markup: str) -> str:
    """Make text of what looks like a tag and is none (``<module>``, ``<?xml``), so that it is not lost."""
    return _PSEUDO.sub(lambda match: "<" if _is_markup(match) else "&lt;", markup)


def rewrite(markup: str, link: Callable[[str], str], image: Callable[[str], str | None]) -> str:
    """Give ``href`` of links and ``src`` of images the addresses that the functions answer with.

    Where ``image`` answers None, the image is replaced by its alternative text.
    """

    def tag(match: re.Match[str]) -> str:
        attributes = _attributes(match[2])
        if match[1].lower() == "a":
            return _with(match, "href", link(attributes["href"])) if "href" in attributes else match[0]
        if "src" not in attributes:
            return match[0]
        source = attributes["src"]
        expression = source.startswith("{") and not PLACE.match(source)  # JSX, known to the site alone
        address = None if expression else image(source)
        if address is None:
            return html.escape(attributes.get("alt", ""))
        return match[0] if address == source else _with(match, "src", address, dropped=("srcset", "sizes"))

    return _TAG.sub(tag, markup)


def without_frames(markup: str, warn: Callable[[str], None]) -> str:
    """Take scripts and styles out, and make links of the frames that show a video; ``warn`` is told of others."""
    if "<" not in markup or _ACTIVE.search(markup) is None:
        return markup
    for name in ("script", "style"):
        markup = _without(markup, name)

    def frame(match: re.Match[str]) -> str:
        video = _VIDEO.match(html.unescape(_attributes(match[1]).get("src", "")))
        if video is None:
            warn("a frame of another site is left out")
            return match[0]
        title = html.escape(_attributes(match[1]).get("title", ""))
        if video["vimeo"]:
            return f'<a href="https://vimeo.com/{video["vimeo"]}">{title or "Video on Vimeo"}</a>'
        address, image = (
            f"https://www.youtube.com/watch?v={video['youtube']}",
            f"https://i.ytimg.com/vi/{video['youtube']}",
        )
        return f'<a href="{address}"><img src="{image}/hqdefault.jpg" alt="{title or "Video on YouTube"}"></a>'

    return _FRAME.sub(frame, markup)


def _without(markup: str, name: str) -> str:
    """Leave out the elements of a name that are closed; the cleaner at output sees to the others."""
    parts, position, lower = [], 0, markup.lower()
    while (start := lower.find(f"<{name}", position)) >= 0:
        end = lower.find(f"</{name}", start)
        close = lower.find(">", end) if end >= 0 else -1
        if close < 0:
            break
        parts.append(markup[position:start])
        position = close + 1
    return "".join(parts) + markup[position:]


def _is_markup(match: re.Match[str]) -> bool:
    if match[1] is None:
        return match.string.startswith("<!--", match.start())
    return match[1].lower() in ELEMENTS


def _attributes(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(source):
        value = next(group for group in match.groups()[1:] if group is not None)
        found.setdefault(match[1].lower(), html.unescape(value))
    return found


def _with(match: re.Match[str], name: str, value: str, dropped: tuple[str, ...] = ()) -> str:
    def attribute(found: re.Match[str]) -> str:
        if found[1].lower() in dropped:
            return ""
        return f'{found[1]}="{html.escape(value)}"' if found[1].lower() == name else found[0]

    return f"<{match[1]}{_ATTRIBUTE.sub(attribute, match[2])}>"
