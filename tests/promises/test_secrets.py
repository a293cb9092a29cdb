"""No secret of a source is in anything that feedbot says, shows or leaves for others to read (P18)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.promises.company import Company, assert_unharmed, bad_ones, feed, ok, raw, rss
from tests.support.cli import Ran, feedbot
from tests.support.web import Answer, WebServer, web_server

TOKEN = "t0ken-of-a-header"
PASSWORD = "pa55word-of-a-url"
KEY = "k3y-in-a-query"
FROM_ENVIRONMENT = "s3cret-of-the-environment"
SECRETS = (TOKEN, PASSWORD, KEY, FROM_ENVIRONMENT, "bWU6cGE1NXdvcmQtb2YtYS11cmw")  # the last: as Basic credentials

TELLING = (
    ("run", "--force"),
    ("run", "--force", "-vv", "--log-format", "json"),
    ("run", "--force", "--json"),
    ("run", "--force", "--dry-run", "-vv"),
    ("source", "poll", "bad-0", "-vv"),
    ("entry", "list", "--json"),
    ("check", "-vv"),
    ("check", "--json"),
    ("queue", "list", "--json"),
)
# These show addresses as they are configured, or as they are by now.
SHOWING = (
    ("status",),
    ("status", "--json"),
    ("source", "list", "--json"),
    ("source", "show", "bad-8"),
    ("config", "show"),
    ("config", "show", "--json"),
    ("opml", "export", "-"),
)


def answers(other: WebServer) -> list[Answer]:
    """The ways in which what was sent might come back in a message."""
    echo = f"/elsewhere?key={KEY}"
    page = f"<!doctype html><html><head><link rel=alternate type=application/rss+xml href='{echo}'></head></html>"
    return [
        ok(rss("x")),
        Answer(500, KEY.encode()),
        Answer(404),
        Answer(410),
        Answer(401, headers={"WWW-Authenticate": f'Basic realm="{KEY}"'}),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
        raw(KEY.encode() + b"\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\nx"),
        ok(page.encode()),
        Answer(301, headers={"Location": echo}),
        Answer(301, headers={"Location": other.url(echo)}),
        Answer(302, headers={"Location": f"http://127.0.0.2:1{echo}"}),
        Answer(302, headers={"Location": f"http://[{KEY}"}),
        Answer(302, headers={"Location": f"/bad-13?key={KEY}"}),
        ok(rss("x") + KEY.encode()),
    ]


@pytest.fixture
def folder(tmp_path: Path, web: WebServer) -> Iterator[Path]:
    """Sources that carry secrets in every way, one for each kind of answer."""
    with web_server() as other:
        other.answers[f"/elsewhere?key={KEY}"] = Answer(500)
        web.serve(f"/elsewhere?key={KEY}", rss("elsewhere"))
        tables = ""
        for number, answer in enumerate(answers(other)):
            web.answers[f"/bad-{number}?key={KEY}"] = answer
            url = f"http://me:{quote(PASSWORD)}@{web.address}/bad-{number}?key={KEY}"
            headers = f'headers = {{ X-Api-Key = "{TOKEN}", X-Other = "Bearer ${{SECRET}}" }}'
            tables += feed(f"bad-{number}", url, f'allow_private = ["{web.address}", "{other.address}"]\n{headers}')
        config = '[feedbot]\nstate = "feedbot.db"\ntimeout = "2s"\nper_host = 32\n[feeds.all]\n' + tables
        (tmp_path / "feedbot.toml").write_text(config)
        yield tmp_path


def said(folder: Path, *arguments: str) -> str:
    ran: Ran = feedbot(*arguments, cwd=folder, env={"SECRET": FROM_ENVIRONMENT, "WHICH": FROM_ENVIRONMENT})
    assert ran.code == 0, ran
    return ran.out + ran.err


def test_no_command_tells_a_secret(folder: Path, web: WebServer) -> None:
    told = {command: said(folder, *command) for command in TELLING}
    assert not {command for command, text in told.items() if any(secret in text for secret in SECRETS)}
    sent = web.asked[0].headers
    assert (sent["x-api-key"], sent["x-other"]) == (TOKEN, f"Bearer {FROM_ENVIRONMENT}")
    assert sent["authorization"].startswith("Basic ")


def test_no_command_shows_a_secret(folder: Path) -> None:
    said(folder, "run")
    shown = {command: said(folder, *command) for command in SHOWING}
    assert not {command for command, text in shown.items() if any(secret in text for secret in SECRETS)}


def test_what_came_by_reference_into_a_query_is_not_shown_whatever_it_is_called(tmp_path: Path, web: WebServer) -> None:
    asked = f"/feed?page=2&x={FROM_ENVIRONMENT}"
    web.answers[asked] = Answer(301, headers={"Location": f"/new?page=2&x={FROM_ENVIRONMENT}"})
    web.serve(f"/new?page=2&x={FROM_ENVIRONMENT}", rss("x"))
    url = web.url("/feed?page=2&x=${WHICH}")
    config = '[feedbot]\nstate = "feedbot.db"\n' + feed("bad-8", url, f'allow_private = ["{web.address}"]')
    (tmp_path / "feedbot.toml").write_text(config)
    assert "2 entries" in said(tmp_path, "run", "-vv")
    shown = {command: said(tmp_path, *command) for command in SHOWING}
    assert not {command for command, text in shown.items() if FROM_ENVIRONMENT in text}
    assert "/feed?page=2&amp;x=" in shown["opml", "export", "-"]
    assert 'the address of the source "bad-8" is written without' in shown["opml", "export", "-"]
    assert url in shown["config", "show"]


def test_sources_that_lose_their_secrets_harm_no_other(tmp_path: Path, web: WebServer) -> None:
    with web_server() as other:
        other.answers[f"/elsewhere?key={KEY}"] = Answer(500)
        tables = ""
        for number, answer in enumerate(answers(other)):
            web.answers[f"/bad-{number}?key={KEY}"] = answer
            url = f"http://me:{PASSWORD}@{web.address}/bad-{number}?key={KEY}"
            tables += feed(f"bad-{number}", url, f'allow_private = ["{web.address}", "{other.address}"]')
        company = Company(tmp_path / "with", web, tables)
        report = company.run()
    assert_unharmed(company, report)
    told = "".join(f"{source}" for source in bad_ones(report).values())
    assert "failed" in told
    assert not [secret for secret in (*SECRETS, "bad-0?") if secret in told or secret.encode() in company.published]


def test_what_is_published_holds_no_secret(folder: Path) -> None:
    said(folder, "run")
    published = [path for path in (folder / "public").rglob("*") if path.is_file()]
    assert published
    for path in published:
        data = path.read_bytes()
        assert not [secret for secret in SECRETS if secret.encode() in data], path


def test_the_state_keeps_no_header_and_no_password(folder: Path) -> None:
    said(folder, "run")
    for path in folder.glob("feedbot.db*"):
        data = path.read_bytes()
        assert not [secret for secret in (TOKEN, PASSWORD, FROM_ENVIRONMENT, SECRETS[-1]) if secret.encode() in data]


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes")
def test_the_state_is_for_its_owner_alone_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        said(folder, "run")
    finally:
        os.umask(before)
    kept = list(folder.glob("feedbot.db*"))
    assert kept
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in kept} == {path.name: "0o600" for path in kept}
