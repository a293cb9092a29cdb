"""Makes a channel and its entries legal in every feed format, whatever strings they hold.

Entries come here cleaned; this is the last line, so that one odd entry never keeps a feed from being written.
What is legal already is left as it is, ids above all: a reader knows an entry by its id, and an id that changes
announces the entry again. Only Atom, which takes none but IRIs, has others quoted (``iri.as_id``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b

from msgspec.structs import replace

from feedbot.core.address import resolve
from feedbot.core.publication import Origin, Publication, Withdrawn, as_publication
from feedbot.core.text import one_line, shorten, storable
from feedbot.core.uri import as_uri
from feedbot.formats.iri import mended
from feedbot.model import Author, Channel, Enclosure, Entry

UNKNOWN_TYPE = "application/octet-stream"
"""The media type of an enclosure whose source gives none (RFC 2046, 4.5.1)."""

_MAX_SYNTHETIC_TITLE = 80
_MAX_LENGTH = 2**63 - 1
_LANGUAGE = re.compile(r"([A-Za-z]{2,3}|x(?=-))(-[A-Za-z0-9]{1,8})*")  # RFC 5646: codes of two or three letters
_TWO_LETTERS = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el"
    " en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik in io is it"
    " iu iw ja ji jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr"
    " ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si"
    " sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi"
    " yo za zh zu".split()
)
"""The languages of ISO 639-1: what else has two letters, as "jp" and "cn" have, is no language."""
_MEDIA_TYPE = re.compile(r"([\w!#$&^.+-]+/[\w!#$&^.+-]+)(\s*;\s*[\w.+-]+=(?:[\w.+-]+|\"[^\"\\]*\"))*", re.ASCII)
_EMAIL = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)  # RFC 5322, 3.4.1


class LegalEntry(Entry, frozen=True):
    """An entry that is legal, and needs no second look."""


def legal_channel(channel: Channel, entries: Sequence[Entry]) -> Publication:
    """The channel as a publication, with an id and a title for certain, and the latest of all times as ``updated``.

    That time comes from content only, never from a clock; it is None where there are neither entries nor
    a time of the channel's own. ``entries`` are legal already.
    """
    moments = [moment for entry in entries if (moment := entry.updated)]
    if channel.updated is not None:
        moments.append(_whole_second(channel.updated))
    name = one_line(channel.name)
    publication = as_publication(channel)
    return replace(
        publication,
        name=name,
        id=_identity(channel.id) or _urn(name),
        title=one_line(channel.title) or name or "Untitled",
        link=_address(channel.link),
        description=one_line(channel.description),
        language=_language(channel.language),
        hub=_address(channel.hub),
        urls={form: _address(url) for form, url in channel.urls.items()},
        updated=max(moments, default=None),
        base=_address(publication.base),
        origins={name: _origin(origin) for name, origin in publication.origins.items()},
        withdrawn=tuple(
            Withdrawn(known, _whole_second(one.at)) for one in publication.withdrawn if (known := _identity(one.id))
        ),
    )


def legal_entry(entry: Entry) -> LegalEntry:
    """The entry with an id and an ``updated`` for certain, and nothing in it that a format does not allow.

    ``content`` is empty only where there is no summary either, or a link to read on; ``summary`` is empty
    where it repeats the content. Times are whole seconds in UTC.
    """
    if isinstance(entry, LegalEntry):
        return entry
    url = _address(entry.url)
    content = storable(entry.content)
    summary = storable(entry.summary)
    if summary == content:
        summary = ""
    if not content and not url:  # Atom wants a link or content (RFC 4287, 4.1.2)
        content, summary = summary, ""
    published = _whole_second(entry.published) if entry.published else None
    return LegalEntry(
        source=entry.source,
        first_seen=entry.first_seen,
        revision=entry.revision,
        base=entry.base,
        aliases=entry.aliases,
        extra=entry.extra,
        id=_identity(entry.id) or url or _urn(entry.source, entry.title, content, summary),
        url=url,
        title=one_line(entry.title),
        authors=tuple(author for author in map(_author, entry.authors) if author.name),
        published=published,
        updated=_whole_second(entry.updated) if entry.updated else published or _whole_second(entry.first_seen),
        tags=tuple(tag for tag in map(one_line, entry.tags) if tag),
        summary=summary,
        content=content,
        language=_language(entry.language),
        enclosures=tuple(e for e in map(_enclosure, entry.enclosures) if e.url),
        image=_address(entry.image),
    )


def with_uris(entry: LegalEntry) -> LegalEntry:
    """The entry as formats want it whose addresses are URIs: RSS and JSON Feed, which know no IRIs."""
    files, people = entry.enclosures, entry.authors
    if "".join([entry.url, entry.image, *(one.url for one in files), *(one.url for one in people)]).isascii():
        return entry
    return replace(
        entry,
        url=as_uri(entry.url),
        image=as_uri(entry.image),
        enclosures=tuple(replace(one, url=as_uri(one.url)) for one in files),
        authors=tuple(replace(one, url=as_uri(one.url)) for one in people),
    )


def headline(entry: Entry) -> str:
    """A title for formats that want one: the entry's own, else its first words, else its day."""
    if entry.title:
        return entry.title
    from feedbot.core.html import to_text  # not above: most runs write no feed

    words = shorten(to_text(entry.summary or entry.content), _MAX_SYNTHETIC_TITLE)
    return words or (entry.published.date().isoformat() if entry.published else "Untitled")


def is_web(address: str) -> bool:
    """Whether an address is one that a browser opens."""
    return address.lower().startswith(("http://", "https://"))


def web_address(value: object) -> str:
    """A web address out of front matter or a feed's extensions, or "" where it is none."""
    address = _address(value) if isinstance(value, str) else ""
    return address if is_web(address) else ""


def _identity(text: str) -> str:
    """An id as it came, or "" where nothing of it would be seen."""
    kept = storable(text)
    return kept if kept.strip() else ""


def _urn(*parts: str) -> str:
    digest = blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=16)
    return f"urn:feedbot:{digest.hexdigest()}"


def _address(text: str) -> str:
    """An absolute, safe address without the characters no IRI has, or ""."""
    safe = resolve(storable(text), "") if text else None
    return mended(safe) if safe else ""


def _author(author: Author) -> Author:
    email = one_line(author.email)
    if not _EMAIL.fullmatch(email):
        email = ""
    url = _address(author.url)
    return Author(one_line(author.name) or email or url, url, email)


def _enclosure(enclosure: Enclosure) -> Enclosure:
    kind = one_line(enclosure.type)
    if not _MEDIA_TYPE.fullmatch(kind):
        kind = ""
    length = enclosure.length
    return Enclosure(_address(enclosure.url), kind, length if length and 0 < length <= _MAX_LENGTH else None)


def _origin(origin: Origin) -> Origin:
    return Origin(one_line(origin.title), _address(origin.link), _address(origin.url))


def _language(text: str) -> str:
    tag = storable(text).strip().replace("_", "-")
    first = tag.partition("-")[0].lower()
    return tag if _LANGUAGE.fullmatch(tag) and (len(first) != 2 or first in _TWO_LETTERS) else ""


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
