"""How each blog tool lays out its posts, and what it calls what they say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

PresetName = Literal[
    "auto", "generic", "astro", "keystatic", "hugo", "jekyll", "eleventy", "pelican", "zola", "docusaurus", "mkdocs",
    "quarto", "obsidian", "ghost",
]  # fmt: skip
NAMES: tuple[str, ...] = get_args(PresetName)

Syntax = Literal[
    "gfm", "mdx", "mdx-in-md", "markdoc", "liquid", "shortcodes", "admonitions", "callouts", "math", "wikilinks",
]  # fmt: skip
"""What a post may hold besides Markdown."""


class Preset(Struct, frozen=True, kw_only=True):
    """Where posts lie and which front matter keys mean what; the first key that has a value counts.

    Keys may reach into a table with a dot. Those that start with a colon are no front matter: ``:filename`` is the
    date in a file's name, ``:git-first`` and ``:git-last`` are those of its first and last commit, ``:git-author`` is
    who made the first; of slugs, ``:title`` and ``:title-ascii`` are made of the title, and ``:dated-path`` of the path
    with a date in front; of summaries, ``:first-paragraph`` is that of the text, where nothing marks its opening.
    """

    folders: tuple[str, ...] = ("content/posts",)
    """Tried below the configured path for the posts; where none is there, the path itself has them."""
    inputs: tuple[str, ...] = ()
    """First folders that are no part of addresses: what follows them is {section}."""
    files: tuple[str, ...]
    """Globs of posts; those after "!" leave out."""
    permalink: str
    title: tuple[str, ...] = ("title",)
    date: tuple[str, ...]
    updated: tuple[str, ...]
    opens: tuple[str, ...] = ()
    """The time before which a post is not published, whatever its date is."""
    expires: tuple[str, ...] = ()
    """The time from which a post is published no longer."""
    slug: tuple[str, ...] = ("slug",)
    permalink_from: tuple[str, ...] = ("canonicalUrl", "canonical_url", "permalink", "url")
    aliases: tuple[str, ...] = ("legacyUrl", "aliases", "redirect_from")
    authors: tuple[str, ...] = ("author", "authors")
    authors_data: tuple[str, ...] = ("content/authors/*.json",)
    tags_from: tuple[str, ...] = ("tags", "categories", "category")
    summary: tuple[str, ...] = ("description", "summary", "excerpt")
    image: tuple[str, ...] = ("heroImage", "image", "cover", "ogImage")
    publish_if: tuple[str, ...] = ()
    """Keys of which one must say yes."""
    syntax: tuple[str, ...] = ()
    lifted: tuple[str, ...] = ()
    """Tables whose keys count as if they stood at the top."""
    dropped_tags: tuple[str, ...] = ()
    """Tags that only steer the tool."""
    spaced_tags: bool = False
    """A text of several tags has spaces between them, not commas."""
    inline_tags: bool = False
    """Words such as #this in the text are tags too."""
    folder_tags: bool = False
    """The folder of a post is a category of it."""
    dated_names: bool = False
    """A date before the name of a file is no part of its slug."""
    permalink_tokens: bool = False
    """A post may give its address as a pattern of the tool's own: "pretty", "/:year/:title/"."""
    month_first: bool = False
    """A date such as 7/28/2026 starts with the month."""
    doubled_names: bool = False
    """A file that is called as its folder stands for the folder: ``a/b/b.md`` has the address of ``a/b``."""
    plain_names: bool = False
    """Names of files go into addresses in lower case, with hyphens for spaces and without signs."""
    data_files: bool = False
    """Files of data beside posts say what their front matter leaves open."""
    bare: bool = False
    """A file without front matter is a post too."""
    headers: bool = False
    """Front matter may be plain lines of "Key: value" without a fence."""


OVERRIDABLE = (
    "permalink", "files", "title", "date", "updated", "slug", "permalink_from", "aliases", "authors", "authors_data",
    "tags_from", "summary", "image", "publish_if", "syntax",
)  # fmt: skip

_MARKDOWN = ("**/*.md", "**/*.markdown")
_HUGO_FOLDERS = ("content/posts", "content/post", "content/blog", "content/articles", "content/news", "content")

