"""Addresses in a feed: told apart as stated or relative, and made absolute.

feedparser joins every address, ids too, with the base of the document. It is given a base that exists
nowhere, so that what was relative can be told, and an id be given back as it came.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from feedbot.core.address import resolve, usual_host

UNSTATED = "http://feedbot.invalid/-/"
"""The base that feedparser is told. It has a folder, so that "x" and "/x" stay different."""
_ORIGIN = UNSTATED.removesuffix("/-/")


def as_it_came(address: str) -> str:
    """An address without the base that the feed did not state."""
    if address.startswith(UNSTATED):
        return address.removeprefix(UNSTATED)
    if address.startswith(f"{_ORIGIN}/"):
        return address.removeprefix(_ORIGIN)
    return address


def host(address: str) -> str:
    """The host of an address in lower case, "" where it has none."""
    if usual := usual_host(address):
        return usual
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


def is_web(address: str) -> bool:
    """Whether a browser opens the address as a page: an absolute http or https one."""
    return address.lower().startswith(("http://", "https://")) and bool(host(address))


class Bases(NamedTuple):
    """What relative addresses are read against: where the document came from, and the site it is about."""

    document: str
    site: str = ""

    def absolute(self, address: object) -> str:
        """An address of the feed as an absolute one, "" where there is none or it is not safe."""
        if not isinstance(address, str) or not address.strip():
            return ""
        return resolve(as_it_came(address.strip()), self.site or self.document) or ""

    def of_content(self, stated: str, link: str) -> str:
        """The base of an entry's content: the one stated, else the entry's page, else the site, else the feed.

        A page elsewhere is what a linked list points to and not where the content stands.
        """
        if stated and stated != UNSTATED:
            return self.absolute(stated)
        home = self.site or self.document
        return link if link and (not home or host(link) in (host(self.site), host(self.document))) else home
