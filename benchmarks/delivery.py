"""Sends 10 000 pending webhooks to a receiver on this machine, with so many sent ones already in the outbox.

python benchmarks/delivery.py [--pending 10000] [--sent 0] [--in-flight 1]
"""

from __future__ import annotations

import argparse
import socketserver
import sqlite3
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from feedbot.app import App, RunOptions
from feedbot.engine.dispatch import dispatch
from feedbot.model import ChangeKind
from feedbot.settings import load
from feedbot.store.store import Store

_CONFIG = """
[feedbot]
allow_private = ["127.0.0.1:{port}"]
[sources.blog]
type = "feed"
url = "http://127.0.0.1:{port}/feed"
[feeds.all]
[sinks.hook]
type = "webhook"
url = "http://127.0.0.1:{port}/hook"
secret = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ="
max_in_flight = {in_flight}
"""
_DATA = '{{"title": "Entry {n}", "url": "https://blog.example/{n}", "content": "<p>{words}</p>"}}'


class _Receiver(socketserver.StreamRequestHandler):
    """Says yes to every POST, over connections that stay open."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            self.rfile.read(length)
            self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _fill(path: Path, pending: int, sent: int) -> None:
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    words = "some words of a post " * 40
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO sources (pk, name) VALUES (1, 'blog')")
        database.executemany(
            "INSERT INTO entries"
            " (pk, source_pk, id, sort_at, first_seen, data, text_print, metadata_print, whole_print)"
            " VALUES (?, 1, ?, ?, ?, ?, '', '', '')",
            ((n, f"entry-{n}", now, now, _DATA.format(n=n, words=words)) for n in range(1, pending + 1)),
        )
        database.executemany(
            "INSERT INTO outbox (key, sink, entry_pk, change, revision, state, created_at, not_before, planned_at,"
            " done_at, delivered) VALUES (?, 'hook', ?, ?, 1, ?, ?, ?, ?, ?, '[]')",
            (
                (f"{state}-{n}", n % pending + 1, ChangeKind.NEW.value, state, now, now, now, done)
                for state, number, done in (("sent", sent, now), ("pending", pending, None))
                for n in range(number)
            ),
        )
    database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pending", type=int, default=10_000)
    parser.add_argument("--sent", type=int, default=0)
    parser.add_argument("--in-flight", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _Server(("127.0.0.1", 0), _Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = Path(name) / "feedbot.toml"
        config.write_text(_CONFIG.format(port=server.server_address[1], in_flight=given.in_flight))
        configuration = load(config, {})
        Store.open(configuration.state_path).close()
        _fill(configuration.state_path, given.pending, given.sent)
        store = Store.open(configuration.state_path)
        app = App(configuration, out=open("/dev/null", "w"))  # noqa: SIM115
        cycle = app.cycle(store, RunOptions())
        assert cycle.dispatching is not None
        wall, processor = time.perf_counter(), time.process_time()
        report = dispatch(cycle.sinks, cycle.dispatching)["hook"]
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        store.close()
        server.shutdown()
    print(
        f"{report.sent} sent in {wall:.1f} s: {report.sent / wall:.0f}/s, {processor / report.sent * 1000:.2f} ms of"
        f" processor time each, the receiver's included; {given.sent} sent before"
    )
    assert not report.errors, report.errors


if __name__ == "__main__":
    main()
