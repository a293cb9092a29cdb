"""Reads of one post all but its text: who it is, where it is published, and whether it is at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache, lru_cache
from pathlib import PurePosixPath
from urllib.parse import quote

from msgspec import Struct, field

from feedbot.sources.posts import fields, permalink
from feedbot.sources.posts.cascade import over
from feedbot.sources.posts.engineconfig import EngineConfig
from feedbot.sources.posts.frontmatter import FrontMatter, FrontMatterError, normal, read
from feedbot.sources.posts.permalink import MissingFieldError, absolute, dated_name, expand
from feedbot.sources.posts.presets import Preset
from feedbot.sources.posts.tree import Found
from feedbot.sources.posts.values import decoded

History = Mapping[str, fields.Commits]
"""When files were first and last committed, by name; only asked for posts that say nothing of it themselves."""

_NO_POSTS = frozenset({"readme", "license", "licence", "changelog", "contributing", "code_of_conduct", "security"})
_ID_KEYS = ("id", "guid")
_LANGUAGE_KEYS = ("lang", "language", "locale")
_DRAFTS = frozenset({"drafts", "_drafts", "draft", "_draft"})
_HEADING = re.compile(r"^#[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)


class Outline(Struct, frozen=True, kw_only=True):
    """A post before it is rendered. ``own_id`` is the id that its front matter gives, ``url`` "" without a site.

    ``expires`` is when it is to be published no longer.
    """

    file: Found
    matter: FrontMatter
    body: str
    body_line: int
    slug: str
    url: str
    published: datetime | None
    updated: datetime | None
    expires: datetime | None
    tags: tuple[str, ...]
    own_id: str
    language: str
    extra: Mapping[str, object]


class Site(Struct, frozen=True):
    """What a post's address hangs on besides the post; days are counted in ``zone``.

    ``folder`` is the path of the posts' folder, from wherever: its end belongs to the addresses of some tools. A post
    that has expired at ``now`` is skipped. ``engine`` is what the blog's own tool is told.
    """

    address: str
    rules: Preset
    zone: tzinfo
    folder: str = ""
    now: datetime | None = None
    engine: EngineConfig = field(default_factory=EngineConfig)


class Skipped(Exception):  # noqa: N818 - nothing is wrong
    """The file is none to publish: a draft, or (``post`` False) no post at all."""

    def __init__(self, *, post: bool) -> None:
        super().__init__()
        self.post = post


def outline(
    file: Found, data: bytes, site: Site, history: History | None = None, below: FrontMatter | None = None
) -> Outline:
    """Read a post of its bytes; ``below`` is said of it elsewhere, where its front matter does not.

    Raises Skipped, or FrontMatterError for what is wrong with it.
    """
    rules = site.rules
    name, language = _translated(file.name, site.engine)
    found, body, body_line = read(decoded(data), headers=rules.headers)
    if found is None:
        if PurePosixPath(name).stem.lower() in _NO_POSTS:
            raise Skipped(post=False)
        if not (rules.bare or (below and below.values)):
            raise FrontMatterError("it has no front matter", 1, "start it with --- and a title, or leave it out "
                                   "with files")  # fmt: skip
    matter = found or FrontMatter()
    if below is not None:
        matter = over(matter, below, deep=site.engine.deep)
    matter = matter.lifted(rules.lifted)
    if fields.is_draft(matter, rules.publish_if) or _among_drafts(name) or matter.get("permalink") is False:
        raise Skipped(post=True)
    expires = fields.date(matter, rules.expires, site.zone, month_first=rules.month_first)
    if expires is not None and site.now is not None and expires <= site.now:
        raise Skipped(post=True)

    def commits() -> fields.Commits | None:
        return history.get(file.name) if history is not None else None

    published = _date(rules.date, matter, name, site, commits)
    slug = _slug(matter, body, name, rules)
    mapped = _mapped(rules)
    folders = _folder_categories(matter, name, rules)
    return Outline(
        file=file,
        matter=matter,
        body=body,
        body_line=body_line,
        slug=slug,
        url=_url(name, matter, slug, published, site, language),
        published=_opened(published, matter, site),
        updated=_date(rules.updated, matter, name, site, commits),
        expires=expires,
        tags=_tags(matter, (*folders, *(fields.inline_tags(body) if rules.inline_tags else ())), site),
        own_id=fields.text(matter.first(_ID_KEYS)[1]),
        language=fields.language(matter.first(_LANGUAGE_KEYS)[1]) or language,
        extra={matter.names[key]: value for key, value in matter.values.items() if key not in mapped},
    )


@lru_cache(maxsize=256)  # asked for several times of a post
def path_of(name: str) -> str:
    """The path of a post without what is of no meaning to readers: the suffix, and ``index``."""
    path = PurePosixPath(name).with_suffix("")
    return (path.parent if path.name == "index" and path.parent.name else path).as_posix()


def tag_uri(source: str, name: str) -> str:
    """The id of a post that has no address (RFC 4151)."""
    return f"tag:feedbot,2026:{quote(source)}/{quote(path_of(name))}"


@cache
def _mapped(rules: Preset) -> frozenset[str]:
    """All front matter keys that have a meaning of their own; what else a post has is its ``extra``."""
    lists = (rules.title, rules.date, rules.updated, rules.expires, rules.slug, rules.permalink_from, rules.aliases,
             rules.authors, rules.tags_from, rules.summary, rules.image, rules.publish_if)  # fmt: skip
    known = (key for keys in (*lists, fields.STATUS_KEYS, _ID_KEYS, _LANGUAGE_KEYS) for key in keys)
    return frozenset(normal(key.partition(".")[0]) for key in known)


def _among_drafts(name: str) -> bool:
    """Whether a post lies in a folder of drafts; one that has such a folder for itself is about them."""
    path = PurePosixPath(name)
    folders = path.parts[:-1] if path.stem != "index" else path.parts[:-2]
    return not _DRAFTS.isdisjoint(folder.casefold() for folder in folders)


def _date(keys: tuple[str, ...], matter: FrontMatter, name: str, site: Site, commits: fields.Ask) -> datetime | None:
    """The first date that there is, of front matter, of the name of the file or of commits."""
    for key in keys:
        if key == ":filename":
            found = fields.written_date(_name_date(name), site.zone)
        elif key in (":git-first", ":git-last"):
            told = commits()
            found = told[key == ":git-last"] if told is not None else None
        else:
            found = fields.date(matter, [key], site.zone, commits, month_first=site.rules.month_first)
        if found is not None:
            return found
    return None


def _opened(published: datetime | None, matter: FrontMatter, site: Site) -> datetime | None:
    """The date of a post; while it, or the time that the post opens at, is still to come, that time."""
    opens = fields.date(matter, site.rules.opens, site.zone, month_first=site.rules.month_first)
    if opens is None or published is None or site.now is None or max(opens, published) <= site.now:
        return published
    return opens


def _name_date(name: str) -> str:
    path = path_of(name)
    return dated_name(PurePosixPath(path).name)[0] or permalink.dated_path(path)[0]


def _slug(matter: FrontMatter, body: str, name: str, rules: Preset) -> str:
    """The first slug that there is; else the name of the file, or of the folder that is its own."""
    path = path_of(name)
    for key in rules.slug:
        if key in (":title", ":title-ascii"):
            heading = _HEADING.search(body)
            title = fields.text(matter.first(rules.title)[1]) or (heading[1] if heading else "")
            slug = permalink.title_slug(title, ascii_only=key == ":title-ascii")
        elif key == ":dated-path":
            slug = permalink.dated_path(path)[1]
        else:
            slug = fields.text(matter.get(key)).strip("/")
        if slug:
            return slug
    last = PurePosixPath(path).name
    slug = dated_name(last)[1] if rules.dated_names else last
    return permalink.plain_name(slug) if rules.plain_names else slug


def _tags(matter: FrontMatter, more: tuple[str, ...], site: Site) -> tuple[str, ...]:
    """The tags of front matter and ``more``, by the names that the blog's tool is told of."""
    rules, named = site.rules, site.engine.tags
    found = fields.tags(matter, rules.tags_from, spaced=rules.spaced_tags, more=more, dropped=rules.dropped_tags)
    return tuple(dict.fromkeys(named.get(tag, tag) for tag in found)) if named else found


