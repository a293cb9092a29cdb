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
from feedbot.sources.posts.tree import Found
from feedbot.sources.posts.values import FrontMatterError, any_yaml

_NAMES = ("name", "displayName", "display_name", "title")
_KEYS = ("key", "id", "username", "handle")
_ADDRESSES = ("website", "url", "homepage", "site", "link", "web")
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_WITH_MAIL = re.compile(r"([^<>]*?)\s*<([^\s@<>]+@[^\s@<>]+)>")

Directory = Mapping[str, Author]
"""Authors by their key (that of a shared file, or the name of their own) and by name, all without regard to case."""


def load(files: Iterable[Found], read: Callable[[Found], bytes]) -> tuple[Directory, tuple[Problem, ...]]:
    """Read the author files, JSON or YAML, with ``read``, which raises OSError.

    A file has one author, or a table or list of many. One that cannot be read is a problem, and its authors are known
    by name alone.
    """
    by_key: dict[str, Author] = {}
    by_name: dict[str, Author] = {}
    problems = []
    for file in files:
        try:
            found = _authors(_data(file.name, read(file)), PurePosixPath(file.name).stem)
        except OSError as error:
            problems.append(Problem(file.name, f"cannot be read: {error.strerror}"))
        except FrontMatterError as error:
            problems.append(Problem(f"{file.name}:{error.line}", error.message, error.hint))
        except (ValueError, RecursionError) as error:
            reason = f": {error.msg}" if isinstance(error, json.JSONDecodeError) else " in UTF-8"
            line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            problems.append(Problem(f"{file.name}{line}", f"is not valid {_language(file.name)}{reason}"))
        else:
            for key, author in found.items():
                by_key[key.casefold()] = author
                by_name.setdefault(author.name.casefold(), author)
            if not found:
                problems.append(Problem(file.name, "is no author: it holds no table", 'write {"name": "..."}'))
    return by_name | by_key, tuple(problems)


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
        key = text(next((value[name] for name in _KEYS if name in value), "")) or author.name
        return [author if author.url or author.email else known.get(key.casefold(), author)]
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


def _data(name: str, content: bytes) -> Any:
    decoded = content.decode("utf-8-sig")
    return json.loads(decoded) if _language(name) == "JSON" else any_yaml(decoded, "it")


def _language(name: str) -> str:
    return "JSON" if name.lower().endswith(".json") else "YAML"


def _authors(data: Any, stem: str) -> dict[str, Author]:
    """The authors of a file by their keys: one, a list of them, or a table of them by key, alone or as "authors"."""
    if isinstance(data, dict) and isinstance(data.get("authors"), dict | list):
        data = data["authors"]
    if isinstance(data, list):
        listed = [each for each in data if isinstance(each, dict)]
        found = [(text(next((each[name] for name in _KEYS if name in each), "")), _author(each)) for each in listed]
        return {key or author.name: author for key, author in found if key or author.name}
    if not isinstance(data, dict):
        return {}
    tables = {str(key): value for key, value in data.items() if isinstance(value, dict)}
    if tables and not any(isinstance(data.get(name), str) for name in _NAMES):
        return {key: _author(value, fallback=key) for key, value in tables.items()}
    return {stem: _author(data, fallback=stem)}


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
