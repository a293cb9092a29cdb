from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from feedbot.message.chat import graphemes
from feedbot.plugins import Sink
from feedbot.sinks.bluesky import BlueskySettings, payload, record_key
from tests.sinks.builders import NOW, delivery
from tests.sinks.services import failure, made
from tests.support.web import Answer, Asked, WebServer

LOGIN = "/xrpc/com.atproto.server.createSession"
CREATE = "/xrpc/com.atproto.repo.createRecord"


class Pds:
    """A server of the AT protocol with one account: logs it in, keeps its records, lets its logins expire."""

    def __init__(self, web: WebServer) -> None:
        self.records: dict[str, Any] = {}
        self.logins = 0
        self.expired = False
        web.answers[LOGIN] = self._log_in
        web.answers[CREATE] = self._create
        self._web = web

    def _log_in(self, asked: Asked) -> Answer:
        body = json.loads(asked.body)
        if body != {"identifier": "me.example", "password": "hush-hush"}:
            return Answer(401, b'{"error": "AuthenticationRequired", "message": "Invalid identifier or password"}')
        self.logins += 1
        self.expired = False
        return Answer(200, b'{"did": "did:plc:me", "accessJwt": "jwt-%d"}' % self.logins)

    def _create(self, asked: Asked) -> Answer:
        if self.expired or asked.headers.get("authorization") != f"Bearer jwt-{self.logins}":
            return Answer(400, b'{"error": "ExpiredToken", "message": "Token has expired"}')
        body = json.loads(asked.body)
        assert (body["repo"], body["collection"]) == ("did:plc:me", "app.bsky.feed.post")
        if body["rkey"] in self.records:
            return Answer(500, b'{"error": "InternalServerError"}')
        self.records[body["rkey"]] = body["record"]
        query = f"repo=did%3Aplc%3Ame&collection=app.bsky.feed.post&rkey={body['rkey']}"
        found = json.dumps({"uri": f"at://did:plc:me/app.bsky.feed.post/{body['rkey']}"}).encode()
        self._web.answers[f"/xrpc/com.atproto.repo.getRecord?{query}"] = Answer(200, found)
        return Answer(200, b'{"uri": "at://x", "cid": "y"}')


@pytest.fixture
def pds(web: WebServer) -> Pds:
    return Pds(web)


def sink(web: WebServer, folder: Path, **further: object) -> Sink:
    settings = {"server": "/", "handle": "me.example", "password": "hush-hush"}
    return made("bluesky", web, folder, settings={**settings, **further})


def record(options: Mapping[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    keys = {"type": "bluesky", "handle": "me.example", "password": "p", **(options or {})}
    return payload(delivery(**values), BlueskySettings.model_validate(keys))


def test_a_post_has_its_link_its_tags_and_a_card(web: WebServer, tmp_path: Path, pds: Pds) -> None:
    sink(web, tmp_path).send(delivery(title="Grüße", tags=("python", "Ümläut"), language="de"), NOW)
    ((key, post),) = pds.records.items()
    assert key == record_key(delivery())
    assert post["$type"] == "app.bsky.feed.post"
    assert post["text"] == "Grüße\n\nHello, reader.\n\nhttps://example.org/welcome/\n#python #Ümläut"
    assert (post["createdAt"], post["langs"]) == ("2026-11-21T12:00:00Z", ["de"])
    data = post["text"].encode()
    named = [data[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode() for f in post["facets"]]
    assert named == ["https://example.org/welcome/", "#python", "#Ümläut"]
    assert [f["features"][0].get("tag") for f in post["facets"]] == [None, "python", "Ümläut"]
    card = post["embed"]["external"]
    assert card == {"uri": "https://example.org/welcome/", "title": "Grüße", "description": "Hello, reader."}


def test_one_login_serves_many_posts_and_an_expired_one_is_renewed(web: WebServer, tmp_path: Path, pds: Pds) -> None:
    posting = sink(web, tmp_path)
    posting.send(delivery("a"), NOW)
    posting.send(delivery("b"), NOW)
    assert pds.logins == 1
    pds.expired = True
    posting.send(delivery("c"), NOW)
    assert (pds.logins, len(pds.records)) == (2, 3)


def test_a_second_try_finds_what_the_first_one_posted(web: WebServer, tmp_path: Path, pds: Pds) -> None:
    change = delivery()
    sink(web, tmp_path).send(replace(change, attempts=1), NOW)
    sink(web, tmp_path).send(replace(change, attempts=2), NOW + timedelta(minutes=5))
    assert len(pds.records) == 1
    assert [asked.path for asked in web.asked].count(CREATE) == 1


def test_a_second_try_posts_where_the_first_one_did_not(web: WebServer, tmp_path: Path, pds: Pds) -> None:
    sink(web, tmp_path).send(replace(delivery(), attempts=2), NOW)
    assert len(pds.records) == 1


def test_a_wrong_password_is_a_refusal_without_it(web: WebServer, tmp_path: Path, pds: Pds) -> None:
    error = failure(sink(web, tmp_path, password="hush-wrong"))
    assert error.refused
    assert "Invalid identifier or password" in error.message


def test_a_rate_limit_says_until_when(web: WebServer, tmp_path: Path, pds: Pds) -> None:
    reset = str(int(NOW.timestamp()) + 60)
    web.answers[CREATE] = Answer(429, b'{"error": "RateLimitExceeded"}', {"RateLimit-Reset": reset})
    error = failure(sink(web, tmp_path))
    assert error.not_before == NOW + timedelta(seconds=60)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"did": "d", "accessJwt": "a\\r\\nb"}', b"<html>"])
def test_a_login_that_gives_nothing_is_a_server_that_is_down(web: WebServer, tmp_path: Path, body: bytes) -> None:
    web.answers[LOGIN] = Answer(200, body)
    assert failure(sink(web, tmp_path)).sink_down


def test_a_post_has_at_most_300_characters_and_a_long_address_is_behind_the_card() -> None:
    url = f"https://example.org/{'p' * 400}"
    post = record(content="🎉 word " * 300, url=url)
    assert 280 < graphemes(post["text"]) <= 300
    assert "https" not in post["text"]
    assert post["embed"]["external"]["uri"] == url


def test_nothing_in_the_text_of_an_entry_is_a_facet() -> None:
    assert record(content="@ada.example #tag https://elsewhere.example/", url="")["facets"] == []


def test_the_name_of_a_record_is_a_tid_and_the_same_at_every_try() -> None:
    key = record_key(delivery())
    assert len(key) == 13
    assert set(key) <= set("234567abcdefghijklmnopqrstuvwxyz")
    assert key == record_key(delivery())
    assert key != record_key(delivery("another"))
    assert key < record_key(delivery(created=NOW + timedelta(seconds=1)))
