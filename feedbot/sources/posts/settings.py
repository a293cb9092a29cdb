"""What can be set about a blog in a folder or a git repository."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec.structs import replace
from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from feedbot.plugins import Allowance, Duration, Place, SourceSettings
from feedbot.sources.posts.permalink import check_pattern, check_site
from feedbot.sources.posts.presets import NAMES, OVERRIDABLE, PRESETS, Preset, PresetName, Syntax

_OF_GIT = ("branch", "token", "username", "key_file", "ca_file", "allow_private", "timeout")
_SSH = re.compile(r"(?:\w[\w.-]*@)?\w[\w.-]+:(?![-/]{2}|-)[^\s:\\]+")  # the short form of an ssh address
_BRANCH = re.compile(r"(?!-)(?!.*(?:\.\.|//|@\{))[^\s~^:?*\[\\\x00-\x1f\x7f]+(?<![/.])")


def _known_preset(value: object) -> object:
    if isinstance(value, str) and value not in NAMES:
        raise ValueError(f'there is no preset "{value}"; there are {", ".join(NAMES)}')
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

    type: Literal["posts"] = "posts"
    path: str = ""
    """The folder of the blog, or of its posts; with git, where that is inside the repository."""
    watch: bool = False
    """Whether the daemon reads the folder as soon as something in it changed, and not only at its interval."""
    git: str = ""
    """A git repository to read instead of a folder: "https://...", "ssh://..." or "git@host:path"."""
    branch: str = ""
    """Its branch. Default: the one that the repository names."""
    token: SecretStr | None = None
    """What opens a private repository over https."""
    username: str = ""
    """The name that goes with the token, where the host asks for a certain one."""
    key_file: str = ""
    """The private ssh key that opens a private repository over ssh."""
    ca_file: str = ""
    """A file of further certificates (PEM) to trust when git reads over https."""
    allow_private: tuple[Allowance, ...] = ()
    """Private addresses that git may ask, beside those of [feedbot]."""
    timeout: Annotated[Duration, Field(gt=timedelta())] | None = None
    """The longest that reading the repository may take."""
    preset: Annotated[PresetName, BeforeValidator(_known_preset)] = "auto"
    """How the blog is laid out: which files are posts, and what their front matter is called; "auto" looks."""
    site: str = ""
    """The address of the blog, which permalinks start from."""
    permalink: str = ""
    """The pattern of a post's address: {year}, {month}, {day}, {slug}, {path} and any front matter key."""
    assets: Literal["copy", "link", "drop"] = "copy"
    """Images beside posts: copied beside the feeds, linked where the blog has them, or dropped."""
    assets_base: str = ""
    """Where the blog has them: an address, or a pattern of one with {dir}, {path}, {slug}. Default: beside the post."""
    components: Mapping[str, str] = Field(default_factory=dict)
    """HTML in place of components and shortcodes: name = "<a href='...{attribute}'>{children}</a>"."""
    syntax: Annotated[
        tuple[Syntax, ...], BeforeValidator(_one_or_more, json_schema_input_type=Syntax | list[Syntax])
    ] = ()
    """What the posts hold besides Markdown, in place of what the preset says."""
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
    """Globs of JSON and YAML files about authors, joined by key or name."""
    tags_from: Names = ()
    """Front matter keys that hold tags ("tags" are those added to each entry)."""
    summary: Names = ()
    """Front matter keys that hold the summary."""
    image: Names = ()
    """Front matter keys that hold the image."""
    aliases: Names = ()
    """Front matter keys that hold former addresses."""
    permalink_from: Names = ()
    """Front matter keys that hold a post's whole address."""
    publish_if: Names = ()
    """Front matter keys of which one must be true for a file to be a post; [] asks for none."""

    @field_validator("site")
    @classmethod
    def _site_is_an_address(cls, value: str) -> str:
        return check_site(value)

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

    @field_validator("git")
    @classmethod
    def _git_is_an_address(cls, value: str) -> str:
        if not value or _SSH.fullmatch(value):
            return value
        try:
            parts = urlsplit(value)
            host = parts.hostname or ""
            parts.port  # noqa: B018 - raises where it is no number
        except ValueError:
            raise ValueError("this is no address of a repository") from None
        if parts.scheme not in ("https", "ssh") or not host or host.startswith("-") or len(parts.path) < 2:
            raise ValueError('write the address of a repository as "https://...", "ssh://..." or "git@host:path"')
        if parts.password or (parts.scheme == "https" and parts.username):
            raise ValueError('an address has no password in it; give it as "token" or "token_file"')
        if re.search(r"[\s\x00-\x1f]", value) or (parts.username or "").startswith("-"):
            raise ValueError("this is no address of a repository")
        return value

    @field_validator("branch")
    @classmethod
    def _branch_is_a_name(cls, value: str) -> str:
        if value and not _BRANCH.fullmatch(value):
            raise ValueError(f'"{value}" is no name of a branch')
        return value

    @field_validator("token")
    @classmethod
    def _token_is_sendable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
            raise ValueError("a token is one word of plain letters, digits and signs")
        return value

    @field_validator("components")
    @classmethod
    def _components_are_patterns(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        from feedbot.sources.posts.syntax.components import check_component  # with all that components take

        return {name: check_component(name, pattern) for name, pattern in value.items()}

    @model_validator(mode="after")
    def _one_place(self) -> PostsSettings:
        if not self.git:
            if not self.path:
                raise ValueError("posts need a path (a folder) or git (the address of a repository)")
            given = [name for name in _OF_GIT if getattr(self, name)]
            if given:
                raise ValueError(f"{', '.join(given)}: of no use without git")
            return self
        if self.watch:
            raise ValueError("watch: a folder can be watched, a repository elsewhere cannot; set interval instead")
        if self.path.startswith(("/", "~")) or ".." in self.path.split("/"):
            raise ValueError(f'path: with git it is a folder inside the repository, which "{self.path}" is not')
        over_https = self.git.startswith("https:")
        if not over_https and (given := [name for name in ("token", "username", "ca_file") if getattr(self, name)]):
            raise ValueError(f"{', '.join(given)}: for repositories over https; over ssh a key_file opens them")
        if self.username and not self.token:
            raise ValueError("username: it goes with a token, which is missing")
        if self.key_file and over_https:
            raise ValueError("key_file: opens repositories over ssh; over https a token does")
        return self

    def places(self) -> Sequence[Place]:
        if self.git:
            return [Place(key, getattr(self, key), "file") for key in ("key_file", "ca_file") if getattr(self, key)]
        return (Place("path", self.path, "file" if self.path.lower().endswith(".json") else "folder"),)

    def watched(self) -> Sequence[str]:
        return (self.path,) if self.watch else ()

    def rules(self, found: str = "generic") -> Preset:
        """The preset with what is set here in place of its own; ``found`` is the one to take for "auto"."""
        given = self.model_fields_set | {"permalink"}
        changes: dict[str, Any] = {key: getattr(self, key) for key in OVERRIDABLE if key in given}
        if not self.permalink:
            del changes["permalink"]
        return replace(PRESETS[found if self.preset == "auto" else self.preset], **changes)
