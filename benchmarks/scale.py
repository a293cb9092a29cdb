"""What many sources cost in time and memory, each on a host of its own, some slow and some that never answer.

    python benchmarks/scale.py --sources 1000 --latency 0.05
    python benchmarks/scale.py --sources 10000 --hanging 3 --entries 2 --timeout 1 --concurrency 128

Prints wall and CPU seconds and peak memory of a first poll and of polls at which nothing is new; with ``--hanging`` N
every N-th source hangs, and the time is held to hanging * timeout / concurrency * 1.2 + 60 s.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measuring import RUN, loopback, server, timed


def configuration(port: int, options: argparse.Namespace) -> str:
    sources = "".join(
        f'[sources.s{number}]\ntype = "feed"\nurl = "http://{loopback(number)}:{port}/{number}.xml"\n'
        for number in range(options.sources)
    )
    return (
        '[feedbot]\nstate = "feedbot.db"\noutput = "public"\nallow_private = ["127.0.0.0/8"]\n'
        f'timeout = "{options.timeout:g}s"\nconcurrency = {options.concurrency}\n[feeds.all]\n{sources}'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--entries", type=int, default=35)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--hanging", type=int, default=0, help="every so manieth source hangs")
    parser.add_argument("--timeout", type=float, default=30.0)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3, help="polls after the first")
    options = parser.parse_args()
    given = ("entries", options.entries), ("delay", options.latency), ("hanging", options.hanging)
    arguments = [text for name, value in given for text in (f"--{name}", str(value))]
    print(f"{options.sources} sources: {'wall s':>16} {'CPU s':>8} {'MB':>6}")
    with server("--host", "0.0.0.0", *arguments) as port, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "feedbot.toml").write_text(configuration(port, options))
        for phase in ("first poll", *["nothing new"] * options.rounds):
            spent = timed(RUN, folder)
            print(f"{phase:<24} {spent.wall:8.2f} {spent.cpu:8.2f} {spent.memory:6.0f}", flush=True)
    if options.hanging:
        hang = -(-options.sources // options.hanging)
        print(f"bound: {hang * options.timeout / options.concurrency * 1.2 + 60:.0f} s for {hang} that hang")


if __name__ == "__main__":
    main()
