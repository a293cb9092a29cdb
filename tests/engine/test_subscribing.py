"""WebSub, subscribing: a hub is asked to push, asks back, and what it pushes is polled at once."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode
from urllib.request import Request, urlopen

import pytest

from feedbot.model import Hub
from feedbot.sources.feed.hub import hub_of
from tests.support.build import rss
from tests.support.cli import feedbot
from tests.support.daemon import RunningDaemon, daemon, running
from tests.support.web import Answer, WebServer

URL = "https://blog.example/feed"


def serve(web: WebServer, *names: str) -> None:
    link = f'<{web.url("/hub")}>; rel="hub", <{web.url("/topic")}>; rel=self'
    web.serve("/feed", rss(*names), Link=link)


@pytest.fixture
def port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path, web: WebServer, port: int) -> Path:
    serve(web, "one")
    web.answers["/hub"] = Answer(202)
    (tmp_path / "feedbot.toml").write_text(
        f"""
[feedbot]
callback = "http://127.0.0.1:{port}/"
allow_private = ["{web.address}"]
[sources.blog]
type = "feed"
url = "{web.url("/feed")}"
interval = "1h"
[sinks.log]
type = "file"
path = "log.jsonl"
"""
    )
    return tmp_path


def asked(web: WebServer) -> dict[str, str]:
    """What the hub was asked at last."""
    form = [parse_qs(one.body.decode()) for one in web.asked if one.path == "/hub"][-1]
    return {name: values[0] for name, values in form.items()}


def subscribed(running: RunningDaemon, web: WebServer) -> dict[str, str]:
    running.until(lambda: any(one.path == "/hub" for one in web.asked))
    return confirmed(web)


def confirmed(web: WebServer) -> dict[str, str]:
    """What the hub was asked, after it has asked back."""
    form = asked(web)
    query = {"hub.mode": "subscribe", "hub.topic": form["hub.topic"], "hub.challenge": "xyz", "hub.lease_seconds": "99"}
    with urlopen(f"{form['hub.callback']}?{urlencode(query)}", timeout=10) as answer:
        assert answer.read() == b"xyz"
    return form


@contextmanager
def serving(folder: Path, port: int) -> Iterator[None]:
    """feedbot serve, as long as the block lasts."""
    with running(folder, "serve", "--port", str(port)) as server:
        server.until_said("serving")
        yield


def push(form: dict[str, str], secret: str, body: bytes = b"new") -> int:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    request = Request(form["hub.callback"], body, {"X-Hub-Signature": signature, "Content-Type": "text/xml"})
    with urlopen(request, timeout=10) as answer:
        return int(answer.status)


def test_what_a_hub_pushes_is_announced_at_once(folder: Path, web: WebServer, port: int) -> None:
    with daemon(folder, "--serve", f"127.0.0.1:{port}") as running:
        form = subscribed(running, web)
        assert (form["hub.mode"], form["hub.topic"]) == ("subscribe", web.url("/topic"))
        serve(web, "two", "one")
        polls = sum(one.path == "/feed" for one in web.asked)

        assert push(form, "not the secret") == 202
        assert push(form, form["hub.secret"]) == 202

        running.until(lambda: (folder / "log.jsonl").exists() and '"two"' in (folder / "log.jsonl").read_text())
        assert sum(one.path == "/feed" for one in web.asked) == polls + 1


def test_a_server_beside_one_shot_runs_takes_pushes_for_the_next_of_them(
    folder: Path, web: WebServer, port: int
) -> None:
    with serving(folder, port):
        with pytest.raises(HTTPError, match="503"):  # there is no state yet
            urlopen(f"http://127.0.0.1:{port}/websub/guess", timeout=10)
        assert feedbot("run", cwd=folder).code == 0
        form = confirmed(web)
        serve(web, "two", "one")
        assert '"two"' not in feedbot("run", "--json", cwd=folder).out

        assert push(form, form["hub.secret"]) == 202

        assert '"two"' in feedbot("run", "--json", cwd=folder).out


def test_who_asks_back_about_what_nobody_asked_for_is_told_so(folder: Path, web: WebServer, port: int) -> None:
    with daemon(folder, "--serve", f"127.0.0.1:{port}") as running:
        form = subscribed(running, web)
        other = {"hub.mode": "subscribe", "hub.topic": "https://else.example/", "hub.challenge": "xyz"}
        for url in (f"{form['hub.callback']}?{urlencode(other)}", f"http://127.0.0.1:{port}/websub/guess"):
            with pytest.raises(HTTPError, match="404"):
                urlopen(url, timeout=10)
        with pytest.raises(HTTPError, match="410"):
            push({"hub.callback": f"http://127.0.0.1:{port}/websub/guess"}, "x")


def test_a_hub_that_refuses_is_told_of_and_not_asked_again_soon(folder: Path, web: WebServer) -> None:
    web.answers["/hub"] = Answer(400)

    assert "answered 400" in feedbot("run", "--json", cwd=folder).out
    feedbot("run", "--force", cwd=folder)

    assert sum(one.path == "/hub" for one in web.asked) == 1


def test_without_an_address_of_its_own_feedbot_asks_no_hub(folder: Path, web: WebServer) -> None:
    path = folder / "feedbot.toml"
    path.write_text(path.read_text().replace("callback", "# callback"))
    assert feedbot("run", cwd=folder).code == 0
    assert all(one.path == "/feed" for one in web.asked)


@pytest.mark.parametrize(
    ("text", "headers", "found"),
    [
        (rss("a"), {}, Hub("", "")),
        (rss("a"), {"link": '<https://hub.example/>; rel="hub"'}, Hub("https://hub.example/", URL)),
        (rss("a"), {"link": "</hub>; rel=hub, </t>; rel=self"}, Hub("https://blog.example/hub", "https://blog.example/t")),
        ('<feed><link rel="hub" href="https://h.example/?a=1&amp;b=2"/>', {}, Hub("https://h.example/?a=1&b=2", URL)),
        ("<rss><atom:link href='https://h.example/' rel='hub'/>", {}, Hub("https://h.example/", URL)),
        ('<feed><entry><link rel="hub" href="https://h.example/"/></entry>', {}, Hub("", "")),
        ('<feed><link rel="hub" href="javascript:x"/>', {}, Hub("", "")),
        ('<feed><link rel="hub" href="http://[x"/>', {"link": "<http://[y>; rel=hub"}, Hub("", "")),
        ('{"hubs": [{"type": "WebSub", "url": "https://h.example/"}]}', {}, Hub("https://h.example/", URL)),
        ('{"hubs": 3, "items": [', {}, Hub("", "")),
    ],
)  # fmt: skip
def test_a_feed_names_its_hub_in_headers_or_in_its_head(text: str, headers: dict[str, str], found: Hub) -> None:
    assert hub_of(text, URL, headers) == found
