"""A change as people read it in a chat: short, and inert in whatever markup the service knows.

Texts are first made plain (`notice`), then escaped for one service and cut to its limit in one step (`fit`), so that a
limit never cuts an escape in two and escaping never breaks a limit.
"""

from __future__ import annotations

import html as entities
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from feedbot.message import values
from feedbot.message.templates import Templates
from feedbot.message.terminal import inert
from feedbot.model import ChangeKind, Delivery, Entry

WITHDRAWN = "This entry is no longer there: its source has taken it away."
BREAK = "\u200b"
"""A space without width: what stands before and after it is no mention, hashtag or command any more."""

_MAX_READ = 50_000  # characters of content, of which a message shows a few hundred
_MAX_TEXT = 4000
_MAX_TITLE = 500
_SHORTEST_TITLE = 80  # that a service has room for
_SHORTEST = 20  # characters of text that are worth to be shown
_KEPT_IN_URLS = "!#$%&'()*+,/:;=?@[]~"
_WEB = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
_LINK = re.compile(r"https?://\S+", re.IGNORECASE)
_MARKDOWN = re.compile(r"(https?://[\w./?=&%#:+~-]+)|([\\`*_\[\]#|~>]|^[+=-])", re.IGNORECASE | re.MULTILINE)
_NUMBERED = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))", re.MULTILINE)
_MENTION = re.compile(r"@(?=[\w&!])|<(?=[@#!&:/a-z])|:(?=[\w+-]*[a-z+][\w+-]*:)", re.IGNORECASE)
_LIVE = re.compile(r"[@#＠＃](?=[^\s\u200b])|(?<!\S)/(?=\w)")

Escape = Callable[[str], str]
Measure = Callable[[str], int]


class Notice(Struct, frozen=True, kw_only=True):
    """Plain texts, not escaped yet. ``title`` is one line, ``text`` may be more, or empty.

    ``url`` and ``image`` are web addresses in ASCII, or "".
    """

    title: str
    text: str
    url: str
    source: str
    author: str
    moment: datetime
    tags: tuple[str, ...]
    image: str
    language: str

    @property
    def about(self) -> str:
        """Where it comes from and who wrote it."""
        return " · ".join(part for part in (self.source, self.author) if part)


Tell = Callable[[Delivery], Notice]
"""How a change is told, as :func:`notice` does or an operator's template."""


def notice(delivery: Delivery) -> Notice:
    """What a chat is told of a change, unless a template says so otherwise.

    Of a new entry how it begins, of an edited one what is different, of a withdrawn one that it is gone.
    """
    entry = delivery.entry
    gone = delivery.change is ChangeKind.WITHDRAWN
    text = WITHDRAWN if gone else (_difference(delivery.diff) or _beginning(entry))
    url = web_address(entry.url)
    title = cut(inert(entry.title), _MAX_TITLE)
    if not title and not gone and text:  # a short post without a title is its own
        title = cut(" ".join(text.split()), 100)
        text = "" if title == " ".join(text.split()) else text
    title = title or url
    if not cut(title, _SHORTEST_TITLE):  # one long address, of which nothing would be left where it has no room
        title = "(untitled)"
    return Notice(
        title=values.LEADS[delivery.change] + title,
        text=text,
        url=url,
        source=inert(entry.source),
        author=cut(", ".join(filter(None, (inert(author.name) for author in entry.authors))), 200),
        moment=entry.published or entry.updated or entry.first_seen,
        tags=() if gone else tuple(filter(None, map(inert, entry.tags))),
        image="" if gone else web_address(entry.image),
        language=entry.language if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9-]{1,30})?", entry.language) else "",
    )


def teller(templates: Templates) -> Tell:
    """Tells of changes as ``notice`` does, with the title that an own template "chat.txt" makes, where there is one."""
    if templates.own("chat.txt") is None:
        return notice

    def tell(delivery: Delivery) -> Notice:
        told = notice(delivery)
        title = cut(inert(templates.render("chat.txt", values.line(delivery))[:10_000]), _MAX_TITLE)
        return replace(told, title=title or told.title)

    return tell


def web_address(url: str) -> str:
    """An http or https address in ASCII, or "" where it is none."""
    url = url.strip()
    try:
        host = urlsplit(url).hostname or ""
        if not host.isascii():
            at = url.lower().find(host)
            url = url[:at] + host.encode("idna").decode() + url[at + len(host) :]
    except ValueError:
        return ""
    address = quote(url.encode("utf-8", "replace"), safe=_KEPT_IN_URLS)
    return address if _WEB.match(address) else ""


