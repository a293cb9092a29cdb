"""Writes a feed as a page for people: what it is, how to follow it, what it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from feedbot.core.publication import Publication, address, relative
from feedbot.core.text import shorten
from feedbot.formats.legal import headline, is_web, legal_channel, legal_entry
from feedbot.formats.markup import Link, anchor, escape, moment, page, path_href, subscribe, without_ids
from feedbot.model import Channel, Entry

_EXCERPT = 280
_SHORT = 600  # a text of up to so many characters stands in the page; a longer one opens


class HtmlFormat:
    """HTML: subscribe buttons, autodiscovery, dark and printed looks; no script, and nothing but entries from afar."""

    extension: ClassVar[str] = "html"
    media_type: ClassVar[str] = "text/html"
    version: ClassVar[int] = 4

    def render(self, channel: Channel, entries: Sequence[Entry]) -> bytes:
        """Write the entries in the order given, as UTF-8. No input makes it raise, or makes it pass a script."""
        legal = [legal_entry(entry) for entry in entries]
        publication = legal_channel(channel, legal)
        links = list(_links(publication))
        articles = "".join(_article(publication, entry) for entry in legal)
        body = (
            f'<header>\n<h1 dir="auto">{escape(publication.title)}</h1>\n{_about(publication)}</header>\n'
            f"{subscribe(links)}{_navigation(publication)}<main>\n{articles or _EMPTY}</main>\n{_pager(publication)}"
        )
        alternates = [(link, f"{publication.title} ({link.name})") for link in links]
        return page(publication.title, publication.language, alternates, body).encode()


_EMPTY = '<p class="dim">There is nothing here yet.</p>\n'


def _links(publication: Publication) -> Iterator[Link]:
    """The feed in its formats; that of an archive page is the current one, as what is archived has nothing new."""
    for one in publication.siblings:
        if one.media_type == HtmlFormat.media_type:
            continue
        if publication.archived:
            extension = one.path.rpartition(".")[2]
            path, full = f"{publication.current}.{extension}", address(publication, publication.current, extension)
        else:
            path, full = one.path, publication.urls.get(one.kind, "")
        yield Link(path_href(relative(publication, path)), full, one.media_type)


def _about(publication: Publication) -> str:
    described = f'<p class="dim">{escape(publication.description)}</p>\n' if publication.description else ""
    if publication.archived:
        described += '<p class="dim">Older entries, from the archive of the feed.</p>\n'
    if is_web(publication.link):
        described += f'<p class="dim">{anchor(publication.link, publication.link)}</p>\n'
    return described


def _navigation(publication: Publication) -> str:
    related = [(relative(publication, one.path), one.label) for one in publication.related]
    return _nav(related)


def _pager(publication: Publication) -> str:
    """Links to the archive pages beside this one (RFC 5005)."""
    pages = (("Older entries", publication.previous), ("Newer entries", publication.next))
    current = (("The newest entries", publication.current),)
    return _nav([(f"{relative(publication, path)}.html", label) for label, path in (*pages, *current) if path])


def _nav(links: Sequence[tuple[str, str]]) -> str:
    shown = "\n".join(anchor(path_href(path), label) for path, label in links)
    return f"<nav>\n{shown}\n</nav>\n" if shown else ""


def _article(publication: Publication, entry: Entry) -> str:
    title = escape(headline(entry))
    if is_web(entry.url):
        title = f'<a href="{escape(entry.url)}">{title}</a>'
    language = f' lang="{escape(entry.language)}"' if entry.language and entry.language != publication.language else ""
    byline = " · ".join(f"<bdi>{part}</bdi>" for part in _byline(publication, entry))
    return (
        f'<article dir="auto"{language}>\n<h2>{title}</h2>\n<p class="dim">{byline}</p>\n'
        f"{_text(entry)}{_enclosures(entry)}</article>\n"
    )


def _byline(publication: Publication, entry: Entry) -> Iterator[str]:
    yield moment(entry.published or entry.updated or entry.first_seen)
    names = ", ".join(author.name for author in entry.authors)
    if names:
        yield escape(names)
    origin = publication.origins.get(entry.source)
    if origin and origin.title:
        yield anchor(origin.link, origin.title) if is_web(origin.link) else escape(origin.title)
    if entry.tags:
        yield escape(", ".join(entry.tags))


def _text(entry: Entry) -> str:
    from feedbot.core.html import clean, to_text  # not above: most runs write no feed

    # Clean already where it comes from feedbot; a page is no place to rely on that.
    content = without_ids(clean(entry.content or entry.summary))
    words = to_text(content)
    if not content.strip():
        return ""
    if len(words) <= _SHORT or not entry.content:
        return f'<div class="text">{content}</div>\n'
    excerpt = shorten(to_text(entry.summary) or words, _EXCERPT)
    opened = f'<details>\n<summary>Read on</summary>\n<div class="text">{content}</div>\n</details>\n'
    return f"<p>{escape(excerpt)}</p>\n{opened}"


def _enclosures(entry: Entry) -> str:
    shown = []
    for one in entry.enclosures:
        if not is_web(one.url):
            continue
        kind = one.type.partition("/")[0]
        if kind in ("audio", "video"):
            shown.append(f'<{kind} controls preload="none" src="{escape(one.url)}"></{kind}>')
        shown.append(f'<p class="dim">{anchor(one.url, one.url.rpartition("/")[2] or one.url)} {escape(one.type)}</p>')
    return "".join(f"{line}\n" for line in shown)
