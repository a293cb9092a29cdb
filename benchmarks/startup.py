"""How long feedbot takes to start, and what a run with nothing new costs.

    python benchmarks/startup.py

Prints the best and the median of several processes, next to an empty interpreter and next to rss2email, where
its command ``r2e`` is installed, as ratios of the empty interpreter.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CONFIG = """
[feedbot]
state = "feedbot.db"
output = "public"

[sources.blog]
type = "posts"
path = "blog"
preset = "keystatic"
site = "https://blog.example"
interval = "0s"

[sources.news]
type = "feed"
path = "news.xml"
interval = "0s"

[feeds.all]

[sinks.log]
type = "file"
path = "log.jsonl"
"""

# As where feedbot is installed: its modules are compiled already.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def installation(posts: int) -> Iterator[Path]:
    """A blog with so many posts and a feed, polled once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "feedbot.toml").write_text(CONFIG)
        for number in range(posts):
            post = folder / "blog" / "content" / "posts" / f"post-{number}" / "index.md"
            post.parent.mkdir(parents=True)
            front = f"title: Post {number}\npublishDate: '2026-01-{number % 28 + 1:02}'\n"
            post.write_text(f"---\n{front}---\n\n" + f"Paragraph of post {number}.\n\n" * 20)
        items = "".join(f"<item><guid>{n}</guid><title>No {n}</title></item>" for n in range(50))
        (folder / "news.xml").write_text(f"<rss version='2.0'><channel><title>N</title>{items}</channel></rss>")
        past = time.time() - 3600
        for path in folder.rglob("*"):
            os.utime(path, (past, past))
        run([sys.executable, "-m", "feedbot", "run", "-q"], folder)
        yield folder


def run(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--posts", type=int, default=300)
    options = parser.parse_args()
    feedbot = [sys.executable, "-m", "feedbot"]
    commands = {
        "empty interpreter": [sys.executable, "-c", ""],
        "feedbot --version": [*feedbot, "--version"],
        "feedbot --help": [*feedbot, "--help"],
        "feedbot check": [*feedbot, "check", "-q"],
        f"run, nothing new ({options.posts} posts, 1 feed)": [*feedbot, "run", "-q"],
    }
    if shutil.which("r2e"):
        commands["r2e --version"] = ["r2e", "--version"]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    with installation(options.posts) as folder:
        for _ in range(options.rounds):  # interleaved, so that all see the machine alike
            for name, command in commands.items():
                times[name].append(run(command, folder))
    floor = statistics.median(wall for wall, _ in times["empty interpreter"])
    print(f"{'':<42} {'best':>8} {'median':>8} {'CPU':>8}   ratio")
    for name, measured in times.items():
        walls = [wall for wall, _ in measured]
        cpu = statistics.median(used for _, used in measured)
        median = statistics.median(walls)
        figures = " ".join(f"{seconds * 1000:>5.0f} ms" for seconds in (min(walls), median, cpu))
        print(f"{name:<42} {figures}   {median / floor:.1f}")


if __name__ == "__main__":
    main()