def utf16(text: str) -> int:
    """The length as services count that store text in units of 16 bits; never less than its characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf8(text: str) -> int:
    """The length in bytes."""
    return len(text.encode("utf-8", "replace"))


def graphemes(text: str) -> int:
    """At least as many as what a reader sees as characters (UAX 29): marks count with the letter that they are on."""
    if text.isascii():
        return len(text)
    count, follows = 0, False
    for character in text:
        if not (follows and unicodedata.category(character) in ("Mn", "Me")):
            count += 1
        follows = unicodedata.category(character)[0] not in "CZ"
    return count


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, with an ellipsis where some are left out: at a word, never inside an address."""
    if len(text) <= limit:
        return text
    if limit < 2:
        return ""
    kept = text[: limit - 1]
    if not text[limit - 1].isspace():
        start = max(kept.rfind(" "), kept.rfind("\n")) + 1
        if start > limit // 2 or _LINK.match(text, start) or "://" in kept[start:]:
            kept = kept[:start]
        while kept and unicodedata.category(text[len(kept)]) in ("Mn", "Me", "Mc"):  # no mark without its letter
            kept = kept[:-1]
    kept = kept.rstrip(" \n,.;:-")
    return f"{kept}…" if kept else ""


def fit(text: str, limit: int, escape: Escape = str, measure: Measure = utf16) -> str:
    """The text escaped, and cut beforehand so far that the result measures at most ``limit``."""
    length = min(len(text), limit)
    while length > 0:
        done = escape(cut(text, length))
        over = measure(done) - limit
        if over <= 0:
            return done
        length -= -(-over // 12)  # no character measures more than twelve when escaped
    return ""


def short_post(told: Notice, tail: str, limit: int, escape: Escape, measure: Measure) -> str:
    """Title and text with ``tail`` below them, which is not cut, in at most ``limit``."""
    room = limit - (measure(f"\n\n{tail}") if tail else 0)
    title = fit(told.title, room, escape, measure)
    left = room - measure(f"{title}\n\n")
    text = fit(told.text, left, escape, measure) if left >= _SHORTEST else ""
    return "\n\n".join(part for part in (title, text, tail) if part)


def as_html(text: str) -> str:
    """For services that read a few tags of HTML."""
    return entities.escape(live_broken(text))


def as_markdown(text: str) -> str:
    """For services that read Markdown: each mark stands for itself, and addresses stay whole."""
    text = _MARKDOWN.sub(lambda found: found[1] or f"\\{found[2]}", text)
    return defused(_NUMBERED.sub(r"\1\\", text))


def defused(text: str) -> str:
    """For services that read mentions: none is left ("@all", "<!here>", "<@U123>", "<at>"), and no ":emoji:"."""
    return _MENTION.sub(lambda found: found[0] + BREAK, text)


def live_broken(text: str) -> str:
    """For services that find mentions, hashtags and commands in plain text by themselves."""
    return _LIVE.sub(lambda found: found[0] + BREAK, text)


def hashtag(tag: str) -> str:
    """A tag as one word of letters, digits and underscores ("Python 3.15" as Python315), or "" where none is left."""
    words = re.findall(r"\w+", tag)
    word = words[0] if len(words) == 1 else "".join(word[:1].upper() + word[1:] for word in words)
    return word if re.search(r"[^\W\d_]", word) and len(word) <= 60 else ""


def hashtags(tags: tuple[str, ...], most: int) -> tuple[str, ...]:
    """The first few tags as hashtags, without the sign, each once whatever its case."""
    words: dict[str, str] = {}
    for word in filter(None, map(hashtag, tags)):
        words.setdefault(word.lower(), word)
    return tuple(words.values())[:most]


def _beginning(entry: Entry) -> str:
    from feedbot.core.html import to_lines, to_text  # not above: most runs send nothing

    content = entry.summary if to_text(entry.summary[:_MAX_READ]) else entry.content
    lines = [line for line in map(inert, to_lines(content[:_MAX_READ])) if line]
    return cut("\n".join(lines), _MAX_TEXT)


def _difference(diff: str) -> str:
    """The lines that went and came, without the heads of a unified diff."""
    lines = [line for line in diff.split("\n") if not line.startswith(("--- before", "+++ after"))]
    shown = ["…" if line.startswith("@@") else _marked(line) for line in lines[:100] if inert(line)]
    return cut("\n".join(shown[1:] if shown[:1] == ["…"] else shown), _MAX_TEXT)


def _marked(line: str) -> str:
    return f"{line[0]} {inert(line[1:])}".rstrip() if line[0] in "+-" else inert(line)
