"""Finds the hub that a feed names, in its headers or its own head (W3C Recommendation WebSub, 2018, section 4)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urljoin, urlsplit

from feedbot.model import Hub
from feedbot.sources.feed.head import head_of, links

_LINK = re.compile(r"<(?:[\w-]{1,40}:)?link\s([^<>]{1,4000})>")
_ATTRIBUTE = re.compile(r"([\w:-]{1,40})\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")

NO_HUB = Hub("", "")


def hub_of(text: str, url: str, headers: Mapping[str, str]) -> Hub:
    """The hub of the feed that came from ``url``, and the address it has there; both "" where it names none."""
    hub = topic = ""
    for relation, address in (*_in_header(headers.get("link", "")), *_in_text(text)):
        try:
            absolute = urljoin(url, address)
            scheme = urlsplit(absolute).scheme
        except ValueError:  # brackets with no address of IPv6 in them
            continue
        if scheme not in ("http", "https") or len(absolute) > 2000:
            continue
        if "hub" in relation and not hub:
            hub = absolute
        elif "self" in relation and not topic:
            topic = absolute
    return Hub(hub, topic or url) if hub else NO_HUB


def _in_header(value: str) -> Iterator[tuple[list[str], str]]:
    for address, said in links(value):
        yield said.get("rel", "").lower().split(), address


def _in_text(text: str) -> Iterator[tuple[list[str], str]]:
    if text.lstrip("\ufeff \t\r\n")[:1] == "{":
        yield from _in_json(text)
        return
    for attributes in _LINK.findall(head_of(text)):
        said = {name.lower(): double or single for name, double, single in _ATTRIBUTE.findall(attributes)}
        if "rel" in said and "href" in said:
            yield said["rel"].lower().split(), html.unescape(said["href"])


def _in_json(text: str) -> Iterator[tuple[list[str], str]]:
    if '"hubs"' not in text:
        return
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError):
        return
    hubs = feed.get("hubs") if isinstance(feed, dict) else None
    for hub in hubs if isinstance(hubs, list) else ():
        if isinstance(hub, dict) and str(hub.get("type", "")).lower() == "websub" and isinstance(hub.get("url"), str):
            yield ["hub"], hub["url"]
    if hubs and isinstance(feed.get("feed_url"), str):
        yield ["self"], feed["feed_url"]
