"""A folder with a configuration and a blog, for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFIG = """
[feedbot]
state = "state/feedbot.db"
output = "public"

[sources.blog]
type = "posts"
path = "blog"
preset = "keystatic"
site = "https://blog.example"
interval = "0s"
backfill = "all"

[feeds.all]

[sinks.log]
type = "file"
path = "log.jsonl"
"""


def write_post(folder: Path, slug: str, text: str = "hello", **front: str) -> Path:
    post = folder / "blog" / "content" / "posts" / slug / "index.md"
    post.parent.mkdir(parents=True, exist_ok=True)
    values = {"title": slug.title(), "publishDate": "2026-11-01", **front}
    lines = "".join(f"{key}: {value}\n" for key, value in values.items())
    post.write_text(f"---\n{lines}---\n{text}\n")
    return post


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a configuration and a blog of one post."""
    (tmp_path / "feedbot.toml").write_text(CONFIG)
    write_post(tmp_path, "first")
    return tmp_path
