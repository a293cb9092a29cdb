"""What a daemon costs in the long run: memory, files and threads, while months of polls go by in minutes.

    python benchmarks/soak.py --sources 300 --minutes 5
    python benchmarks/soak.py --sources 10000 --hanging 3 --timeout 3 --concurrency 128 --interval 600 --minutes 5

Runs ``feedbot daemon`` on made-up feeds polled every ``--interval`` seconds; now and then every twentieth has something
new, is sent to a file, and the configuration is read anew; with ``--hanging`` N every N-th feed is never answered.
Prints a line every so often, then the growth an hour over the second half; and when the healthy sources had all been
polled, held to hanging * timeout / concurrency * 1.2 + 60 s. It always ends.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path

from measuring import ENVIRONMENT, loopback, server, set_mode

SAMPLES = 20
RELOAD = 5  # samples between two readings of the configuration


@dataclass(frozen=True)
class Sample:
    """What a process holds: resident MB, open files and threads; and the seconds of CPU it has spent."""

    seconds: float
    memory: float
    files: int
    threads: int
    cpu: float


def configuration(port: int, options: argparse.Namespace) -> str:
    sources = "".join(
        f'[sources.s{number}]\ntype = "feed"\nurl = "http://{loopback(number)}:{port}/{number}.xml"\n'
        f'interval = "{options.interval:g}s"\n'
        for number in range(options.sources)
    )
    return (
        '[feedbot]\nstate = "feedbot.db"\noutput = "public"\nallow_private = ["127.0.0.0/8"]\nflood_limit = 1000000\n'
        f'timeout = "{options.timeout:g}s"\nconcurrency = {options.concurrency}\n'
        f'[feeds.all]\n[sinks.log]\ntype = "file"\npath = "log.jsonl"\n{sources}'
    )


def sample(process: int, begun: float) -> Sample:
    folder = Path(f"/proc/{process}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    times = (folder / "stat").read_text().rpartition(")")[2].split()
    return Sample(
        time.monotonic() - begun,
        int(status["VmRSS"].split()[0]) / 1024,
        len(os.listdir(folder / "fd")),
        int(status["Threads"]),
        (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
    )


def healthy_left(state: Path, options: argparse.Namespace) -> int:
    """How many sources that answer have not been polled yet."""
    healthy = options.sources - (-(-options.sources // options.hanging) if options.hanging else 0)
    try:
        with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as connection:
            return healthy - int(connection.execute("SELECT count(*) FROM sources WHERE polled").fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return healthy


def soak(port: int, folder: Path, options: argparse.Namespace) -> list[Sample]:
    """Run a daemon for as long as it was asked for; gives what it held from time to time."""
    (folder / "feedbot.toml").write_text(configuration(port, options))
    samples: list[Sample] = []
    done: Sample | None = None
    with (folder / "said").open("w") as said:
        command = [sys.executable, "-m", "feedbot", "daemon"]
        process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=said, stderr=said)
        try:
            begun = time.monotonic()
            for number in range(1, SAMPLES + 1):
                due = begun + number * options.minutes * 60 / SAMPLES
                while time.monotonic() < due:
                    time.sleep(0.5)
                    if not done and healthy_left(folder / "feedbot.db", options) <= 0:
                        done = sample(process.pid, begun)
                samples.append(sample(process.pid, begun))
                print(
                    "{:8.0f} s {:8.1f} MB {:6} files {:6} threads {:8.1f} s CPU".format(*astuple(samples[-1])),
                    flush=True,
                )
                set_mode(f"http://127.0.0.1:{port}", "new" if number % 2 else "validators")
                if number % RELOAD == 0:
                    process.send_signal(signal.SIGHUP)
            process.terminate()
            process.wait(15)
        finally:
            process.kill()
            process.wait()
    if options.hanging:
        hang = -(-options.sources // options.hanging)
        bound = hang * options.timeout / options.concurrency * 1.2 + 60
        left = healthy_left(folder / "feedbot.db", options)
        spent = f"done after {done.seconds:.0f} s and {done.cpu:.0f} s of CPU" if done else f"not done, {left} are left"
        print(f"healthy sources {spent}; bound {bound:.0f} s for {hang} that hang")
    return samples


def slope(samples: list[Sample], name: str) -> float:
    """Growth an hour, by least squares."""
    xs, ys = [one.seconds / 3600 for one in samples], [getattr(one, name) for one in samples]
    middle, level = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle) ** 2 for x in xs)
    return sum((x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)) / spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=300)
    parser.add_argument("--entries", type=int, default=5)
    parser.add_argument("--hanging", type=int, default=0, help="every so manieth source hangs")
    parser.add_argument("--timeout", type=float, default=5.0)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--interval", type=float, default=2.0, help="seconds between two polls of a source")
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    serving = ("--host", "0.0.0.0", "--entries", str(options.entries), "--hanging", str(options.hanging))
    with server(*serving) as port, tempfile.TemporaryDirectory() as name:
        samples = soak(port, Path(name), options)
    later = samples[len(samples) // 2 :]
    growth = ", ".join(f"{name} {slope(later, name):+.1f}" for name in ("memory", "files", "threads"))
    print(f"growth an hour over the second half: {growth}; most memory {max(one.memory for one in samples):.0f} MB")


if __name__ == "__main__":
    main()
