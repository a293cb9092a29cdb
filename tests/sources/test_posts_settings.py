from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from feedbot.plugins import SOURCES, Place, load
from feedbot.sources.posts.permalink import check_pattern
from feedbot.sources.posts.presets import NAMES, PRESETS, Syntax
from feedbot.sources.posts.settings import PostsSettings
from feedbot.sources.posts.syntax.dialect import SYNTAXES


def settings(**values: Any) -> PostsSettings:
    return PostsSettings(**{"path": "blog", **values})


def refused(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**values)
    return str(caught.value)


def test_a_path_is_all_it_takes() -> None:
    assert (settings().preset, settings().assets, settings().site) == ("auto", "copy", "")
    assert load(SOURCES, "posts").Settings is PostsSettings
    with pytest.raises(ValidationError):
        PostsSettings.model_validate({"type": "posts"})


def test_an_unknown_preset_is_refused_with_those_that_are_there() -> None:
    assert 'there is no preset "keystatik"; there are auto, generic, astro, keystatic, hugo' in refused(
        preset="keystatik"
    )


@pytest.mark.parametrize("preset", NAMES)
def test_every_preset_has_rules(preset: str) -> None:
    rules = settings(preset=preset).rules("hugo")

    assert rules == PRESETS["hugo" if preset == "auto" else preset]
    assert rules.files
    assert check_pattern(rules.permalink) == rules.permalink
    assert set(rules.syntax) <= set(get_args(Syntax)) == SYNTAXES


def test_auto_that_was_not_looked_for_is_generic() -> None:
    assert settings().rules() == PRESETS["generic"]


@pytest.mark.parametrize(
    "site", ["example.org", "ftp://example.org", "https://", "https://example.org/?a", "https://[x"]
)
def test_a_site_is_a_web_address(site: str) -> None:
    refused(site=site)


def test_a_site_ends_without_a_slash_and_a_pattern_starts_with_one() -> None:
    assert settings(site="https://example.org/blog/").site == "https://example.org/blog"
    assert settings(permalink="{slug}").permalink == "/{slug}"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("/{year/{slug}", "brace"),
        ("/year}/", "brace"),
        ("https://example.org/{slug}", "from the site on"),
        ("https://example.org/:slug", "from the site on"),
        ("/:year/:flavour/", "field that is not known"),
        ("/{year:%Y}/", "only a date has a form"),
        ("/{date:%q}/", "only a date has a form"),
        ("/{date:%Y%}/", "only a date has a form"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused(pattern: str, words: str) -> None:
    assert words in refused(permalink=pattern)


@pytest.mark.parametrize(
    ("pattern", "translated"),
    [
        ("pretty", "/{categories?}/{year}/{month}/{day}/{slug}/"),
        ("none", "/{categories?}/{slug}.html"),
        ("ordinal", "/{categories?}/{year}/{date:%j}/{slug}.html"),
        ("/:categories/:title:output_ext", "/{categories?}/{slug}.html"),
        ("/:year/:month/:slug/", "/{year}/{month}/{slug}/"),
        ("/{section?}/{date:%Y}/", "/{section?}/{date:%Y}/"),
    ],
)
def test_patterns_of_jekyll_and_hugo_are_understood(pattern: str, translated: str) -> None:
    assert settings(permalink=pattern).permalink == translated


@pytest.mark.parametrize("glob", ["../*.md", "/etc/*.md", "!../x", "a/../../b"])
def test_globs_stay_below_the_folder(glob: str) -> None:
    assert "leads out of the folder" in refused(files=[glob])


def test_one_key_takes_the_place_of_the_presets_own_and_the_rest_stays() -> None:
    rules = settings(preset="keystatic", date="when", files="*.txt").rules()

    assert (rules.date, rules.files) == (("when",), ("*.txt",))
    assert (rules.permalink, rules.title) == ("/{year}/{month}/{slug}/", ("title",))


def test_a_list_that_is_set_to_nothing_takes_the_place_of_the_presets_own_too() -> None:
    assert settings(preset="obsidian").rules().publish_if == ("publish", "dg-publish", "share")
    assert settings(preset="obsidian", publish_if=[]).rules().publish_if == ()


@pytest.mark.parametrize(
    "git",
    [
        "https://example.org/blog.git",
        "https://example.org:8443/a/b",
        "ssh://git@example.org:2222/blog.git",
        "git@example.org:team/blog.git",
        "my-host:blog.git",
    ],
)
def test_a_repository_is_read_over_https_or_ssh(git: str) -> None:
    assert settings(git=git, path="").git == git


@pytest.mark.parametrize(
    ("git", "words"),
    [
        ("http://example.org/blog.git", "write the address"),
        ("git://example.org/blog.git", "write the address"),
        ("file:///srv/blog", "write the address"),
        ("ext::sh -c x", "write the address"),
        ("../blog", "write the address"),
        ("https://example.org", "write the address"),
        ("https://[x/y", "no address"),
        ("https://example.org:x/y", "no address"),
        ("ssh://-oProxyCommand=x/y", "write the address"),
        ("ssh://-x@example.org/y", "no address"),
        ("-x@example.org:y", "write the address"),
        ("git@example.org:-y", "write the address"),
        ("git@-host:y", "write the address"),
        ("https://me:secret@example.org/y", "has no password"),
        ("https://token@example.org/y", "has no password"),
        ("https://example.org/a b", "no address"),
    ],
)
def test_what_is_no_such_address_is_refused(git: str, words: str) -> None:
    assert words in refused(git=git, path="")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"path": ""}, "posts need a path (a folder) or git"),
        ({"branch": "main"}, "branch: of no use without git"),
        ({"token": "x", "key_file": "k"}, "token, key_file: of no use without git"),
        ({"git": "https://a.example/b", "path": "/srv"}, "inside the repository"),
        ({"git": "https://a.example/b", "path": "../x"}, "inside the repository"),
        ({"git": "https://a.example/b", "key_file": "k"}, "key_file: opens repositories over ssh"),
        ({"git": "git@a.example:b", "token": "x"}, "token: for repositories over https"),
        ({"git": "https://a.example/b", "username": "me"}, "goes with a token"),
        ({"git": "https://a.example/b", "token": "a\nb"}, "one word"),
        ({"git": "https://a.example/b", "allow_private": ["nonsense/99"]}, "allow_private"),
        ({"components": {"a b": ""}}, "no name of a component"),
        ({"syntax": ["bbcode"]}, "syntax"),
    ],
)
def test_what_does_not_fit_together_is_refused(values: dict[str, Any], words: str) -> None:
    assert words in refused(**values)


@pytest.mark.parametrize("branch", ["-x", "a..b", "a b", "a~1", "a:b", "x/", "a@{1}", "a//b", "a\\b", "a."])
def test_a_branch_has_a_name_that_git_takes(branch: str) -> None:
    assert "no name of a branch" in refused(git="https://a.example/b", branch=branch)
    assert settings(git="https://a.example/b", branch="feature/new-1.x").branch == "feature/new-1.x"


def test_the_token_of_a_private_repository_is_never_shown() -> None:
    private = settings(git="https://a.example/b", path="posts", token="hush-hush")

    assert "hush-hush" not in f"{private!r} {private.model_dump_json()}"
    assert private.places() == []
    assert settings(git="git@a.example:b", key_file="key").places() == [Place("key_file", "key", "file")]
    assert settings().places() == (Place("path", "blog", "folder"),)
    assert settings(path="export.json").places() == (Place("path", "export.json", "file"),)


def test_unknown_keys_are_refused() -> None:
    assert "slugs" in refused(slugs="x")
