"""What ``config show`` prints."""

from __future__ import annotations

import json
import tomllib

import pytest

from feedbot.settings.sentences import show
from feedbot.settings.show import as_toml, redacted
from tests.settings.conftest import Config

TEXT = """
[feedbot]
timeout = "90s"
base_url = "https://${HOST}/feeds"
[sources.a]
type = "web"
url = "https://me:s3cret@example.org/?key=${API_KEY}"
headers = { Authorization = "Bearer s3cret", "X Odd" = "${API_KEY}" }
tags = ["say \\"hi\\"", "${HOST}"]
interval = "2h"
[feeds.all]
title = "Ünï\\u007Fcode\\n"
[sinks.team]
type = "hook"
url = "https://hook.example/s3cret"
secret_file = "key"
[sinks.mail]
type = "mail"
host = "h"
from = "a@b.c"
to = ["x@y.z"]
username = "u"
password = "s3cret"
[[routes]]
on = ["new", "updated"]
"""


def shown(config: Config) -> dict[str, object]:
    config.file("key", "s3cret")
    return redacted(config.load(TEXT, HOST="example.org", API_KEY="s3cret"))


def test_no_secret_is_shown(config: Config) -> None:
    text = json.dumps(shown(config))

    assert "s3cret" not in text
    assert '"password": "***"' in text
    assert '"Authorization": "***"' in text


def test_what_came_by_reference_is_shown_as_the_reference(config: Config) -> None:
    source = shown(config)["sources"]["a"]  # type: ignore[index]

    assert source["url"] == "https://***@example.org/?key=${API_KEY}"
    assert source["tags"] == ['say "hi"', "${HOST}"]


def test_keys_are_shown_as_they_are_written(config: Config) -> None:
    settings = shown(config)

    assert settings["sinks"]["mail"]["from"] == "a@b.c"  # type: ignore[index]
    assert settings["sources"]["a"]["interval"] == "2h"  # type: ignore[index]
    assert settings["feedbot"]["timeout"] == "90s"  # type: ignore[index]
    assert settings["routes"][0]["on"] == ["new", "updated"]  # type: ignore[index]


def test_the_text_is_toml_with_the_same_values(config: Config) -> None:
    settings = shown(config)

    assert tomllib.loads(as_toml(settings)) == settings


def test_the_shortest_configuration_is_shown_with_its_defaults(config: Config) -> None:
    settings = redacted(config.load('[sources.a]\ntype = "web"\nurl = "x"\n'))

    assert settings["feedbot"]["flood_limit"] == 20
    assert settings["routes"] == []


@pytest.mark.parametrize(
    "query",
    [
        "token=s3cret",
        "tag=x&api_key=s3cret",
        "apikey=s3cret#top",
        "a=1&amp;auth=s3cret",
        "access%5Ftoken=s3cret",
        "X-Amz-Signature=s3cret&tag=x",
        "TOKEN=s3cret;tag=x",
        "token=${API_KEY:-s3cret}",
        "token=s3${API_KEY}",
    ],
)
def test_no_secret_in_the_query_of_an_address_is_shown(config: Config, query: str) -> None:
    text = f'[sources.a]\ntype = "web"\nurl = "https://x.example/feed?{query}"\n'

    url = redacted(config.load(text, API_KEY="cret"))["sources"]["a"]["url"]

    assert "s3" not in url
    assert "=***" in url
    assert ("tag=x" in query) == ("tag=x" in url)


@pytest.mark.parametrize(
    "query",
    [
        "feed=rss2",
        "format=atom&tag=x",
        "author=ann",
        "keywords=a+b&keyphrase=c",
        "token=",
        "id=4&sort=session",
        "a=b/token=1",
    ],
)
def test_an_ordinary_query_is_shown_whole(config: Config, query: str) -> None:
    address = f"https://x.example/feed?{query}"
    text = f'[sources.a]\ntype = "web"\nurl = "{address}"\n'

    assert redacted(config.load(text))["sources"]["a"]["url"] == address


def test_what_is_wrong_with_an_address_is_told_without_its_secrets() -> None:
    assert show("https://me:s3cret@x.example/?token=s3cret") == '"https://***@x.example/?token=***"'
