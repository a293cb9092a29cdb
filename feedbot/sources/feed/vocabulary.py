"""The names of elements as feedparser has them: ``media_content``, ``dc_creator``, and plain ones for RSS and Atom.

feedparser goes by namespace, and by the prefix where it does not know the namespace. So names are certain only
where no prefix says what another namespace means.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

ATOM = "http://www.w3.org/2005/atom"
XML = "http://www.w3.org/xml/1998/namespace"
_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_MEDIA = "http://search.yahoo.com/mrss"
# In lower case, as they are compared; "" stands for the vocabularies of RSS and Atom themselves.
NAMESPACES = {
    "": "",
    ATOM: "",
    "http://backend.userland.com/rss": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    XML: "xml",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    _ITUNES: "itunes",
    _MEDIA: "media",
    f"{_MEDIA}/": "media",
}
_ANY_USERLAND = "backend.userland.com/rss"
# What feedparser reads in yet other ways.
LEFT_ALONE = frozenset({
    "http://purl.org/rss/1.0/",
    "http://my.netscape.com/rdf/simple/0.9/",
    "http://example.com/newformat#",
    "http://example.com/necho",
    "http://purl.org/echo/",
    "uri/of/echo/namespace#",
    "http://purl.org/pie/",
    "http://purl.org/atom/ns#",
    "http://purl.org/rss/1.0/modules/rss091#",
    "http://example.com/dtds/podcast-1.0.dtd",
    "http://www.w3.org/1999/xlink",
})  # fmt: skip
# Prefixes that with a name behind them are names of elements or values that mean something to feedparser or us.
_MEANINGFUL = frozenset(NAMESPACES.values()) | frozenset(
    "author copyright created date description issued modified published publisher summary title updated".split()
)
# Attributes that are read. feedparser takes one of a namespace that it does not know for one of none.
_READ = frozenset(
    "about base domain filesize height href isdefault ispermalink label lang lastmod length medium mode rel scheme "
    "src term text type uri url width".split()
)


class UnclearError(Exception):
    """What an element means to feedparser is not certain."""


class Names:
    """What the elements of a document are called; ``declared`` are all its prefixes with their namespaces."""

    def __init__(self, declared: Iterable[tuple[str, str]]) -> None:
        self._known: dict[str, str] = {}
        for prefix, uri in set(declared):
            _require_clear(prefix.lower(), uri.lower())

    def of(self, element: Element) -> str:
        """The name of an element, "" where its namespace is none of ours."""
        tag = element.tag
        name = self._known.get(tag)
        if name is None:
            uri, _, local = tag.rpartition("}")
            prefix = _prefix(uri[1:].lower())
            name = "" if prefix is None else f"{prefix}_{local.lower()}" if prefix else local.lower()
            self._known[tag] = name
        return name


def attributes(element: Element) -> dict[str, str]:
    """The attributes of an element by name, as feedparser has them: ``xml:lang``, ``href``."""
    found: dict[str, str] = {}
    plain: dict[str, str] = {}
    for key, value in element.items():
        name = key.lower()
        if name[:1] != "{":
            plain[name] = value.lower() if name in ("rel", "type") else value
            continue
        uri, _, local = name[1:].partition("}")
        if uri != XML and local in _READ:
            raise UnclearError
        found[f"xml:{local}" if uri == XML else local] = value
    return found | plain if found else plain


def _require_clear(prefix: str, uri: str) -> None:
    known = _prefix(uri)
    if uri in LEFT_ALONE or (known is None and prefix in _MEANINGFUL):
        raise UnclearError
    if known is not None and prefix and prefix != known and prefix in _MEANINGFUL:
        raise UnclearError


def _prefix(uri: str) -> str | None:
    return "" if _ANY_USERLAND in uri else NAMESPACES.get(uri)
