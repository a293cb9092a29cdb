"""Tells who wrote a post, with what the blog's author files know of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from feedbot.core.text import one_line
from feedbot.model import Author, Problem
from feedbot.sources.posts.fields import text
from feedbot.sources.posts.scan import Found

_NAMES = ("name", "displayName", "display_name", "title")
_ADDRESSES = ("website", "url", "homepage", "site", "link", "web")
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_WITH_MAIL = re.compile(r"([^<>]*?)\s*<([^\s@<>]+@[^\s@<>]+)>")

Directory = Mapping[str, Author]
"""Authors by the key of their file and by their name, both without regard to case."""


def load(files: Iterable[Found], read: Callable[[Found], bytes]) -> tuple[Directory, tuple[Problem, ...]]:
    """Read the author files with ``read``, which raises OSError.

    One that cannot be read is a problem, and its author is known by name alone.
    """
    by_key: dict[str, Author] = {}
    by_name: dict[str, Author] = {}
    problems = []
    for file in files:
        try:
            data = json.loads(read(file).decode("utf-8-sig"))
        except OSError as error:
            problems.append(Problem(file.name, f"cannot be read: {error.strerror}"))
        except json.JSONDecodeError as error:
            problems.append(Problem(f"{file.name}:{error.lineno}", f"is not valid JSON: {error.msg}"))
        except (ValueError, RecursionError):
            problems.append(Problem(file.name, "is not valid JSON in UTF-8"))
        else:
            if isinstance(data, dict):
                author = _author(data, fallback=PurePosixPath(file.name).stem)
                by_key[PurePosixPath(file.name).stem.casefold()] = author
                by_name.setdefault(author.name.casefold(), author)
            else:
                problems.append(Problem(file.name, "is no author: it holds no JSON object", 'write {"name": "..."}'))
    return by_key | by_name, tuple(problems)


def of(values: Iterable[Any], known: Directory) -> tuple[Author, ...]:
    """The authors that front matter values name, in their order, each once."""
    found: dict[Author, None] = {}
    for value in values:
        for author in _named(value, known):
            if author.name or author.email:
                found.setdefault(author)
    return tuple(found)


def _named(value: Any, known: Directory) -> Iterable[Author]:
    if isinstance(value, list):
        return [author for each in value if not isinstance(each, list) for author in _named(each, known)]
    if isinstance(value, dict):
        author = _author(value)
        return [author if author.url or author.email else known.get(author.name.casefold(), author)]
    name = text(value)
    if name.casefold() in known:
        return [known[name.casefold()]]
    several = [part.strip() for part in name.split(";")]
    if len(several) == 1:  # a comma may belong to one name ("Davis, Jr."), unless each part is somebody
        parts = [part.strip() for part in name.split(",")]
        several = parts if all(part.casefold() in known for part in parts) else several
    if len(several) > 1:
        return [author for part in several for author in _named(part, known)]
    mail = _WITH_MAIL.fullmatch(name)
    if mail:
        return [Author(mail[1] or mail[2], known.get(mail[1].casefold(), Author()).url, mail[2])]
    return [Author(name)]


def _author(data: Mapping[str, Any], fallback: str = "") -> Author:
    fields = {str(key).casefold(): one_line(value) for key, value in data.items() if isinstance(value, str)}
    name = next((fields[key.casefold()] for key in _NAMES if fields.get(key.casefold())), fallback)
    url = next((fields[key] for key in _ADDRESSES if _is_web(fields.get(key, ""))), "") or _github(fields)
    email = fields.get("email", "").removeprefix("mailto:")
    return Author(name, url, email if _MAIL.fullmatch(email) else "")


def _github(fields: Mapping[str, str]) -> str:
    account = fields.get("github", "")
    if not account or _is_web(account):
        return account
    account = account.removeprefix("@").removeprefix("github.com/").strip("/")
    return f"https://github.com/{quote(account, safe='')}" if account else ""


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
