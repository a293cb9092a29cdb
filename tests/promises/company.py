"""Twenty healthy sources beside bad ones: over real HTTP, with a real state, each run as if after a restart."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory

from feedbot.app import App, RunOptions
from feedbot.engine.report import RunReport, SourceReport, SourceStatus
from feedbot.settings import load
from tests.support.web import Answer, Asked, WebServer, web_server

HEALTHY = 20
TIMEOUT = 2.0


def rss(name: str, entries: int = 2, head: str = "") -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>{name}-{n}</guid><title>{name} {n}</title></item>" for n in range(entries)
    )
    return f"<rss version='2.0'><channel><title>{name}</title>{head}{items}</channel></rss>".encode()


def ok(body: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, body, {"Content-Type": "application/xml", **named})


def raw(data: bytes) -> Answer:
    """Bytes as they are, head and all."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)

    return Answer(raw=answer)


def feed(name: str, url: str, more: str = "") -> str:
    """The table of a source."""
    return f'[sources.{name}]\ntype = "feed"\nurl = "{url}"\n{more}\n'


@dataclass
class Company:
    """Twenty healthy sources, and ``bad`` ones as tables; ``settings`` are lines for [feedbot]."""

    folder: Path
    web: WebServer
    bad: str = ""
    settings: str = ""
    now: datetime = field(default=datetime(2026, 11, 21, 12, 0, tzinfo=UTC))

    def run(self, *only: str, force: bool = False, **later: float) -> RunReport:
        """A run as after a restart, so much later, of all sources or of some."""
        self.now += timedelta(**later)
        return self.app().run(RunOptions(sources=only, force=force))

    def app(self) -> App:
        self.folder.mkdir(exist_ok=True)
        config = (
            f'[feedbot]\nstate = "feedbot.db"\noutput = "public"\ntimeout = "{TIMEOUT:g}s"\nper_host = 32\n'
            f'{self.settings}\n[feeds.all]\nsources = ["good-*"]\nlimit = 1000\n'
        )
        for number in range(HEALTHY):
            url = self.web.serve(f"/good-{number}", rss(f"good-{number}"))
            config += feed(f"good-{number}", url, f'backfill = "all"\nallow_private = ["{self.web.address}"]')
        (self.folder / "feedbot.toml").write_text(config + self.bad)
        return App(load(self.folder / "feedbot.toml", {}), out=io.StringIO(), clock=lambda: self.now)

    @property
    def published(self) -> bytes:
        """What is published of the healthy, whatever the port of their server."""
        return (self.folder / "public" / "all.atom").read_bytes().replace(self.web.address.encode(), b"web")


def bad_ones(report: RunReport) -> dict[str, SourceReport]:
    return {name: source for name, source in report.sources.items() if not name.startswith("good-")}


def good_ones(report: RunReport) -> dict[str, tuple[SourceStatus, list[str]]]:
    return {name: (source.status, source.new) for name, source in report.sources.items() if name.startswith("good-")}


def assert_unharmed(company: Company, report: RunReport) -> None:
    """The first run went for the healthy exactly as it goes without the bad."""
    expected, published = _alone()
    assert good_ones(report) == expected
    assert len(expected) == HEALTHY
    assert all(status is SourceStatus.OK and len(new) == 2 for status, new in expected.values())
    assert company.published == published


@cache
def _alone() -> tuple[dict[str, tuple[SourceStatus, list[str]]], bytes]:
    """How the first run of the healthy goes, and what they publish."""
    with TemporaryDirectory() as folder, web_server() as web:
        company = Company(Path(folder), web)
        return good_ones(company.run()), company.published


def assert_told(source: SourceReport) -> None:
    """A source failed in words that a person understands."""
    assert source.status is SourceStatus.FAILED, source
    assert source.error
    assert "Traceback" not in source.error
    assert "unexpected" not in source.error, source.error


def asked_of(web: WebServer, path: str) -> list[Asked]:
    return [asked for asked in web.asked if asked.path == path]
