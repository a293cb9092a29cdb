from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from feedbot.plugins import SOURCES, load
from feedbot.sources.posts.settings import PostsSettings


def settings(**values: Any) -> PostsSettings:
    return PostsSettings(**{"path": "blog", **values})


def refused(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**values)
    return str(caught.value)


def test_a_path_is_all_it_takes() -> None:
    assert (settings().preset, settings().assets, settings().site) == ("generic", "copy", "")
    assert load(SOURCES, "posts").Settings is PostsSettings
    with pytest.raises(ValidationError):
        PostsSettings.model_validate({"type": "posts"})


@pytest.mark.parametrize("preset", ["auto", "hugo", "jekyll", "ghost"])
def test_presets_to_come_are_refused_with_those_that_are_there(preset: str) -> None:
    message = refused(preset=preset)

    assert f'the preset "{preset}" is not there yet; there are generic, astro, keystatic' in message


def test_an_unknown_preset_is_refused() -> None:
    assert 'there is no preset "keystatik"; there are generic, astro, keystatic' in refused(preset="keystatik")


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
        ("/:year/:slug", "from the site on"),
        ("/{year:%Y}/", "only a date has a form"),
        ("/{date:%q}/", "only a date has a form"),
        ("/{date:%Y%}/", "only a date has a form"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused(pattern: str, words: str) -> None:
    assert words in refused(permalink=pattern)


@pytest.mark.parametrize("glob", ["../*.md", "/etc/*.md", "!../x", "a/../../b"])
def test_globs_stay_below_the_folder(glob: str) -> None:
    assert "leads out of the folder" in refused(files=[glob])


def test_one_key_takes_the_place_of_the_presets_own_and_the_rest_stays() -> None:
    rules = settings(preset="keystatic", date="when", files="*.txt").rules()

    assert (rules.date, rules.files) == (("when",), ("*.txt",))
    assert (rules.permalink, rules.title) == ("/{year}/{month}/{slug}/", ("title",))


def test_what_comes_later_is_known_by_name() -> None:
    assert {"git", "branch", "components", "settle"} <= set(PostsSettings.later)
    assert not set(PostsSettings.later) & set(PostsSettings.model_fields)


def test_unknown_keys_are_refused() -> None:
    assert "slugs" in refused(slugs="x")
