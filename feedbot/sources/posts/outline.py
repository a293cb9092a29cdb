"""Reads of one post all but its text: who it is, where it is published, and whether it is at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import PurePosixPath
from urllib.parse import quote

from feedbot.core.text import storable
from feedbot.sources.posts import fields
from feedbot.sources.posts.frontmatter import FrontMatter, FrontMatterError, normal, parse, split
from feedbot.sources.posts.permalink import MissingFieldError, absolute, dated_name, expand
from feedbot.sources.posts.presets import ID_KEYS, LANGUAGE_KEYS, Preset, mapped_keys
from feedbot.sources.posts.scan import Found

_NO_POSTS = frozenset({"readme", "license", "licence", "changelog", "contributing", "code_of_conduct", "security"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A post before it is rendered. ``own_id`` is the id that its front matter gives, ``url`` "" without a site."""

    file: Found
    matter: FrontMatter
    body: str
    body_line: int
    slug: str
    url: str
    published: datetime | None
    updated: datetime | None
    own_id: str
    language: str
    extra: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Site:
    """What a post's address hangs on besides the post; days are counted in ``zone``."""

    address: str
    rules: Preset
    zone: tzinfo


class Skipped(Exception):  # noqa: N818 - nothing is wrong
    """The file is none to publish: a draft, or (``post`` False) no post at all."""

    def __init__(self, *, post: bool) -> None:
        super().__init__()
        self.post = post


def outline(file: Found, data: bytes, site: Site) -> Outline:
    """Read a post of its bytes. Raises Skipped, or FrontMatterError for what is wrong with it."""
    parts = split(_decoded(data))
    if parts.matter is None:
        if PurePosixPath(file.name).stem.lower() in _NO_POSTS:
            raise Skipped(post=False)
        if not site.rules.bare:
            raise FrontMatterError("it has no front matter", 1, "start it with --- and a title, or leave it out "
                                   "with files")  # fmt: skip
    matter = parse(parts.matter, parts.matter_line) if parts.matter is not None else FrontMatter()
    if fields.is_draft(matter):
        raise Skipped(post=True)
    name_date, name = _name(file.name, site.rules)
    slug = fields.text(matter.first(site.rules.slug)[1]).strip("/") or name
    published = fields.date(matter, site.rules.date, site.zone)
    if published is None and name_date:
        published = fields.date(FrontMatter({"date": name_date}), ["date"], site.zone)
    mapped = {normal(key) for key in mapped_keys(site.rules)}
    return Outline(
        file=file,
        matter=matter,
        body=parts.body,
        body_line=parts.body_line,
        slug=slug,
        url=_url(file, matter, slug, published, site),
        published=published,
        updated=fields.date(matter, site.rules.updated, site.zone),
        own_id=fields.text(matter.first(ID_KEYS)[1]),
        language=fields.language(matter.first(LANGUAGE_KEYS)[1]),
        extra={matter.names[key]: value for key, value in matter.values.items() if key not in mapped},
    )


def path_of(name: str) -> str:
    """The path of a post without what is of no meaning to readers: the suffix, and ``index``."""
    path = PurePosixPath(name).with_suffix("")
    return (path.parent if path.name == "index" and path.parent.name else path).as_posix()


def tag_uri(source: str, name: str) -> str:
    """The id of a post that has no address (RFC 4151)."""
    return f"tag:feedbot,2026:{quote(source)}/{quote(path_of(name))}"


def _decoded(data: bytes) -> str:
    try:
        return storable(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FrontMatterError("it is not UTF-8", line, "save it as UTF-8") from None


def _name(name: str, rules: Preset) -> tuple[str, str]:
    """The date and the slug that a file's name, or its folder's, gives a post."""
    last = PurePosixPath(path_of(name)).name
    return dated_name(last) if rules.dated_names else ("", last)


def _url(file: Found, matter: FrontMatter, slug: str, published: datetime | None, site: Site) -> str:
    own = next((url for key in site.rules.url if (url := absolute(site.address, fields.text(matter.get(key))))), "")
    if own or not site.address:
        return own

    def field(name: str) -> str:
        values = {"slug": slug, "path": path_of(file.name)}
        return values.get(name) or next(iter(fields.texts(matter.get(name))), "")

    day = published.astimezone(site.zone) if published is not None else None
    try:
        return site.address + expand(site.rules.permalink, field, day)
    except MissingFieldError as missing:
        has = "the post has no date" if missing.field in ("year", "month", "day", "date") else "the post has none"
        message = f"its address {site.rules.permalink} needs {{{missing.field}}}, and {has}"
        raise FrontMatterError(message, 1, "add it to the front matter, or set permalink") from None