_ASTRO = Preset(
    folders=(
        "content/posts",
        "src/content/blog",
        "src/content/posts",
        "src/content/post",
        "src/data/blog",
        "src/data/post",
    ),
    files=("**/*.md", "**/*.mdx", "!**/_*", "!**/_*/**"),
    permalink="/blog/{slug}/",
    date=(
        "publishDate",
        "pubDate",
        "pubDatetime",
        "date",
        "publishedDate",
        "publishedAt",
        "datePublished",
        "published",
        ":git-first",
    ),
    updated=("updatedDate", "updateDate", "modDatetime", "updatedAt", "updated", "lastmod", "modified"),
    summary=("description", "summary", "excerpt", ":first-paragraph"),
    syntax=("gfm", "mdx", "markdoc"),
    month_first=True,
    plain_names=True,
)
PRESETS: Mapping[str, Preset] = {
    "generic": Preset(
        files=("**/*.md", "**/*.mdx", "**/*.markdown", "!**/_*", "!**/_drafts/**"),
        permalink="/{slug}/",
        date=(
            "date.created", "date", "publishDate", "publish_date", "pubDate", "published_at", "published", "created",
            ":filename", ":git-first",
        ),
        updated=(
            "date.updated", "updated", "updatedDate", "updated_at", "lastmod", "modified", "date_modified",
            "last_modified_at", "last_update.date",
        ),
        expires=("expiryDate", "expires"),
        authors_data=("content/authors/*.json", "_data/authors.yml", "authors.yml", ".authors.yml"),
        tags_from=("tags", "categories", "category", "taxonomies.tags", "taxonomies.categories"),
        image=("heroImage", "image", "cover", "ogImage", "feature_image", "featured_image", "banner"),
        syntax=("gfm", "mdx", "markdoc", "shortcodes", "admonitions", "math"),
        dated_names=True,
        bare=True,
        headers=True,
    ),
    "astro": _ASTRO,
    "keystatic": Preset(
        folders=_ASTRO.folders,
        files=("**/index.md", "**/index.mdx", "**/index.mdoc", "*.md", "*.mdx", "*.mdoc", "!**/_*", "!**/_*/**"),
        permalink="/{year}/{month}/{slug}/",
        date=_ASTRO.date,
        updated=_ASTRO.updated,
        summary=_ASTRO.summary,
        syntax=_ASTRO.syntax,
        month_first=True,
    ),
    "hugo": Preset(
        folders=_HUGO_FOLDERS,
        inputs=("content",),
        files=(*_MARKDOWN, "!**/_index.*"),
        permalink="/{section?}/{dir?}/{slug}/",
        date=("date", "publishDate", "pubDate", "published", ":filename", "lastmod", ":git-first"),
        updated=("lastmod", "modified"),
        opens=("publishDate", "pubDate", "published"),
        expires=("expiryDate", "unpublishDate"),
        permalink_from=("url", "canonicalUrl"),
        aliases=("aliases",),
        tags_from=("tags", "categories"),
        summary=("summary", "description"),
        image=("images", "image", "cover.image", "cover", "featured_image", "featuredImage", "thumbnail"),
        syntax=("gfm", "shortcodes"),
        lifted=("params",),
        plain_names=True,
    ),
    "jekyll": Preset(
        folders=(),
        files=(
            "**/_posts/**/*.md", "**/_posts/**/*.markdown", "????-??-??-*.md", "????-??-??-*.markdown",
            "!_site/**", "!vendor/**",
        ),
        permalink="/{categories?}/{year}/{month}/{day}/{slug}.html",
        date=("date", ":filename"),
        updated=("last_modified_at", "updated", "modified"),
        permalink_from=("permalink",),
        aliases=("redirect_from",),
        authors_data=("_data/authors.yml", "_data/authors.yaml", "_data/authors.json"),
        tags_from=("tags", "tag", "categories", "category"),
        summary=("excerpt", "description", "summary"),
        image=("image", "header.image", "header.teaser", "cover", "thumbnail"),
        syntax=("liquid", "math"),
        permalink_tokens=True,
        spaced_tags=True,
        folder_tags=True,
        dated_names=True,
    ),
    "eleventy": Preset(
        folders=(
            "content/blog", "content/posts", "src/posts", "src/blog", "src/content/posts", "src/content/blog", "posts",
            "blog",
        ),
        inputs=("content", "src"),
        files=(*_MARKDOWN, "!README.md", "!**/_*", "!**/_*/**"),
        permalink="/{section?}/{dir?}/{slug}/",
        date=("date", ":filename", ":git-first"),
        updated=("updated", "modified", "lastmod"),
        permalink_from=("permalink",),
        aliases=("aliases", "redirect_from"),
        summary=("description", "excerpt", "summary"),
        syntax=("liquid",),
        dropped_tags=("post", "posts", "all"),
        dated_names=True,
        doubled_names=True,
        data_files=True,
    ),
    "pelican": Preset(
        folders=("content",),
        inputs=("content",),
        files=("**/*.md", "**/*.markdown", "**/*.mkd", "**/*.mdown", "!pages/**", "!images/**", "!extra/**"),
        permalink="/{slug}.html",
        date=("date", ":filename"),
        updated=("modified",),
        slug=("slug", ":title-ascii"),
        permalink_from=("url", "save_as"),
        aliases=("aliases",),
        tags_from=("tags", "category"),
        summary=("summary", "description"),
        image=("image", "cover", "og_image"),
        syntax=("admonitions",),
        folder_tags=True,
        headers=True,
    ),
    "zola": Preset(
        folders=_HUGO_FOLDERS,
        inputs=("content",),
        files=("**/*.md", "!**/_index.*"),
        permalink="/{section?}/{dir?}/{slug}/",
        date=("date", ":filename"),
        updated=("updated",),
        permalink_from=("path",),
        aliases=("aliases",),
        authors=("authors", "author"),
        tags_from=("tags", "categories"),
        summary=("summary", "description"),
        image=("image", "cover", "og_image", "thumbnail"),
        syntax=("shortcodes", "liquid"),
        lifted=("taxonomies", "extra"),
        dated_names=True,
        plain_names=True,
    ),
    "docusaurus": Preset(
        folders=("blog",),
        files=("**/*.md", "**/*.mdx", "!**/_*", "!**/_*/**"),
        permalink="/blog/{slug}",
        date=("date", ":filename", ":git-first"),
        updated=("last_update.date",),
        slug=("slug", ":dated-path"),
        permalink_from=(),
        aliases=(),
        authors=("authors", "author"),
        authors_data=("authors.yml", "authors.yaml", "authors.json"),
        tags_from=("tags",),
        summary=("description",),
        image=("image",),
        syntax=("mdx", "mdx-in-md", "admonitions"),
        month_first=True,
        dated_names=True,
        bare=True,
    ),
    "mkdocs": Preset(
        folders=("docs/blog/posts", "docs/posts", "blog/posts", "posts"),
        files=("**/*.md",),
        permalink="/blog/{year}/{month}/{day}/{slug}/",
        date=("date.created", "date"),
        updated=("date.updated", "updated"),
        slug=("slug", ":title"),
        permalink_from=(),
        aliases=("aliases",),
        authors=("authors",),
        authors_data=(".authors.yml", ".authors.yaml"),
        tags_from=("categories", "tags"),
        summary=("description",),
        image=("image", "social.cards_layout_options.background_image"),
        syntax=("admonitions",),
    ),
    "quarto": Preset(
        folders=("posts", "blog/posts", "blog"),
        files=("**/*.qmd", "**/*.md", "!**/_*", "!**/_*/**", "!index.qmd"),
        permalink="/{section?}/{page}",
        date=("date", ":git-first"),
        updated=("date-modified",),
        permalink_from=(),
        aliases=("aliases",),
        tags_from=("categories", "tags", "keywords"),
        summary=("description", "abstract", "subtitle"),
        image=("image",),
        syntax=("callouts", "shortcodes", "math"),
        month_first=True,
    ),
    "obsidian": Preset(
        folders=(),
        files=("**/*.md", "!**/templates/**", "!**/Templates/**"),
        permalink="/{path}",
        date=("date", "published", "created", ":filename", ":git-first"),
        updated=("updated", "modified"),
        permalink_from=("permalink", "dg-permalink"),
        aliases=("redirect_from",),
        tags_from=("tags", "tag"),
        summary=("description", "summary"),
        image=("cover", "banner", "image"),
        publish_if=("publish", "dg-publish", "share"),
        syntax=("gfm", "wikilinks", "math"),
        spaced_tags=True,
        inline_tags=True,
        bare=True,
    ),
    "ghost": Preset(
        folders=(),
        files=("*.json",),
        permalink="/{slug}/",
        date=("published_at",),
        updated=("updated_at",),
        permalink_from=("canonical_url",),
        aliases=(),
        authors_data=(),
    ),
}  # fmt: skip


def wants_history(preset: Preset) -> bool:
    """Whether posts that say nothing else take their dates or authors from commits."""
    return bool({":git-first", ":git-last", ":git-author"} & {*preset.date, *preset.updated, *preset.authors})
