"""Makes an item of what feedparser gives for an entry of RSS, RDF or Atom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from time import struct_time

from feedbot.core.dates import parse_date
from feedbot.core.html import from_text, looks_like_html, to_text
from feedbot.core.text import one_line, storable
from feedbot.model import Author, Item
from feedbot.sources.feed.address import Bases, as_it_came, is_web
from feedbot.sources.feed.fields import Fields
from feedbot.sources.feed.media import enclosures_of, image_of
from feedbot.sources.feed.parsed import MAX_TITLE, identifier, language_tag, plain_title, plausible, texts

_HTML = frozenset({"text/html", "application/xhtml+xml"})
# In RSS a title is text, and yet often HTML: taken for it where one of these elements is closed again.
_INLINE = frozenset(
    "a abbr b bdi big cite code del dfn em font i ins kbd mark q s samp small span strike strong sub sup tt u "
    "var".split()
)
_TAG = re.compile(r"<(/?)([a-zA-Z]+)\b[^<>]*>")
_MAIL_FIRST = re.compile(r"(?:mailto:)?([^\s@<>()]{1,64}@[^\s@<>()]{1,255})\s*(?:\((.*)\))?")
_MAIL_LAST = re.compile(r"(.*?)\s*[<(](?:mailto:)?([^\s@<>()]{1,64}@[^\s@<>()]{1,255})[>)]")
_EXPLICIT = dict.fromkeys(("yes", "true", "explicit"), "yes") | dict.fromkeys(("no", "false", "clean"), "no")
_EXTRA = {
    "itunes_duration": "duration",
    "itunes_episode": "episode",
    "itunes_season": "season",
    "itunes_episodetype": "episode_type",
    "rights": "rights",
}


def item(entry: Fields, feed: Fields, atom: bool, bases: Bases, now: datetime) -> Item:
    """An entry as an item; ``id`` is what the feed calls it, "" where it does not.

    ``atom`` tells whether texts say what they are, as Atom's do; RSS leaves it to be guessed.
    """
    link = link_of(entry, bases)
    content, summary = _texts(entry, atom)
    details = [*entry.many("content"), entry.one("summary_detail"), entry.one("title_detail")]
    published, updated, created = (_moment(entry, key, now) for key in ("published", "updated", "created"))
    enclosures = enclosures_of(entry, bases)
    comments = bases.absolute(entry.any("comments"))
    explicit = _EXPLICIT.get(entry.text("itunes_explicit").strip().lower(), "")
    return Item(
        id=as_it_came(identifier(entry.any("id"))),
        url=link,
        title=title_of(entry, atom),
        authors=_authors(entry, atom, bases) or _authors(entry.one("source"), atom, bases)
        or _authors(feed, atom, bases),
        published=published or created or updated,
        updated=updated,
        tags=_tags(entry),
        summary=summary,
        content=content,
        base=bases.of_content(_stated(details, "base"), link),
        language=language_tag(_stated(details, "language")) or language_tag(feed.any("language")),
        enclosures=enclosures,
        image=image_of(entry, enclosures, bases),
        extra=texts(
            {"comments": comments, "explicit": explicit}
            | {_EXTRA[key]: entry.any(key) for key in _EXTRA.keys() & entry.values.keys()}
        ),
    )  # fmt: skip


def link_of(values: Fields, bases: Bases) -> str:
    """The page of an entry or feed: the first link that is an alternate, a web page before other types."""
    alternates = [link for link in values.many("links") if link.text("rel") in ("", "alternate")]
    alternates.sort(key=lambda link: link.text("type") not in _HTML)  # stable: the order stays otherwise
    for link in alternates:
        address = bases.absolute(link.any("href"))
        if address:
            return address
    permalink = as_it_came(values.text("link"))  # feedparser's: an id that is not said to be none
    return bases.absolute(permalink) if is_web(permalink) else ""


def title_of(values: Fields, atom: bool) -> str:
    """A title as text."""
    title = values.text("title")[: 2 * MAX_TITLE]
    if atom:
        return to_text(title) if values.one("title_detail").text("type") in _HTML else one_line(title)
    if "</" in title and _has_inline_markup(title):
        return to_text(title)
    return plain_title(title)


def author_with_mail(text: str) -> Author | None:
    """RSS's "mail@example.org (Name)", or "Name <mail@example.org>"."""
    text = one_line(text)[:1_000]
    if match := _MAIL_FIRST.fullmatch(text):
        return Author(name=(match[2] or "").strip(), email=match[1])
    if match := _MAIL_LAST.fullmatch(text):
        return Author(name=match[1].strip(' "'), email=match[2])
    return None


