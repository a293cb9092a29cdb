"""Tells what is wrong with a feed document: its form, and the rules of Atom, RSS 2.0 and JSON Feed.

Looks at what a document says, not at how feedbot writes it, so that it finds faults of feedbot too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from feedbot.formats.iri import is_iri

if TYPE_CHECKING:
    from lxml.etree import _Element

Element: TypeAlias = "_Element"

_ATOM = "{http://www.w3.org/2005/Atom}"
_ENCODED = "{http://purl.org/rss/1.0/modules/content/}encoded"
_DELETED = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
_VERSION = re.compile(r"https://jsonfeed\.org/version/1(?:\.1)?")


def problems(data: bytes) -> list[str]:
    """What is wrong with a document of any format that is known, in its order; none where it is valid.

    What begins with a brace is taken for JSON, with a doctype for HTML, all else for XML.
    """
    begin = data[:200].lstrip().lower()
    if begin.startswith(b"{"):
        return list(_json(data))
    if begin.startswith(b"<!doctype html"):
        return list(_html(data))
    return list(_xml(data))


def _xml(data: bytes) -> Iterator[str]:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        yield f"is not well-formed XML: {error.msg}"
        return
    if root.tag == f"{_ATOM}feed":
        yield from _atom(root)
    elif root.tag == "rss":
        yield from _rss(root)
    else:
        yield f"is neither Atom nor RSS: its root is {root.tag}"


def _atom(feed: Element) -> Iterator[str]:
    """RFC 4287, sections 4.1 and 4.2; RFC 6721 for tombstones."""
    yield from _atom_common(feed, "the feed")
    entries = feed.findall(f"{_ATOM}entry")
    if feed.find(f"{_ATOM}author") is None and any(entry.find(f"{_ATOM}author") is None for entry in entries):
        yield "line 1: neither the feed nor each of its entries has an author (4.1.1)"
    seen = set()
    for entry in entries:
        where = f"line {entry.sourceline}: the entry"
        yield from _atom_common(entry, where)
        version = (entry.findtext(f"{_ATOM}id"), entry.findtext(f"{_ATOM}updated"))
        if version in seen:
            yield f"{where} has id and updated of another one (4.1.1)"
        seen.add(version)
        alternates = entry.findall(f"{_ATOM}link[@rel='alternate']") + [
            link for link in entry.findall(f"{_ATOM}link") if link.get("rel") is None
        ]
        if entry.find(f"{_ATOM}content") is None and not alternates:
            yield f"{where} has neither content nor an alternate link (4.1.2)"
        for name in ("published", "summary", "content", "source", "rights"):
            if len(entry.findall(_ATOM + name)) > 1:
                yield f"{where} has more than one {name} (4.1.2)"
        for source in entry.findall(f"{_ATOM}source"):
            yield from _atom_common(source, f"line {source.sourceline}: the source")
    for gone in feed.findall(_DELETED):
        if not is_iri(gone.get("ref") or "") or not _RFC3339.fullmatch(gone.get("when") or ""):
            yield f"line {gone.sourceline}: deleted-entry takes ref and when (RFC 6721, 3)"


def _atom_common(parent: Element, where: str) -> Iterator[str]:
    for name in ("id", "title", "updated"):
        number = len(parent.findall(_ATOM + name))
        if number != 1:
            yield f"{where} has {number} {name}, not one (4.1)"
    for known in parent.findall(f"{_ATOM}id"):
        if not is_iri(known.text or ""):
            yield f"line {known.sourceline}: the id {known.text or ''!r} is no IRI (4.2.6)"
    for name in ("updated", "published"):
        for moment in parent.findall(_ATOM + name):
            if not _RFC3339.fullmatch(moment.text or ""):
                yield f"line {moment.sourceline}: {moment.text!r} is no date of RFC 3339 (3.3)"
    for person in (*parent.findall(f"{_ATOM}author"), *parent.findall(f"{_ATOM}contributor")):
        if not (person.findtext(f"{_ATOM}name") or "").strip():
            yield f"line {person.sourceline}: a person without a name (3.2)"
    for link in parent.findall(f"{_ATOM}link"):
        if not link.get("href"):
            yield f"line {link.sourceline}: a link without href (4.2.7)"
        elif not _is_reference(link.get("href", "")):
            yield f"line {link.sourceline}: the address {link.get('href')!r} is no IRI (4.2.7)"
    for text in (parent.find(_ATOM + name) for name in ("title", "subtitle", "summary")):
        if text is not None and text.get("type", "text") not in ("text", "html", "xhtml"):
            yield f"line {text.sourceline}: {text.get('type')!r} is no type of text (3.1.1)"
    for category in parent.findall(f"{_ATOM}category"):
        if not category.get("term"):
            yield f"line {category.sourceline}: a category without term (4.2.2)"


def _rss(rss: Element) -> Iterator[str]:
    """RSS 2.0, with the Best Practices Profile of the RSS Advisory Board."""
    if rss.get("version") != "2.0":
        yield f"its version is {rss.get('version')!r}, not 2.0"
    channel = rss.find("channel")
    if channel is None:
        yield "it has no channel"
        return
    for name in ("title", "link", "description"):
        if len(channel.findall(name)) != 1 or not (channel.findtext(name) or "").strip():
            yield f"the channel takes one {name}"
    yield from _rss_dates(channel, "lastBuildDate")
    yield from _rss_dates(channel, "pubDate")
    seen = set()
    for item in channel.findall("item"):
        where = f"line {item.sourceline}: the item"
        if not item.findtext("title") and not item.findtext("description"):
            yield f"{where} has neither title nor description"
        for name in ("title", "link", "description", "guid", "pubDate", "comments", "author", "source", _ENCODED):
            if len(item.findall(name)) > 1:
                yield f"{where} has more than one {name.rpartition('}')[2]}"
        guid = item.find("guid")
        if guid is not None:
            if guid.get("isPermaLink", "true") == "true" and not _is_uri(guid.text):
                yield f"line {guid.sourceline}: a guid that is a permalink is an address"
            if guid.text in seen:
                yield f"line {guid.sourceline}: the guid {guid.text!r} is that of another item"
            seen.add(guid.text)
        if item.find("link") is not None and not _is_uri(item.findtext("link")):
            yield f"{where} has a link that is no address"
        yield from _rss_dates(item, "pubDate")
        if len(item.findall("enclosure")) > 1:
            yield f"{where} has more than one enclosure, of which readers take any"
        for enclosure in item.findall("enclosure"):
            if not _is_uri(enclosure.get("url")) or "/" not in (enclosure.get("type") or ""):
                yield f"line {enclosure.sourceline}: an enclosure takes url and type"
            if not (enclosure.get("length") or "").isdigit():
                yield f"line {enclosure.sourceline}: the length of an enclosure is a number"
        for source in item.findall("source"):
            if not _is_uri(source.get("url")):
                yield f"line {source.sourceline}: a source takes a url"


def _rss_dates(parent: Element, name: str) -> Iterator[str]:
    for moment in parent.findall(name):
        try:
            parsedate_to_datetime(moment.text or "")
        except (ValueError, OverflowError):
            yield f"line {moment.sourceline}: {moment.text!r} is no date of RFC 822"


def _json(data: bytes) -> Iterator[str]:
    """JSON Feed 1.1."""
    try:
        feed = json.loads(data.decode("utf-8"))
    except ValueError as error:
        yield f"is no JSON in UTF-8: {error}"
        return
    if not _VERSION.fullmatch(str(feed.get("version", ""))):
        yield f"its version is {feed.get('version')!r}, not that of JSON Feed 1.1"
    if not isinstance(feed.get("title"), str):
        yield "it has no title"
    for key in ("home_page_url", "feed_url", "next_url"):
        if key in feed and not _is_uri(feed[key]):
            yield f"{key} is no address"
    items = feed.get("items")
    if not isinstance(items, list):
        yield "it has no list of items"
        return
    seen = set()
    for number, item in enumerate(items, start=1):
        where = f"item {number}"
        if not isinstance(item, dict):
            yield f"{where} is no object"
            continue
        yield from _json_item(item, where)
        if str(item.get("id")) in seen:
            yield f"{where} has the id of another one"
        seen.add(str(item.get("id")))


def _json_item(item: dict[str, Any], where: str) -> Iterator[str]:
    if not isinstance(item.get("id"), str) or not item["id"]:
        yield f"{where} has no id that is a text"
    if not isinstance(item.get("content_html", item.get("content_text")), str):
        yield f"{where} has neither content_html nor content_text"
    for key in ("url", "external_url", "image", "banner_image"):
        if key in item and not _is_uri(item[key]):
            yield f"{where}: {key} is no address"
    for key in ("date_published", "date_modified"):
        if key in item and not _RFC3339.fullmatch(str(item[key])):
            yield f"{where}: {key} is no date of RFC 3339"
    for author in item.get("authors", ()):
        if not any(author.get(key) for key in ("name", "url", "avatar")):
            yield f"{where} has an author of whom nothing is told"
    for attachment in item.get("attachments", ()):
        if not _is_uri(attachment.get("url")) or not isinstance(attachment.get("mime_type"), str):
            yield f"{where}: an attachment takes url and mime_type"


def _html(data: bytes) -> Iterator[str]:
    """What feedbot promises of its pages: a title, a policy, no script."""
    text = data.decode("utf-8", "replace")
    if not re.search(r"<title>[^<]*\S[^<]*</title>", text):
        yield "the page has no title"
    if "default-src 'none'" not in text:
        yield "the page has no content security policy"
    if re.search(r"<(?:script|iframe|object|embed|form)\b|<[^>]*\son[a-z]+\s*=", re.sub(r'"[^"]*"', '""', text), re.I):
        yield "the page has a script, frame or form"


def _is_uri(text: object) -> bool:
    try:
        return isinstance(text, str) and text.isascii() and is_iri(text.strip()) and bool(urlsplit(text.strip()).scheme)
    except ValueError:
        return False


def _is_reference(text: str) -> bool:
    """Whether this is an address that may be relative, as links of Atom may."""
    return is_iri(text.strip()) or is_iri(f"x:{text.strip()}")