def _folder_categories(matter: FrontMatter, name: str, rules: Preset) -> tuple[str, ...]:
    """The categories that a post has by where it lies: Jekyll's above ``_posts``, Pelican's one folder."""
    if not rules.folder_tags:
        return ()
    folders = PurePosixPath(name).parts[:-1]
    if "_posts" in folders:
        return folders[: folders.index("_posts")]
    return () if matter.get("category") else folders[-1:]


def _translated(name: str, engine: EngineConfig) -> tuple[str, str]:
    """The name of a post without the language that it ends in (``index.de.md``), and that language."""
    stem, dot, suffix = name.rpartition(".")
    start, _, language = stem.rpartition(".")
    if start and language.lower() in engine.languages:
        return f"{start}{dot}{suffix}", language
    return name, ""


def _url(name: str, matter: FrontMatter, slug: str, published: datetime | None, site: Site, language: str) -> str:
    rules = site.rules

    def field(key: str) -> str:
        return _field(key, name, slug, matter, site)

    pattern = _pattern(name, site)
    day = published.astimezone(site.zone) if published is not None else None
    for key in rules.permalink_from:
        text = fields.text(matter.get(key)) if isinstance(matter.get(key), str) else ""
        text = permalink.filled(text, field, day) if "{{" in text else text
        if rules.permalink_tokens and (tokens := permalink.of_tokens(text)):
            pattern = tokens
            break
        if own := absolute(site.address, _rooted(key, text)):
            return own.removesuffix("index.html") if own.endswith("/index.html") else own
    if not site.address:
        return ""
    theirs = language.lower() if language.lower() != site.engine.language or site.engine.prefixed else ""
    try:
        return site.address + (theirs and f"/{theirs}") + expand(pattern, field, day)
    except MissingFieldError as missing:
        has = "the post has no date" if missing.field in ("year", "month", "day", "date") else "the post has none"
        message = f"its address {pattern} needs {{{missing.field}}}, and {has}"
        raise FrontMatterError(message, 1, "add it to the front matter, or set permalink") from None


