"""Looks at what is close at hand for feedbot init: blogs in a folder, and whether an address is a private one."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from feedbot.http.guard import REFUSALS, authority, judge
from feedbot.sources.posts.detect import detect_at

_MOST_FOLDERS = 50
_MOST_FILES = 100
_MARKDOWN = (".md", ".mdx", ".markdown")
_NO_POSTS = frozenset({"node_modules", "vendor", "venv", "public", "dist", "build", "site"})


def blogs(folder: Path) -> Iterator[Path]:
    """Folders that look like a blog, the likeliest first: this one, then those in it. Nothing is raised."""
    for place in (folder, *_below(folder)):
        try:
            made_with = detect_at(place).preset
        except OSError:
            continue
        if made_with != "generic" or (place / "content" / "posts").is_dir() or (place == folder and _like_posts(place)):
            yield place


def private(where: str) -> tuple[str, ...]:
    """``host:port`` of an address whose host is private, as ``allow_private`` takes it; nothing for any other place."""
    address = where if "://" in where else f"https://{where}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443, "ssh": 22}[parts.scheme]
        found = {ip_address(answer[4][0]) for answer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, ValueError, KeyError):
        return ()
    refused = any(judge(each, host, port, ()) in REFUSALS for each in found)
    return (authority(host, port),) if host and refused else ()


def _below(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.is_dir() and not e.name.startswith((".", "_"))]
    except OSError:
        return []
    return [folder / name for name in sorted(names)[:_MOST_FOLDERS] if name not in _NO_POSTS]


def _like_posts(folder: Path) -> bool:
    """Whether most Markdown files at the top of a folder begin with front matter, unlike notes and manuals."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _MARKDOWN and path.is_file())
    return sum(map(_has_front_matter, files[:_MOST_FILES])) * 2 > len(files[:_MOST_FILES])


def _has_front_matter(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(16).removeprefix(b"\xef\xbb\xbf").startswith((b"---\n", b"---\r\n", b"+++\n", b"+++\r\n"))
    except OSError:
        return False
