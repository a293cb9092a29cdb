"""Reads and renders one post, asking for whatever of it hangs on other files."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot.core.text import slug
from feedbot.model import Author, Item, Problem
from feedbot.sources.posts import authors, fields
from feedbot.sources.posts.assets import Images, Mode, beside, is_image, relative_path
from feedbot.sources.posts.cascade import Cascade, is_wrong, question, together
from feedbot.sources.posts.frontmatter import FrontMatterError
from feedbot.sources.posts.index import Kind
from feedbot.sources.posts.markdown import Addresses, Renderer, closing_line
from feedbot.sources.posts.outline import Outline, Site, Skipped, outline, path_of, tag_uri
from feedbot.sources.posts.permalink import MissingFieldError, absolute, expand
from feedbot.sources.posts.syntax.dialect import Dialect
from feedbot.sources.posts.tree import MAX_POST, Found

MAX_BODY = 1_000_000
"""Characters of one post's text."""

Answer = Callable[[str], str]
"""Answers a question that a post asks: the address of another post, the copy of an image, who an author is.

"" where there is none, or where it is not known yet.
"""


class Plan(Struct, frozen=True, kw_only=True):
    """What all posts of a blog are rendered by. ``assets_base`` is a pattern, or ""."""

    site: Site
    source: str
    assets: Mode
    assets_base: str
    known: authors.Directory
    components: Mapping[str, str]
    data: Cascade = field(default_factory=Cascade)


class Sheet(Struct, frozen=True, kw_only=True):
    """What reading a post gave. ``asked`` has the questions that it hung on, with the answers it was given.

    A ``broken`` one has no item, but problems, unless it is a data file that is told of. ``ends`` is when the post
    is published no longer, ``date_line`` the line of its date in front matter, 1 where it is from elsewhere.
    """

    name: str
    kind: Kind
    item: Item | None = None
    url: str = ""
    own_id: str = ""
    ends: datetime | None = None
    date_line: int = 1
    asked: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


