"""What replaying a history costs: 1000 commits of a blog of 300 posts, whole process.

    python benchmarks/replay.py [--posts 300] [--commits 1000]

Half of the posts come with the first commit. Of the others one in six adds a post, most edit one, and some concern
none. Prints CPU and wall seconds and the peak memory of ``feedbot replay-git``.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measuring import timed
from posts import body, tell

CONFIG = """
[sources.blog]
type = "posts"
path = "blog"
preset = "hugo"
site = "https://blog.example"

[sinks.log]
type = "file"
path = "log.jsonl"

[[routes]]
on = ["new", "updated", "withdrawn"]
"""
REPLAY = (sys.executable, "-m", "feedbot", "replay-git", "blog", "--json")
BEGUN, APART = 1_500_000_000, 40_000  # seconds


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--posts", type=int, default=300)
    arguments.add_argument("--commits", type=int, default=1000)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "feedbot.toml").write_text(CONFIG)
        blog = folder / "blog"
        subprocess.run(["git", "init", "-q", "-b", "main", str(blog)], check=True)
        stream = b"".join(history(given.posts, given.commits))
        subprocess.run(["git", "-C", str(blog), "fast-import", "--quiet"], input=stream, check=True)
        tell(f"feedbot, replay of {given.commits} commits", timed(REPLAY, folder))


def history(posts: int, commits: int) -> Iterator[bytes]:
    """A history as ``git fast-import`` reads it; the same each time."""
    chance = random.Random(2)
    texts = [post(number, body(chance)) for number in range(posts // 2)]
    yield commit(0, {"README.md": "Begun.", **{path(number): text for number, text in enumerate(texts)}})
    for number in range(1, commits):
        kind = chance.random()
        if len(texts) < posts and (kind < 1 / 6 or commits - number <= posts - len(texts)):
            texts.append(post(len(texts), body(chance)))
            yield commit(number, {path(len(texts) - 1): texts[-1]})
        elif kind < 0.8:
            edited = chance.randrange(len(texts))
            texts[edited] += f"\nMore of {number}.\n"
            yield commit(number, {path(edited): texts[edited]})
        else:
            yield commit(number, {"README.md": f"Edited in {number}."})


def commit(number: int, files: dict[str, str]) -> bytes:
    changes = "".join(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n" for name, text in files.items())
    when = f"committer Jo <jo@blog.example> {BEGUN + number * APART} +0000"
    return f"commit refs/heads/main\n{when}\ndata 5\nwrite\n{changes}".encode()


def path(number: int) -> str:
    return f"content/posts/post-{number:04}.md"


def post(number: int, text: str) -> str:
    date = f"{2010 + number // 40}-{number % 12 + 1:02}-{number % 28 + 1:02}"
    return f'---\ntitle: "Post {number}"\ndate: {date}\ntags: [t{number % 20}]\n---\n{text}\n'


if __name__ == "__main__":
    main()
