"""What the elements of RSS and Atom mean to feedparser, oddities and all: the same values come out.

A handler gets the feed, entry or source that an element is of, the element with its attributes, and what is in force
there. What is not handled raises ``UnclearError``, unless nothing of it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from feedbot.core.dates import parse_date
from feedbot.sources.feed.entry import author_with_mail
from feedbot.sources.feed.values import Context, Scope, joined, mended, require_leaf, seems_html, value_of, with_href
from feedbot.sources.feed.vocabulary import Names, UnclearError, attributes

_TEXT, _HTML = "text/plain", "text/html"
_TYPES = {"text": _TEXT, "plain": _TEXT, _TEXT: _TEXT, "html": _HTML, _HTML: _HTML}
_PAGES = frozenset({"html", "xhtml", _HTML, "application/xhtml+xml"})
_AMPERSAND = re.compile("&([A-Za-z0-9_]+);")
_ITUNES_SCHEME = "http://www.itunes.com/"
_MEDIA_SCHEME = "http://search.yahoo.com/mrss/category_schema"
_UNREAD = "unread"
_PERSON = {"name": "name", "itunes_name": "name", "email": "email", "itunes_email": "email"} | dict.fromkeys(
    ("url", "uri", "homepage"), "href"
)
_DATES = (
    dict.fromkeys("published pubdate issued dcterms_issued".split(), "published")
    | dict.fromkeys("updated modified lastbuilddate dc_date dcterms_modified".split(), "updated")
    | dict.fromkeys("created dcterms_created".split(), "created")
)
_BOXES = {
    "image": frozenset("title link description url width height".split()),
    "textinput": frozenset("title link description name".split()),
}


class Elements:
    """Takes the elements of one document in their order."""

    def __init__(self, names: Names, atom: bool) -> None:
        self._names = names
        self._atom = atom
        # As feedparser has them, and across entries: a title was read this deep; there was a text called content.
        self._title_depth = -1
        self._has_content = False

    def entry(self, element: Element, scope: Scope) -> dict[str, Any]:
        """The values of an entry; ``scope`` is what is in force in it."""
        self._title_depth = -1
        entry = Context(depths={})
        self.children(element, entry, OF_ENTRY, scope)
        self.settle(entry)
        self._has_content = False
        return entry.values

    def children(self, element: Iterable[Element], into: Context, known: Mapping[str, Handler], scope: Scope) -> None:
        """Take what stands in an element, the names that are ``known`` there."""
        inside = scope.of({})
        for child in element:
            handler = known.get(self._names.of(child))
            if handler is None:
                self._pass_over(child)
            elif child.attrib:
                given = attributes(child)
                handler(self, into, child, given, scope.of(given))
            else:
                handler(self, into, child, {}, inside)

    def settle(self, of: Context) -> None:
        """Leave a feed to feedparser where its way of reading names with mail addresses would show."""
        authors = of.values.get("authors", ())
        if any(_UNREAD in author for author in authors) and (
            self._atom or len(authors) > 1 or not author_with_mail(of.values["author"])
        ):
            raise UnclearError

    def _pass_over(self, element: Element) -> None:
        """Nothing of an element is read, if it has no name that means something, nor anything inside it has."""
        for inner in element.iter():
            if self._names.of(inner) in MEANINGFUL:
                raise UnclearError

    def title(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        """The first title that is not empty counts, but for one that stands less deep."""
        part = self._part(element, given, scope, _TEXT)
        if not -1 < self._title_depth <= scope.depth:
            into.store("title", part["value"], scope.depth)
            into.values["title_detail"] = part
        if part["value"]:
            self._title_depth = scope.depth

    def media_title(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        depth = self._title_depth
        self.title(into, element, given, scope)
        self._title_depth = depth

    def description(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        if "summary" in into.values and not self._has_content:
            self.content(into, element, given, scope)
        else:
            self._said("subtitle" if into.depths is None else "summary", into, element, given, scope, _HTML)

    def summary(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        if "summary" in into.values and not self._has_content:
            self.content(into, element, given, scope)
        else:
            self._said("summary", into, element, given, scope, _TEXT)

    def rights(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        self._said("rights", into, element, given, scope, _TEXT)

    def content(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        self._content(into, self._part(element, given, scope, _TEXT))

    def encoded(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        self._content(into, self._part(element, given, scope, _HTML))

    def _content(self, into: Context, part: dict[str, Any]) -> None:
        self._has_content = True
        into.values.setdefault("content", []).append(part)
        into.values.setdefault("summary", part["value"])

    def _said(self, key: str, into: Context, element: Element, given: dict[str, str], scope: Scope, kind: str) -> None:
        part = self._part(element, given, scope, kind)
        into.store(key, part["value"], scope.depth)
        into.values[f"{key}_detail"] = part

    def _part(self, element: Element, given: dict[str, str], scope: Scope, kind: str) -> dict[str, Any]:
        """A text with its type, which in RSS is guessed."""
        stated = _TYPES.get(given["type"], "") if "type" in given else kind
        if not stated or len(element) or "mode" in given:
            raise UnclearError
        text = (element.text or "").strip()
        if stated == _TEXT and not self._atom and seems_html(text):
            stated = _HTML
        return {"type": stated, "language": scope.language, "base": scope.base, "value": mended(text)}

    def link(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        link = with_href({"rel": "alternate", **given})
        link.setdefault("type", "application/atom+xml" if link["rel"] == "self" else _HTML)
        into.values.setdefault("links", []).append(link)
        if "href" in link:
            link["href"] = joined(scope.base, link["href"])
            if link["rel"] == "alternate" and link["type"] in _PAGES:
                into.values["link"] = link["href"]
            return
        href = value_of(element, scope.base)
        if into.depths is not None:
            href = href.replace("&amp;", "&")
        into.values["link"] = href = _AMPERSAND.sub(r"&\1", href)
        if href or into.depths is None:
            link["href"] = href

    def enclosure(self, into: Context, _element: Element, given: dict[str, str], _: Scope) -> None:
        into.values.setdefault("links", []).append({**with_href(given), "rel": "enclosure"})

    def id(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        is_link = given.get("ispermalink", "true") == "true"
        value = value_of(element, scope.base if is_link else "")
        into.store("id", value, scope.depth)
        if is_link:
            into.values.setdefault("link", value)

    def author(self, into: Context, element: Element, _given: dict[str, str], scope: Scope) -> None:
        into.values.setdefault("authors", []).append({})
        said = element.text or ""
        for child in element:
            name = self._names.of(child)
            if name in _PERSON:
                self._of_person(into, _PERSON[name], child, scope)
            elif name in MEANINGFUL or len(child) or (child.attrib and (child.text or "").strip()):
                raise UnclearError
            said += child.tail or ""
        into.store("author", mended(said.strip()), scope.depth)
        self._agree(into)

    def owner(self, into: Context, element: Element, _given: dict[str, str], scope: Scope) -> None:
        """Of whom feedparser makes the last author, too."""
        for child in element:
            key = _PERSON.get(self._names.of(child))
            if key not in ("name", "email"):
                raise UnclearError
            self._of_person(into, key, child, scope, "publisher")

    def _of_person(self, into: Context, key: str, element: Element, scope: Scope, kind: str = "author") -> None:
        if len(element):
            raise UnclearError
        if key == "href":
            value = value_of(element, scope.of(attributes(element)).base)
        else:
            value = (element.text or "").strip()
        # feedparser changes one author after the other here, where it has taken the detail from the list.
        into.values.setdefault(f"{kind}_detail", {})[key] = value
        self._agree(into)
        into.values.setdefault("authors", [{}])[-1][key] = value

    def _agree(self, into: Context) -> None:
        """Make the text "author" of the last author, or the other way round."""
        values = into.values
        detail = values.get("authors", [{}])[-1]
        if _UNREAD in detail:
            raise UnclearError
        name, email = detail.get("name"), detail.get("email")
        if detail:
            if name or email:
                values["author"] = f"{name} ({email})" if name and email else name or email
        elif text := values.get("author"):
            values.setdefault("author_detail", detail)
            detail["name"] = text
            if "@" in text:
                detail[_UNREAD] = text

    def contributor(self, _into: Context, element: Element, _given: dict[str, str], _scope: Scope) -> None:
        for child in element:
            name = self._names.of(child)
            if len(child) or (name in MEANINGFUL and name not in _PERSON):
                raise UnclearError

    def source(self, into: Context, element: Element, _given: dict[str, str], scope: Scope) -> None:
        self._title_depth = -1
        source = Context()
        self.children(element, source, _OF_SOURCE, scope)
        self.settle(source)
        into.values["source"] = source.values

    def image(self, into: Context, element: Element, _given: dict[str, str], scope: Scope) -> None:
        """A feed's picture or box, of which nothing is read; its title is a title all the same."""
        self._title_depth = -1
        allowed = _BOXES[self._names.of(element)] if into.depths is None else ()
        for child in element:
            if self._names.of(child) not in allowed or len(child) or child.attrib:
                raise UnclearError
            if self._names.of(child) == "title" and (child.text or "").strip():
                self._title_depth = scope.depth + 1

    def itunes_image(self, into: Context, _element: Element, given: dict[str, str], _scope: Scope) -> None:
        address = given.get("href") or given.get("url")
        if address:
            into.values["image"] = {"href": address}

    def media(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        if self._names.of(element) == "media_content":
            into.values.setdefault("media_content", []).append(given)
        self.children(element, into, OF_ENTRY, scope)

    def thumbnail(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        into.values.setdefault("media_thumbnail", []).append(given)
        address = value_of(element, scope.base)
        if address:
            given.setdefault("url", address)

    def category(self, into: Context, element: Element, given: dict[str, str], _scope: Scope) -> None:
        scheme = given.get("scheme", given.get("domain"))
        if scheme is None and self._names.of(element) == "media_category":
            scheme = _MEDIA_SCHEME
        self._tagged(into, element, given.get("term"), scheme, given.get("label"))

    def itunes_category(self, into: Context, element: Element, given: dict[str, str], _scope: Scope) -> None:
        self._tagged(into, element, given.get("text"), _ITUNES_SCHEME, None)

    def _tagged(self, into: Context, element: Element, term: str | None, scheme: str | None, label: str | None) -> None:
        value = value_of(element)
        into.tag(term, scheme, label)
        if value and not into.complete_tag(value):
            into.tag(value, None, None)

    def keywords(self, into: Context, element: Element, given: dict[str, str], _scope: Scope) -> None:
        value = value_of(element)
        scheme = _ITUNES_SCHEME if self._names.of(element) == "itunes_keywords" else None
        for term in () if given else map(str.strip, value.split(",")):
            if term:
                into.tag(term, scheme, None)

    def explicit(self, into: Context, element: Element, given: dict[str, str], _scope: Scope) -> None:
        require_leaf(element)
        into.values["itunes_explicit"] = "" if given else element.text or ""

    def plain(self, into: Context, element: Element, given: dict[str, str], scope: Scope) -> None:
        """A text, or the attributes, by the element's own name."""
        name = self._names.of(element)
        value = value_of(element, scope.base if name == "comments" else "")
        if given:
            into.values[name] = given
        else:
            into.store(name, value, scope.depth)

    def date(self, into: Context, element: Element, _given: dict[str, str], scope: Scope) -> None:
        key = _DATES[self._names.of(element)]
        value = value_of(element)
        moment = parse_date(value) if value else None
        if (value and moment is None) or scope.depth > (into.depths or {}).get(key, scope.depth):
            raise UnclearError  # feedparser knows more ways to write dates
        into.store(key, value, scope.depth)
        into.values[f"{key}_parsed"] = moment

    def language(self, into: Context, element: Element, _given: dict[str, str], scope: Scope) -> None:
        into.store("language", value_of(element), scope.depth)

    def nothing(self, _into: Context, element: Element, _given: dict[str, str], _scope: Scope) -> None:
        require_leaf(element)

    def nested(self, _into: Context, element: Element, _given: dict[str, str], _scope: Scope) -> None:
        name = self._names.of(element)
        if any(self._names.of(inner) != name for inner in element.iter()):
            raise UnclearError


Handler = Callable[[Elements, Context, Element, dict[str, str], Scope], None]


def _named(**names: str) -> dict[str, Handler]:
    return {name: getattr(Elements, handler) for handler, listed in names.items() for name in listed.split()}


_EVERYWHERE = _named(
    title="title dc_title",
    link="link",
    id="guid id",
    author="author managingeditor dc_author dc_creator itunes_author",
    contributor="contributor",
    nothing="subtitle tagline itunes_subtitle info feedburner_browserfriendly generator cloud expirationdate "
    "newlocation webmaster dc_publisher dc_contributor name email url uri homepage itunes_name itunes_email "
    "width height itunes_block",
)
_OF_SOURCE = _EVERYWHERE | _named(
    nothing="published issued pubdate updated modified lastbuilddate created rights copyright category",
)
OF_ENTRY = _EVERYWHERE | _named(
    media_title="media_title",
    description="description dc_description media_description",
    summary="summary itunes_summary",
    content="content",
    encoded="content_encoded",
    rights="rights copyright dc_rights",
    enclosure="enclosure",
    owner="itunes_owner",
    source="source",
    image="image",
    itunes_image="itunes_image",
    media="media_content media_group",
    thumbnail="media_thumbnail",
    category="category keywords dc_subject media_category",
    itunes_category="itunes_category",
    keywords="media_keywords itunes_keywords",
    explicit="itunes_explicit",
    plain="comments itunes_duration itunes_episode itunes_season itunes_episodetype",
    date=" ".join(_DATES),
    nothing="language dc_language",
)
OF_FEED = _EVERYWHERE | _named(
    media_title="media_title",
    description="description dc_description media_description",
    summary="summary itunes_summary",
    content="content",
    encoded="content_encoded",
    owner="itunes_owner",
    image="image textinput",
    language="language dc_language",
    nested="category itunes_category",
    nothing="published pubdate issued dcterms_issued updated modified lastbuilddate dc_date dcterms_modified created "
    "dcterms_created rights copyright dc_rights enclosure itunes_image media_content media_thumbnail keywords "
    "dc_subject media_category media_keywords itunes_keywords comments itunes_duration itunes_explicit",
)
_READ = (
    "authors author_detail content links tags title_detail summary_detail rights_detail published_parsed "
    "updated_parsed created_parsed date date_parsed modified_parsed issued_parsed description_detail copyright_detail "
    "channel items enclosures license"
)
_HANDLED_OTHERWISE = "rss feed item entry abstract body xhtml_body fullitem tags textinput itunes_link"
MEANINGFUL = frozenset({*OF_ENTRY, *OF_FEED, *_READ.split(), *_HANDLED_OTHERWISE.split()})
"""Names of elements that mean something to feedparser, or under which we would find what an unknown element says."""