class Press:
    """Renders posts one after the other; a broken one leaves the others alone."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        syntaxes = frozenset(plan.site.rules.syntax)
        self._renderer = Renderer(Dialect(syntaxes, plan.components, plan.site.address))

    def sheet(self, file: Found, data: bytes, answer: Answer) -> Sheet:
        """Read and render a post of its bytes; what is wrong with it is among the problems."""
        name = file.name
        data_files = self._plan.data
        texts = {question(file): data_files.texts[file] for file in data_files.of(name)}
        asked = dict(texts)
        if any(map(is_wrong, texts.values())):
            return Sheet(name=name, kind="broken", asked=asked)
        site = self._plan.site
        below = together(tuple(texts.values()), deep=site.engine.deep) if site.rules.data_files else None
        try:
            if len(data) > MAX_POST:
                raise FrontMatterError(f"it is larger than {MAX_POST // 1_000_000} MB", 1, "leave it out with files")
            post = outline(file, data, site, _History(answer, asked), below)
        except Skipped as skipped:
            return Sheet(name=name, kind="draft" if skipped.post else "other", asked=asked)
        except FrontMatterError as error:
            hint = error.hint
            if error.line == 1 and below is not None and below.values:  # where a key of theirs is told to be
                hint = f"{hint}{hint and '; '}data files of it: {', '.join(data_files.of(name))}"
            return replace(broken(name, Problem(f"{name}:{error.line}", error.message, hint)), asked=asked)
        setting = _Setting(self._plan, self._renderer, post, answer, asked)
        try:
            item = setting.item()
        except Exception as error:  # whatever Markdown does to its parser costs one post, never the blog
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else f"{error}"
            return replace(broken(name, Problem(name, f"it cannot be rendered: {reason}")), asked=setting.asked,
                           url=post.url, own_id=post.own_id)  # fmt: skip
        return Sheet(
            name=name,
            kind="post",
            item=item,
            url=post.url,
            own_id=post.own_id,
            ends=post.expires,
            date_line=post.matter.line(post.matter.first(self._plan.site.rules.date)[0]),
            asked=setting.asked,
            problems=tuple(setting.problems),
        )


def broken(name: str, problem: Problem) -> Sheet:
    """The sheet of a post that cannot be read or rendered."""
    return Sheet(name=name, kind="broken", asked={}, problems=(problem,))


def about_author(author: Author | None) -> str:
    """The answer to who an author is: the same text for the same author."""
    return "" if author is None else "\n".join((author.name, author.url, author.email))


class _Setting:
    """The rendering of one post."""

    def __init__(self, plan: Plan, renderer: Renderer, post: Outline, answer: Answer, asked: dict[str, str]) -> None:
        self.asked = asked
        self.problems: list[Problem] = []
        self._plan = plan
        self._renderer = renderer
        self._post = post
        self._answer = answer
        self._images = Images(post.file.name, plan.assets, self._assets_base(), self._copy, self.problems)

    def item(self) -> Item:
        post, rules = self._post, self._plan.site.rules
        matter, name = post.matter, post.file.name
        title = fields.text(matter.first(rules.title)[1])
        addresses = Addresses(
            self._link,
            lambda src, line: self._images.image(post.body_line + line, src),
            self._named,
            urlsplit(self._plan.site.address).path,
        )
        anchor = _anchor(post, self._plan.source)
        rendered = self._renderer.post(
            self._body(),
            addresses,
            title=title,
            anchor=anchor,
            mdx=name.lower().endswith(".mdx"),
            paragraph=":first-paragraph" in rules.summary,
        )
        self.problems += [Problem(f"{name}:{post.body_line + each.line}", each.sentence) for each in rendered.warnings]
        title = title or rendered.title or fields.in_words(post.slug)
        summary_key, summary = matter.first(rules.summary)
        described = replace(addresses, image=lambda src, _: self._images.image(matter.line(summary_key), src))
        return Item(
            id=post.own_id or post.url or tag_uri(self._plan.source, name),
            keys=((f"id:{post.own_id}",) if post.own_id else ()) + (f"path:{name}",),
            url=post.url,
            title=title,
            authors=self._authors(),
            published=post.published,
            updated=post.updated,
            tags=post.tags,
            summary=self._renderer.line(fields.text(summary), addresses=described) or rendered.opening,
            content=rendered.html + (closing_line(post.url, title) if rendered.dropped else ""),
            base=post.url,
            language=post.language,
            image=self._image(),
            aliases=self._aliases(),
            extra=post.extra,
        )

    def _ask(self, question: str) -> str:
        if question not in self.asked:
            self.asked[question] = self._answer(question)
        return self.asked[question]

    def _copy(self, name: str) -> str:
        return self._ask(f"image:{name}")

    def _body(self) -> str:
        post = self._post
        if len(post.body) <= MAX_BODY:
            return post.body
        cut = post.body[:MAX_BODY].rpartition("\n")[0] or post.body[:MAX_BODY]
        where = f"{post.file.name}:{post.body_line + cut.count(chr(10))}"
        self.problems.append(Problem(where, f"the post is longer than {MAX_BODY // 1_000_000} MB and cut here"))
        return cut

    def _link(self, address: str) -> str:
        relative = relative_path(address)
        if not relative:
            return address
        if is_image(address):
            return self._images.link(address)
        url = self._ask(f"post:{beside(self._post.file.name, relative)}")
        if not url:
            return address
        parts = urlsplit(address)
        return url + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")

    def _named(self, name: str) -> str | None:
        return self._ask(f"name:{name}") or None

    def _image(self) -> str:
        post, site = self._post, self._plan.site
        key, address = fields.image(post.matter, site.rules.image)
        if not relative_path(address):
            return absolute(site.address, address)
        image = self._images.image(post.matter.line(key), address)
        return urljoin(post.url, image) if image == address and post.url else image or ""

    def _authors(self) -> tuple[Author, ...]:
        """Those that front matter names; else, where that is asked for, who wrote the file in git."""
        post, keys = self._post, self._plan.site.rules.authors
        known = _Authors(self._plan.known, self.asked)
        found = authors.of((post.matter.get(key) for key in keys), known)
        if found or ":git-author" not in keys:
            return found
        return authors.of(self._ask(f"commits:{post.file.name}").split(" ", 2)[2:], known)

    def _aliases(self) -> tuple[str, ...]:
        post, site = self._post, self._plan.site
        named = (text for key in site.rules.aliases for text in fields.texts(post.matter.get(key)))
        found = (absolute(site.address, name) for name in named)
        return tuple(dict.fromkeys(address for address in found if address and address != post.url))

    def _assets_base(self) -> str:
        """Where the site has the images beside this post; "" for beside its address."""
        post, pattern = self._post, self._plan.assets_base
        if not pattern:
            return ""
        folder = quote(posixpath.dirname(post.file.name))
        pattern = pattern.replace("{dir}/", f"{folder}/" if folder else "").replace("{dir}", folder)
        values = {"slug": post.slug, "path": path_of(post.file.name)}
        day = post.published.astimezone(self._plan.site.zone) if post.published is not None else None
        try:
            return expand(pattern, lambda key: values.get(key) or fields.text(post.matter.get(key)), day)
        except MissingFieldError:
            return ""


class _Authors(Mapping[str, Author]):
    """A directory of authors that notes who was asked for."""

    def __init__(self, known: authors.Directory, asked: dict[str, str]) -> None:
        self._known = known
        self._asked = asked

    def __getitem__(self, key: str) -> Author:
        self._asked[f"author:{key}"] = about_author(self._known.get(key))
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class _History(Mapping[str, fields.Commits]):
    """When a post was committed, which is asked for only where its own dates do not do."""

    def __init__(self, answer: Answer, asked: dict[str, str]) -> None:
        self._answer = answer
        self._asked = asked

    def __getitem__(self, name: str) -> fields.Commits:
        question = f"commits:{name}"
        told = self._asked[question] = self._answer(question)
        if not told:
            raise KeyError(name)
        first, last, _ = told.split(" ", 2)
        return datetime.fromisoformat(first), datetime.fromisoformat(last)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _anchor(post: Outline, source: str) -> str:
    """What keeps the footnotes of posts apart that stand on one page, those of several blogs with one slug too."""
    whose = post.url or f"{source}/{post.file.name}"
    return f"{slug(post.slug, fallback='')}-{hashlib.blake2b(whose.encode(), digest_size=4).hexdigest()}".lstrip("-")
