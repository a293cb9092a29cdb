"""What can be set about a blog in a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from feedbot.plugins import Later, Place, SourceSettings
from feedbot.sources.posts.permalink import check_pattern
from feedbot.sources.posts.presets import AVAILABLE, PLANNED, PRESETS, Preset

_CLONE = 'clone the repository and give its folder as "path"'


def _known_preset(value: object) -> object:
    if isinstance(value, str) and value not in AVAILABLE:
        there = ", ".join(AVAILABLE)
        if value in PLANNED:
            raise ValueError(f'the preset "{value}" is not there yet; there are {there} (others come later)')
        raise ValueError(f'there is no preset "{value}"; there are {there}')
    return value


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]),
]
"""A list of texts; one text is a list of one."""


class PostsSettings(SourceSettings):
    """A folder of posts. From ``files`` on, each key that is set takes the place of the preset's."""

    later: ClassVar[Mapping[str, Later]] = {
        **SourceSettings.later,
        "git": Later("reading a git repository without a checkout", (False,), _CLONE),
        "branch": Later("reading a git repository without a checkout", instead=_CLONE),
        "components": Later("own replacements for MDX components"),
        "syntax": Later("choosing the Markdown dialect"),
        "assets_base": Later("an address of their own for images"),
        "max_age": Later("leaving out what is older than an age"),
    }

    type: Literal["posts"] = "posts"
    path: Annotated[str, Field(min_length=1)]
    """The folder of the blog, or of its posts."""
    preset: Annotated[Literal["generic", "astro", "keystatic"], BeforeValidator(_known_preset)] = "generic"
    """How the blog is laid out: which files are posts, and what their front matter is called."""
    site: str = ""
    """The address of the blog, which permalinks start from."""
    permalink: str = ""
    """The pattern of a post's address: {year}, {month}, {day}, {slug}, {path} and any front matter key."""
    assets: Literal["copy", "link", "drop"] = "copy"
    """Images beside posts: copied beside the feeds, linked where the blog has them, or dropped."""
    files: Names = ()
    """Globs of the files that are posts; "!glob" leaves files out."""
    title: Names = ()
    """Front matter keys that hold the title; the first one given counts."""
    date: Names = ()
    """Front matter keys that hold the date."""
    updated: Names = ()
    """Front matter keys that hold the date of the last change."""
    slug: Names = ()
    """Front matter keys that hold the slug; else the name of the file or its folder does."""
    authors: Names = ()
    """Front matter keys that hold the authors."""
    authors_data: Names = ()
    """Globs of JSON files about authors, joined by name."""
    tags_from: Names = ()
    """Front matter keys that hold tags ("tags" are those added to each entry)."""
    summary: Names = ()
    """Front matter keys that hold the summary."""
    image: Names = ()
    """Front matter keys that hold the image."""
    aliases: Names = ()
    """Front matter keys that hold former addresses."""

    @field_validator("site")
    @classmethod
    def _site_is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError(f'"{value}" is no address of a site; write it as "https://example.org"')
        return value.rstrip("/")

    @field_validator("permalink")
    @classmethod
    def _permalink_is_a_pattern(cls, value: str) -> str:
        return check_pattern(value)

    @field_validator("files", "authors_data")
    @classmethod
    def _globs_stay_below(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for glob in value:
            path = glob.removeprefix("!")
            if path.startswith("/") or ".." in path.split("/"):
                raise ValueError(f'"{glob}" leads out of the folder; write it from the folder of the posts')
        return value

    def places(self) -> Sequence[Place]:
        return (Place("path", self.path, "folder"),)

    def rules(self) -> Preset:
        """The preset with what is set here in place of its own."""
        keys = ("files", "title", "date", "updated", "slug", "authors", "authors_data", "tags_from", "summary",
                "image", "aliases", "permalink")  # fmt: skip
        changes: dict[str, Any] = {key: getattr(self, key) for key in keys if getattr(self, key)}
        return replace(PRESETS[self.preset], **changes)
