"""Makes a document of all posts of a blog: each is read on its own, and a broken one leaves the others alone."""

from __future__ import annotations

import hashlib
import posixpath
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from feedbot.core.text import one_line, slug
from feedbot.model import Document, Item, Memory, Problem
from feedbot.sources.posts import authors, fields
from feedbot.sources.posts.assets import Assets, Mode, relative_path
from feedbot.sources.posts.frontmatter import FrontMatterError
from feedbot.sources.posts.markdown import Addresses, Renderer, closing_line
from feedbot.sources.posts.outline import Outline, Site, Skipped, outline, path_of, tag_uri
from feedbot.sources.posts.permalink import absolute
from feedbot.sources.posts.scan import MAX_AUTHOR, MAX_POST, Scan, read

MAX_BODY = 1_000_000
"""Characters of one post's text."""


def read_blog(found: Scan, site: Site, *, source: str, assets: Mode, memory: Memory) -> Document:
    """Read and render all posts. What cannot be read is a problem, and stands as it is known."""
    problems = [Problem(name, reason) for name, reason in found.refused.items()]
    standing = set(found.refused)
    outlines, drafts, closed = [], 0, False
    for file in found.posts:
        try:
            if file.size > MAX_POST:
                raise FrontMatterError(f"it is larger than {MAX_POST // 1_000_000} MB", 1, "leave it out with files")
            outlines.append(outline(file, read(file.path, MAX_POST), site))
        except Skipped as skipped:
            drafts += skipped.post
        except FrontMatterError as error:
            problems.append(Problem(f"{file.name}:{error.line}", error.message, error.hint))
            standing.add(file.name)
        except OSError as error:
            problems.append(Problem(file.name, f"it cannot be read: {error.strerror}"))
            standing.add(file.name)
            closed = True
    known, author_problems = authors.load(found.authors, lambda file: read(file.path, MAX_AUTHOR))
    press = _Press(found, site, source, assets, known, outlines)
    items = []
    for each in outlines:
        try:
            items.append(press.item(each))
        except Exception as error:  # whatever Markdown does to its parser costs one post, never the blog
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else f"{error}"
            problems.append(Problem(each.file.name, f"it cannot be rendered: {reason}"))
            standing.add(each.file.name)
    problems += [*author_problems, *press.problems, *press.assets.problems, *_shared(outlines)]
    return Document(
        items=tuple(items),
        memory=Memory() if closed else memory,  # what could not be opened is tried again
        complete=True,
        trusted_dates=True,
        standing=frozenset(f"path:{name}" for name in standing),
        problems=tuple(problems),
        notes=(_note(len(items), drafts),),
        assets=press.assets.files,
        link=site.address,
    )


class _Press:
    """Renders posts, each of which may lead to the others."""

    def __init__(self, found: Scan, site: Site, source: str, assets: Mode, known: authors.Directory,
                 outlines: Iterable[Outline]) -> None:  # fmt: skip
        self.assets = Assets(assets, found.real_root)
        self.problems: list[Problem] = []
        self._site = site
        self._source = source
        self._known = known
        self._addresses = _addresses(outlines)
        self._renderer = Renderer()

    def item(self, post: Outline) -> Item:
        rules, matter, name = self._site.rules, post.matter, post.file.name
        title = fields.text(matter.first(rules.title)[1])
        addresses = Addresses(
            lambda href: self._link(post, href),
            lambda src, line: self.assets.image(post.file, post.body_line + line, src),
        )
        rendered = self._renderer.post(
            self._body(post), addresses, title=title, anchor=_anchor(post), mdx=name.lower().endswith(".mdx")
        )
        title = title or rendered.title or fields.in_words(post.slug)
        summary_key, summary = matter.first(rules.summary)
        described = replace(addresses, image=lambda src, _: self.assets.image(post.file, matter.line(summary_key), src))
        return Item(
            id=post.own_id or post.url or tag_uri(self._source, name),
            keys=((f"id:{post.own_id}",) if post.own_id else ()) + (f"path:{name}",),
            url=post.url,
            title=title,
            authors=authors.of((matter.get(key) for key in rules.authors), self._known),
            published=post.published,
            updated=post.updated,
            tags=fields.tags(matter, rules.tags_from),
            summary=self._renderer.line(fields.text(summary), addresses=described) or rendered.opening,
            content=rendered.html + (closing_line(post.url, title) if rendered.dropped else ""),
            base=post.url,
            language=post.language,
            image=self._image(post),
            aliases=self._aliases(post),
            extra=post.extra,
        )

    def _body(self, post: Outline) -> str:
        if len(post.body) <= MAX_BODY:
            return post.body
        cut = post.body[:MAX_BODY].rpartition("\n")[0] or post.body[:MAX_BODY]
        where = f"{post.file.name}:{post.body_line + cut.count(chr(10))}"
        self.problems.append(Problem(where, f"the post is longer than {MAX_BODY // 1_000_000} MB and cut here"))
        return cut

    def _link(self, post: Outline, address: str) -> str:
        relative = relative_path(address)
        if not relative:
            return address
        target = posixpath.normpath(posixpath.join(posixpath.dirname(post.file.name), relative))
        url = self._addresses.get(unicodedata.normalize("NFC", target))
        if url is None:
            return self.assets.link(post.file, address)
        parts = urlsplit(address)
        return url + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")

    def _image(self, post: Outline) -> str:
        key, address = fields.image(post.matter, self._site.rules.image)
        if not relative_path(address):
            return absolute(self._site.address, address)
        image = self.assets.image(post.file, post.matter.line(key), address)
        return urljoin(post.url, image) if image == address and post.url else image or ""

    def _aliases(self, post: Outline) -> tuple[str, ...]:
        named = (text for key in self._site.rules.aliases for text in fields.texts(post.matter.get(key)))
        found = (absolute(self._site.address, name) for name in named)
        return tuple(dict.fromkeys(address for address in found if address and address != post.url))


def _addresses(outlines: Iterable[Outline]) -> Mapping[str, str]:
    """The address of each post by its file, with and without the suffix, and by its folder if it has its own."""
    found: dict[str, str] = {}
    for each in outlines:
        if each.url:
            for name in (each.file.name, posixpath.splitext(each.file.name)[0], path_of(each.file.name)):
                found.setdefault(name, each.url)
    return found


def _anchor(post: Outline) -> str:
    plain = slug(post.slug, fallback="")
    if plain == post.slug:
        return plain
    return f"{plain}-{hashlib.blake2b(post.slug.encode(), digest_size=4).hexdigest()}".lstrip("-")


def _shared(outlines: Iterable[Outline]) -> Iterable[Problem]:
    """Posts that say to be another one: both are kept, the later one is named."""
    first: dict[str, str] = {}
    for each in outlines:
        for what, value, hint in (
            ("address", each.url, "give one of them another slug"),
            ("id", each.own_id, "give one of them another id"),
        ):
            if value and first.setdefault(f"{what} {value}", each.file.name) != each.file.name:
                other = first[f"{what} {value}"]
                yield Problem(each.file.name, f"it has the same {what} as {other}: {one_line(value)}", hint)


def _note(posts: int, drafts: int) -> str:
    note = f"{posts} post" + ("" if posts == 1 else "s")
    return f"{note}, {drafts} draft{'' if drafts == 1 else 's'} skipped" if drafts else note