def _pattern(name: str, site: Site) -> str:
    """The pattern of a post's address: that of its section, else that of all posts."""
    rules, engine = site.rules, site.engine
    if engine.sections:
        path = f"{permalink.section(site.folder, rules.folders, rules.inputs)}/{name}".lstrip("/")
        folders = PurePosixPath(path).parts[:-1]
        nearest = ("/".join(folders[:depth]) for depth in range(len(folders), 0, -1))
        return next((engine.sections[each] for each in nearest if each in engine.sections), rules.permalink)
    return engine.permalink or rules.permalink


def _field(key: str, name: str, slug: str, matter: FrontMatter, site: Site) -> str:
    """A field of a permalink by its name, "" where the post has none."""
    rules, path = site.rules, path_of(name)
    plain = permalink.plain_name if rules.plain_names else str
    parent = _folder(path, rules).as_posix()
    match key:
        case "slug":
            return slug
        case "path":
            return plain(path)
        case "dir":
            return plain(parent) if parent != "." else ""
        case "page":
            return path + ("/" if PurePosixPath(name).stem == "index" else ".html")
        case "section":
            return permalink.section(site.folder, rules.folders, rules.inputs)
        case "page.filePathStem":  # Eleventy's, from the folder on that it reads
            *folders, last = PurePosixPath(name).with_suffix("").parts
            top = permalink.section(site.folder, rules.folders, rules.inputs)
            return "/" + "/".join(step for step in (top, *folders, dated_name(last)[1]) if step)
        case "categories":
            own = fields.tags(matter, ("categories", "category"), spaced=rules.spaced_tags)
            return "/".join(dict.fromkeys((*_folder_categories(matter, name, rules), *own))).lower()
        case "category" if matter.get(key) is None:
            return next(iter(fields.tags(matter, ("categories",), spaced=rules.spaced_tags)), "")
    return next(iter(fields.texts(matter.get(key))), "")


def _folder(path: str, rules: Preset) -> PurePosixPath:
    """The folder that a post is in, where the one of its own name is not counted if the tool does not."""
    post = PurePosixPath(path)
    own = rules.doubled_names and dated_name(post.parent.name)[1] == dated_name(post.name)[1]
    return post.parent.parent if own else post.parent


def _rooted(key: str, address: str) -> str:
    """An address of front matter from the root of the site on, where its key says that it is nothing else."""
    if normal(key) == "path" and address and "." not in address.rpartition("/")[2]:
        address = address.rstrip("/") + "/"
    if normal(key) in ("path", "url", "save_as") and "/" not in address and re.fullmatch(r"[\w.~%-]+", address):
        return f"/{address}"
    return address
