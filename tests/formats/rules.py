"""What the specifications ask of a feed document, as far as feedbot writes it: assertions, nothing else."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from lxml import etree

from tests.formats.jsonfeed_schema import SCHEMA

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
MEDIA = "{http://search.yahoo.com/mrss/}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
IRI = re.compile(r'[a-zA-Z][a-zA-Z0-9+.-]*:(//(\[[0-9a-f:.]+\])?)?([^\s"<>\\^`{|}%#\[\]]|%[0-9A-Fa-f]{2})+(#\S*)?')
LANGUAGE = re.compile(r"([a-zA-Z]{2,3}|x)(-[a-zA-Z0-9]{1,8})*")
EPISODE = {
    "duration": r"\d+|(\d+:)?[0-5]?\d:[0-5]\d",
    "episode": r"[1-9]\d*",
    "season": r"[1-9]\d*",
    "explicit": "true|false",
    "episodeType": "full|trailer|bonus",
}


_JSON_FEED = Draft202012Validator(SCHEMA)


def is_address(text: str | None) -> bool:
    return text is not None and bool(IRI.fullmatch(text)) and text.count("#") <= 1 and bool(urlsplit(text).scheme)


def is_uri(text: str | None) -> bool:
    """RSS and JSON Feed know no IRIs."""
    return is_address(text) and (text or "").isascii()


def feedbot_id(text: str | None) -> str:
    """The id of an entry, of which Atom has a quoted form where it is no IRI."""
    known = text or ""
    return unquote(known.removeprefix("urn:feedbot:")) if known.startswith("urn:feedbot:") else known


def rfc822(text: str | None) -> datetime:
    """Read a date as strictly as RSS writes it: English, four digits of a year, day of the week right."""
    moment = datetime.strptime(text or "", "%a, %d %b %Y %H:%M:%S GMT")  # noqa: DTZ007
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    assert (text or "").startswith(days[moment.weekday()])
    return moment


def check_atom(data: bytes) -> etree._Element:
    """RFC 4287, sections 4.1.1 to 4.2.14. Returns the feed."""
    feed = etree.fromstring(data)
    assert feed.tag == f"{ATOM}feed"
    one_of_each(feed, "id", "title", "updated")
    at_most_one(feed, "generator", "subtitle")
    _check_common(feed)
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    for entry in feed.findall(f"{ATOM}entry"):
        one_of_each(entry, "id", "title", "updated")
        at_most_one(entry, "published", "summary", "content")
        _check_common(entry)
        alternates = entry.findall(f"{ATOM}link[@rel='alternate']")
        assert len(alternates) <= 1
        for source in entry.findall(f"{ATOM}source"):
            one_of_each(source, "id", "title", "updated")
            _check_common(source)
        content = entry.find(f"{ATOM}content")
        assert content is not None or alternates
        for text in entry.findall(f"{ATOM}summary") + entry.findall(f"{ATOM}content"):
            assert text.get("type") == "html"
            assert len(text) == 0
    return feed


def _check_common(parent: etree._Element) -> None:
    assert is_address(parent.findtext(f"{ATOM}id"))
    assert (parent.findtext(f"{ATOM}title") or "").strip()
    for name in ("updated", "published"):
        for moment in parent.findall(f"{ATOM}{name}"):
            assert RFC3339.fullmatch(moment.text or "")
    for author in parent.findall(f"{ATOM}author"):
        assert (author.findtext(f"{ATOM}name") or "").strip()
        assert len(author.findall(f"{ATOM}email")) <= 1
        assert all(is_address(uri.text) for uri in author.findall(f"{ATOM}uri"))
        assert all(
            re.fullmatch(r"[!-?A-~]+@[a-zA-Z0-9.-]+", email.text or "") for email in author.findall(f"{ATOM}email")
        )
    for link in parent.findall(f"{ATOM}link"):
        assert link.get("rel") in ("self", "alternate", "enclosure")
        assert is_address(link.get("href"))
        assert (link.get("length") or "0").isdigit()
        assert re.fullmatch(r"[^/]+/[^/]+.*", link.get("type") or "a/b")
    assert all(category.get("term") for category in parent.findall(f"{ATOM}category"))


def one_of_each(parent: etree._Element, *names: str) -> None:
    for name in names:
        assert len(parent.findall(f"{ATOM}{name}")) == 1, name


def at_most_one(parent: etree._Element, *names: str) -> None:
    for name in names:
        assert len(parent.findall(f"{ATOM}{name}")) <= 1, name


def check_rss(data: bytes) -> etree._Element:
    """RSS 2.0, with what the Best Practices Profile asks. Returns the channel."""
    rss = etree.fromstring(data)
    assert rss.tag == "rss"
    assert rss.get("version") == "2.0"
    assert [child.tag for child in rss] == ["channel"]
    channel = rss[0]
    for name in ("title", "link", "description"):
        assert len(channel.findall(name)) == 1, name
        assert (channel.findtext(name) or "").strip(), name
    for name in ("language", "lastBuildDate", "generator", "docs"):
        assert len(channel.findall(name)) <= 1, name
    for moment in channel.findall("lastBuildDate"):
        rfc822(moment.text)
    assert all(LANGUAGE.fullmatch(one.text or "") for one in channel.findall("language"))
    for link in channel.findall(f"{ATOM}link"):
        assert link.get("rel") == "self"
        assert is_address(link.get("href"))
    for item in channel.findall("item"):
        _check_item(item)
    return channel


def _check_item(item: etree._Element) -> None:
    for name in ("title", "link", "description", CONTENT, "guid", "pubDate", "comments", "author"):
        assert len(item.findall(name)) <= 1, name
    assert item.findtext("title") or item.findtext("description")
    assert all(is_uri(item.findtext(name)) for name in ("link", "comments") if item.find(name) is not None)
    guid = item.find("guid")
    assert guid is not None
    assert (guid.text or "").strip()
    assert guid.get("isPermaLink") in ("true", "false")
    if guid.get("isPermaLink") == "true":
        assert is_uri(guid.text)
    rfc822(item.findtext("pubDate"))
    assert len(item.findall("enclosure")) <= 1
    for enclosure in item.findall("enclosure"):
        assert set(enclosure.attrib) == {"url", "length", "type"}
        assert is_uri(enclosure.get("url"))
        assert (enclosure.get("length") or "").isdigit()
        assert "/" in (enclosure.get("type") or "")
    assert all(category.text for category in item.findall("category"))
    for media in item.findall(f"{MEDIA}content"):
        assert is_uri(media.get("url"))
        assert (media.get("fileSize") or "0").isdigit()
    for name, legal in EPISODE.items():
        assert all(re.fullmatch(legal, one.text or "", re.ASCII) for one in item.findall(f"{ITUNES}{name}"))


def check_json(data: bytes) -> dict[str, Any]:
    """JSON Feed 1.1. Returns the feed."""
    feed: dict[str, Any] = json.loads(data.decode("utf-8"))
    wrong = best_match(_JSON_FEED.iter_errors(feed))
    assert wrong is None, f"{wrong.json_path}: {wrong.message}"
    assert all(is_uri(feed[key]) for key in ("home_page_url", "feed_url") if key in feed)
    for item in feed["items"]:
        assert item["id"].strip()
        assert all(is_uri(item[key]) for key in ("url", "image") if key in item)
        assert all(RFC3339.fullmatch(item[key]) for key in ("date_published", "date_modified") if key in item)
        assert all(is_uri(attachment["url"]) for attachment in item.get("attachments", ()))
    return feed