def _has_inline_markup(title: str) -> bool:
    opened = set()
    for closing, name in _TAG.findall(title):
        if closing and name.lower() in opened:
            return True
        if not closing and name.lower() in _INLINE:
            opened.add(name.lower())
    return False


def _texts(entry: Fields, atom: bool) -> tuple[str, str]:
    """Content and summary as HTML; the summary is "" where it says the same, or stands in for the content.

    feedparser files texts by their order: of RSS's description, itunes:summary and media:description the first
    is the "summary" and another one "content", so that only HTML there is sure to be meant as such.
    """
    parts = [(part.text("type") in _HTML, _as_html(part, atom)) for part in entry.many("content")]
    # Without a detail the summary is feedparser's copy of the content.
    said = _as_html(entry.one("summary_detail"), atom) if "summary_detail" in entry else ""
    marked_up = [text for rich, text in parts if rich]
    candidates = marked_up if any(marked_up) else [text for _, text in parts]
    if not atom and not any(marked_up):
        candidates = [said, *candidates]
    content = max(candidates, key=len, default="") or said
    return content, "" if said == content else said


def _as_html(detail: Fields, atom: bool) -> str:
    value = storable(detail.text("value")).strip()
    if detail.text("type") in _HTML:
        # media:description is text that feedparser calls HTML; its lines would run together.
        return from_text(value) if atom and "\n" in value and not looks_like_html(value) else value
    if not (detail.text("type") or "text/").startswith("text/"):
        return ""  # a file within the feed (RFC 4287, 4.1.3.3)
    return value if not atom and looks_like_html(value) else from_text(value)


def _stated(details: Iterable[Fields], key: str) -> str:
    """What is in force for an entry's texts: xml:base or xml:lang."""
    return next((stated for detail in details if (stated := detail.text(key))), "")


def _moment(entry: Fields, key: str, now: datetime) -> datetime | None:
    theirs = entry.any(f"{key}_parsed")
    if isinstance(theirs, datetime):
        return plausible(theirs, now)
    text = entry.text(key)
    ours = parse_date(text) if text else None
    if ours is not None or not isinstance(theirs, struct_time):
        return plausible(ours, now)
    try:
        guessed = plausible(datetime(*theirs[:6], tzinfo=UTC), now)
    except ValueError:
        return None
    return guessed if guessed and _stands_in(text, guessed) else None


def _stands_in(text: str, guessed: datetime) -> bool:
    """Whether what feedparser made of a date is in it: it takes "2026-13-01" for January, and 6/29 for November."""
    numbers = {int(number) for number in re.findall(r"\d{1,4}", text)}
    near = {guessed.day, *((guessed + timedelta(days=days)).day for days in (-1, 1))}  # a zone may lead over midnight
    return not numbers.isdisjoint({guessed.year, guessed.year % 100}) and not numbers.isdisjoint(near)


def _authors(values: Fields, atom: bool, bases: Bases) -> tuple[Author, ...]:
    people = values.many("authors")
    if len(people) == 1 and not atom and (plain := author_with_mail(values.text("author"))):
        return (plain,)
    authors: dict[str, Author] = {}
    for person in people:
        name, email = (one_line(person.text(key)) for key in ("name", "email"))
        author = Author(name, bases.absolute(person.any("href")), email)
        known = authors.get(name or email)
        if (name or email) and (known is None or not (known.email or known.url)):
            authors[name or email] = author
    return tuple(authors.values())


def _tags(entry: Fields) -> tuple[str, ...]:
    terms = (one_line(tag.text("term") or tag.text("label")) for tag in entry.many("tags"))
    return tuple(dict.fromkeys(term for term in terms if term))
