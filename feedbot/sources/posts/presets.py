"""How each blog tool names what a post says of itself."""

from __future__ import annotations

from dataclasses import dataclass, fields

AVAILABLE = ("generic", "astro", "keystatic")
PLANNED = (
    "auto", "hugo", "jekyll", "eleventy", "pelican", "zola", "docusaurus", "mkdocs", "quarto", "obsidian", "ghost",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Where posts lie and which front matter keys mean what; the first key that has a value counts.

    ``folders`` are tried below the configured path, which stands itself where none is there. ``files`` are
    globs, those after "!" leave out. Keys may reach into a table with a dot. ``dated_names``: a date before
    the name of a file is no part of its slug. ``bare``: a file without front matter is a post too.
    """

    folders: tuple[str, ...] = ("content/posts",)
    files: tuple[str, ...]
    permalink: str
    title: tuple[str, ...] = ("title",)
    date: tuple[str, ...]
    updated: tuple[str, ...]
    slug: tuple[str, ...] = ("slug",)
    url: tuple[str, ...] = ("canonicalUrl", "canonical_url", "permalink", "url")
    aliases: tuple[str, ...] = ("legacyUrl", "aliases", "redirect_from")
    authors: tuple[str, ...] = ("author", "authors")
    authors_data: tuple[str, ...] = ("content/authors/*.json",)
    tags_from: tuple[str, ...] = ("tags", "categories", "category")
    summary: tuple[str, ...] = ("description", "summary", "excerpt")
    image: tuple[str, ...] = ("heroImage", "image", "cover", "ogImage")
    dated_names: bool = False
    bare: bool = False


_ASTRO = Preset(
    folders=("content/posts", "src/content/blog", "src/content/posts"),
    files=("**/*.md", "**/*.mdx", "!**/_*", "!**/_*/**"),
    permalink="/blog/{slug}/",
    date=("publishDate", "pubDate", "date"),
    updated=("updatedDate", "updated", "lastmod", "modified"),
)
PRESETS = {
    "generic": Preset(
        files=("**/*.md", "**/*.mdx", "**/*.markdown", "!**/_*", "!**/_drafts/**"),
        permalink="/{slug}/",
        date=("date.created", "date", "publishDate", "publish_date", "pubDate", "published_at", "published", "created"),
        updated=(
            "date.updated", "updated", "updatedDate", "updated_at", "lastmod", "modified", "date_modified",
            "last_modified_at", "last_update.date",
        ),
        image=("heroImage", "image", "cover", "ogImage", "feature_image", "featured_image", "banner"),
        dated_names=True,
        bare=True,
    ),
    "astro": _ASTRO,
    "keystatic": Preset(
        folders=_ASTRO.folders,
        files=("**/index.md", "**/index.mdx", "*.md", "*.mdx", "!**/_*", "!**/_*/**"),
        permalink="/{year}/{month}/{slug}/",
        date=_ASTRO.date,
        updated=_ASTRO.updated,
    ),
}  # fmt: skip

STATUS_KEYS = ("draft", "published", "publish", "status")
ID_KEYS = ("id", "guid")
LANGUAGE_KEYS = ("lang", "language", "locale")


def mapped_keys(preset: Preset) -> frozenset[str]:
    """All front matter keys that have a meaning of their own; what else a post has is its ``extra``."""
    lists = ("title", "date", "updated", "slug", "url", "aliases", "authors", "tags_from", "summary", "image")
    known = [key for field in fields(preset) if field.name in lists for key in getattr(preset, field.name)]
    return frozenset(key.partition(".")[0] for key in (*known, *STATUS_KEYS, *ID_KEYS, *LANGUAGE_KEYS))
