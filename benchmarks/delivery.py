"""Sends what is pending to receivers on this machine: webhooks, or mails beside those of rss2email.

python benchmarks/delivery.py [--webhooks 10000] [--mails 5000] [--sent 0] [--in-flight 1] [--rss2email PROGRAM]

``--sent`` is how many deliveries were sent before and are still known; claiming is to cost the same with any number.
``--rss2email`` has its ``r2e`` mail as many entries of one feed to the same server. The receivers are processes of
their own, and not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedbot.app import App, RunOptions
from feedbot.engine.dispatch import dispatch
from feedbot.settings import load
from feedbot.store.schema import id_key
from feedbot.store.store import Store

_CONFIG = """
[feedbot]
allow_private = ["127.0.0.1"]
[sources.blog]
type = "feed"
url = "http://127.0.0.1:9/feed"
[feeds.all]
[sinks.hook]
type = "webhook"
url = "http://127.0.0.1:{web}/hook"
secret = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ="
max_in_flight = {in_flight}
[sinks.mails]
type = "email"
host = "127.0.0.1"
port = {smtp}
tls = "none"
from = "feedbot@example.org"
to = ["me@example.org"]
max_in_flight = {in_flight}
"""
_WORDS = "<p>" + "some words of a post " * 40 + "</p>"
_DATA = '{{"title": "Entry {n}", "url": "https://blog.example/{n}", "content": "{words}"}}'
_R2E = """[DEFAULT]
email-protocol = smtp
smtp-server = 127.0.0.1
smtp-port = {smtp}
smtp-ssl = False
smtp-auth = False
from = feedbot@example.org
to = me@example.org
html-mail = True
multipart-html = True
verbose = error
[feed.blog]
url = file://{feed}
"""


async def _take_webhooks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say yes to every POST, over a connection that stays open."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def _take_mails(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say yes to every mail, as a server without extensions does."""
    writer.write(b"220 mail.example ESMTP\r\n")
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 yes\r\n")


Take = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


def _serve(take: Take, port: Any) -> None:
    async def serve() -> None:
        server = await asyncio.start_server(take, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def _receiver(take: Take) -> Iterator[int]:
    """The port of a receiver, which lives as long as the block."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(take, its), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _fill(path: Path, pending: dict[str, int], sent: int) -> None:
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    most = max(pending.values())
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO sources (pk, name) VALUES (1, 'blog')")
        database.executemany(
            "INSERT INTO entries"
            " (pk, source_pk, id, id_key, sort_at, first_seen, data, text_print, metadata_print, whole_print)"
            " VALUES (?, 1, ?, ?, ?, ?, ?, '', '', '')",
            (
                (n, name, id_key(name), now, now, _DATA.format(n=n, words=_WORDS))
                for n, name in ((n, f"entry-{n}") for n in range(1, most + 1))
            ),
        )
        database.executemany(
            "INSERT INTO outbox (key, sink, entry_pk, change, revision, state, created_at, not_before, planned_at,"
            " done_at, delivered) VALUES (?, ?, ?, 'new', 1, ?, ?, ?, ?, ?, '[]')",
            (
                (f"{state}-{sink}-{n}", sink, n % most + 1, state, now, now, now, done)
                for sink, waiting in pending.items()
                for state, number, done in (("sent", sent // len(pending), now), ("pending", waiting, None))
                for n in range(number)
            ),
        )
    database.close()


def _measured(app: App, store: Store, sink: str) -> None:
    cycle = app.cycle(store, RunOptions())
    assert cycle.dispatching is not None
    wall, processor = time.perf_counter(), time.process_time()
    report = dispatch([one for one in cycle.sinks if one[0] == sink], cycle.dispatching)[sink]
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    assert not report.errors, report.errors
    each = processor / report.sent * 1000
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{sink}: {report.sent} in {wall:.1f} s, {report.sent / wall:.0f}/s; {each:.2f} ms CPU each; {memory:.0f} MB")


def _rss2email(program: str, folder: Path, number: int, smtp: int) -> None:
    items = "".join(
        f"<item><guid isPermaLink='false'>{n}</guid><title>Entry {n}</title><link>https://blog.example/{n}</link>"
        f"<description><![CDATA[{_WORDS}]]></description></item>"
        for n in range(number)
    )
    feed = folder / "feed.xml"
    feed.write_text(f'<rss version="2.0"><channel><title>Blog</title>{items}</channel></rss>')
    config = folder / "rss2email.cfg"
    config.write_text(_R2E.format(smtp=smtp, feed=feed))
    begun, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "HOME": str(folder)}
    subprocess.run([program, "-c", config, "-d", folder / "r2e.json", "run"], check=True, env=environment)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    print(f"rss2email: {number} in {wall:.1f} s, {number / wall:.0f}/s; {processor / number * 1000:.2f} ms CPU each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--webhooks", type=int, default=10_000)
    parser.add_argument("--mails", type=int, default=5_000)
    parser.add_argument("--sent", type=int, default=0)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--rss2email", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _receiver(_take_webhooks) as web, _receiver(_take_mails) as smtp:
        config = Path(name) / "feedbot.toml"
        config.write_text(_CONFIG.format(web=web, smtp=smtp, in_flight=given.in_flight))
        configuration = load(config, {})
        state = configuration.folder / "feedbot.db"
        Store.open(state).close()
        _fill(state, {"hook": given.webhooks, "mails": given.mails}, given.sent)
        store = Store.open(state)
        with open(os.devnull, "w") as nowhere:
            app = App(configuration, out=nowhere)
            for sink, number in (("hook", given.webhooks), ("mails", given.mails)):
                if number:
                    _measured(app, store, sink)
        store.close()
        if given.rss2email:
            _rss2email(given.rss2email, Path(name), given.mails, smtp)


if __name__ == "__main__":
    main()
