"""Settings together with the sources, formats and sinks that feedbot brings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from feedbot.errors import ConfigError
from feedbot.settings import Configuration, load
from feedbot.settings.schema import json_schema
from feedbot.settings.show import as_toml, redacted

WHOLE = """
[feedbot]
state = "feedbot.db"
output = "public"
base_url = "https://example.org/feeds/"
allow_private = ["127.0.0.1:8080", "10.0.0.0/8"]

[sources.insider]
type = "posts"
path = "blog"
preset = "keystatic"
site = "https://blog.example.org"
permalink = "/{year}/{month}/{slug}/"
interval = "30m"
tags = ["python"]
settle = "0s"

[sources.planet]
type = "feed"
url = "https://planet.example.org/rss20.xml"
headers = { Authorization = "Bearer ${TOKEN}" }

[feeds.all]
title = "Everything"
sources = ["*"]
filter = "'releases' in tags"
aliases = ["feeds/posts/default"]

[sinks.team]
type = "webhook"
url = "${TEAM_WEBHOOK}"

[sinks.readers]
type = "email"
host = "smtp.example.org"
username = "me"
password_file = "password"
from = "feedbot@example.org"
to = ["me@example.org"]

[sinks.log]
type = "file"
path = "announced.jsonl"

[sinks.terminal]
type = "console"

[[routes]]
filter = "author == 'Ada Lovelace'"
on = ["new", "updated"]
to = ["team", "readers", "log", "terminal"]
"""

ENV = {"HOME": "/nowhere", "TOKEN": "t0ken", "TEAM_WEBHOOK": "https://hook.example/s3cret"}


def loaded(folder: Path, text: str) -> Configuration:
    (folder / "blog").mkdir(exist_ok=True)
    (folder / "password").write_text("pa55word\n", encoding="utf-8")
    path = folder / "feedbot.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, ENV)


def test_a_configuration_with_everything_is_read(tmp_path: Path) -> None:
    found = loaded(tmp_path, WHOLE)

    assert [cls.__name__ for cls in found.source_types.values()] == ["PostsSource", "FeedSource"]
    assert list(found.sinks) == ["team", "readers", "log", "terminal"]
    assert found.warnings == ()
    assert {"pa55word", "https://hook.example/s3cret"} <= found.secrets


def test_nothing_secret_of_it_is_shown(tmp_path: Path) -> None:
    text = as_toml(redacted(loaded(tmp_path, WHOLE)))

    for secret in ("t0ken", "s3cret", "pa55word"):
        assert secret not in text


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('path = "blog"', 'pth = "blog"', 'unknown key "pth"'),
        ('interval = "30m"', 'interval = "half an hour"', "is no duration"),
        ('host = "smtp.example.org"', "host = 3", '"host" in [sinks.readers]: expected text in quotes, found 3'),
        ('type = "webhook"', 'type = "webhok"', 'there is no sink of type "webhok"'),
        ('type = "feed"', 'type = "git"', 'is of type "posts", with its address as "git"'),
        ('settle = "0s"', 'settle = "5"', "is no duration"),
        ('from = "feedbot@example.org"', "", "[sinks.readers]: from is missing"),
        ('url = "https://planet.example.org/rss20.xml"', "", "[sources.planet]: "),
        ('url = "${TEAM_WEBHOOK}"', 'url = "${TEAM_HOOK}"', "the environment variable TEAM_HOOK is not set"),
    ],
)
def test_mistakes_in_it_are_told_in_plain_words(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    assert right in WHOLE

    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, WHOLE.replace(right, wrong))

    assert any(message in str(problem) for problem in caught.value.problems), caught.value.problems
    for problem in caught.value.problems:
        assert "Input should" not in str(problem)


def test_the_schema_knows_every_plugin() -> None:
    definitions = json_schema()["$defs"]

    for name in ("source-posts", "source-feed", "sink-webhook", "sink-email", "sink-file", "sink-console"):
        assert definitions[name]["properties"]["type"]["const"] == name.partition("-")[2]
        assert definitions[name]["additionalProperties"] is False


def test_settings_are_there_without_loading_what_polls_and_sends() -> None:
    code = (
        "import sys, feedbot.settings\n"
        "heavy = {'requests', 'feedparser', 'feedgen', 'lxml', 'jinja2', 'markdown_it', 'sqlalchemy', 'smtplib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
