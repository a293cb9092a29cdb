"""What polling many feeds costs: feedbot beside reader and rss2email, on one server, in one run.

    python benchmarks/feeds.py --feeds 200 --rounds 3 [--peers]

With ``--peers`` the newest reader and rss2email that their interpreters take are set up, each in an environment of
its own below ``--environments``. Prints CPU and wall seconds of whole processes (median of the rounds), and ratios.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measuring import RUN, Spent, server, set_mode, timed

PHASES = ("first poll", "all 304", "5 % gained one", "equal bodies", "own date differs")

READER = """
import sys
from reader import make_reader
reader = make_reader("reader.sqlite")
known = {feed.url for feed in reader.get_feeds()}
for url in open("urls.txt").read().split():
    if url not in known:
        reader.add_feed(url)
reader.update_feeds(workers=10, scheduled=False)
"""


class Feedbot:
    def prepare(self, folder: Path, urls: list[str]) -> None:
        address = urls[0].split("/")[2]
        config = (
            '[feedbot]\nstate = "feedbot.db"\noutput = "public"\nper_host = 32\n'
            f'allow_private = ["{address}"]\nflood_limit = 1000000\n[feeds.all]\n'
        )
        for number, url in enumerate(urls):
            config += f'[sources.s{number}]\ntype = "feed"\nurl = "{url}"\n'
        (folder / "feedbot.toml").write_text(config)
        self.command = [*RUN, "--strict"]


class Reader:
    def __init__(self, python: str) -> None:
        self.command = [python, "-c", READER]

    def prepare(self, folder: Path, urls: list[str]) -> None:
        (folder / "urls.txt").write_text("\n".join(urls))


class Rss2email:
    def __init__(self, program: str) -> None:
        self.command = [program, "-c", "r2e.cfg", "-d", "r2e.json", "run", "--no-send"]

    def prepare(self, folder: Path, urls: list[str]) -> None:
        feeds = "".join(f"[feed.s{number}]\nurl = {url}\n" for number, url in enumerate(urls))
        (folder / "r2e.cfg").write_text(f"[DEFAULT]\nto = a@example.org\nfrom = b@example.org\n{feeds}")


def measure(tool: Feedbot | Reader | Rss2email, address: str, number: int) -> dict[str, Spent]:
    """What each phase costs one tool, from an empty state on."""
    urls = [f"{address}/{n}.xml" for n in range(number)]
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tool.prepare(folder, urls)
        for phase, mode in zip(PHASES[:3], ("validators", "validators", "new"), strict=True):
            set_mode(address, mode)
            figures[phase] = timed(tool.command, folder)
    for phase, mode in (("equal bodies", "plain"), ("own date differs", "stamped")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            tool.prepare(folder, urls)
            set_mode(address, mode)
            timed(tool.command, folder)
            figures[phase] = timed(tool.command, folder)
    return figures


def environment(folder: Path, package: str, python: str) -> Path:
    """The folder of programs of an environment with one package, made where there is none."""
    place = folder / package.partition("=")[0]
    if not place.exists():
        subprocess.run([python, "-m", "venv", str(place)], check=True)
        subprocess.run([str(place / "bin" / "pip"), "install", "-q", package], check=True)
    return place / "bin"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "feedbot-benchmark-peers")
    options = parser.parse_args()
    tools: dict[str, Callable[[], Feedbot | Reader | Rss2email]] = {"feedbot": Feedbot}
    if options.peers:
        newest = next(filter(None, map(shutil.which, ("python3.13", "python3.12", "python3"))))
        reader = environment(options.environments, "reader", newest) / "python"
        r2e = environment(options.environments, "rss2email", sys.executable) / "r2e"
        tools |= {"reader": lambda: Reader(str(reader)), "rss2email": lambda: Rss2email(str(r2e))}
    measured: dict[str, list[dict[str, Spent]]] = {name: [] for name in tools}
    with server("--delay", str(options.delay)) as port:
        address = f"http://127.0.0.1:{port}"
        for _ in range(options.rounds):  # interleaved, so that all see the machine alike
            for name, make in tools.items():
                measured[name].append(measure(make(), address, options.feeds))
    print(f"{options.feeds} feeds, median of {options.rounds}: CPU s / wall s / MB, and CPU against feedbot")
    for phase in PHASES:
        cells = []
        for name, rounds in measured.items():
            cpu, wall, memory = (
                statistics.median(getattr(figures[phase], what) for figures in rounds)
                for what in ("cpu", "wall", "memory")
            )
            own = statistics.median(figures[phase].cpu for figures in measured["feedbot"])
            cells.append(f"{name} {cpu:6.2f} / {wall:6.2f} / {memory:4.0f}  x{cpu / own:4.1f}")
        print(f"{phase:<18} " + "   ".join(cells))


if __name__ == "__main__":
    main()
