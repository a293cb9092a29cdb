"""Reads a feed from a file, which has to stand below the folder of the configuration."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from feedbot.errors import SourceError


def read_file(folder: Path, name: str, max_bytes: int) -> bytes:
    """The bytes of a file named by a path or a ``file:`` address, relative to ``folder``.

    Raises SourceError for what is not there, no regular file, larger than ``max_bytes``, or, links followed,
    not below ``folder``.
    """
    path = folder / _path(name)
    try:
        real, home = path.resolve(strict=True), folder.resolve(strict=True)
        if not real.is_relative_to(home):
            raise SourceError(
                f"{name} is not below {folder}", "a feed's file stands in the folder of the configuration"
            )
        if not real.is_file():
            raise SourceError(f"{name} is no regular file")
        with real.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(f"{name} cannot be read: {reason}") from error
    if len(data) > max_bytes:
        raise SourceError(f"{name} is larger than {max_bytes} bytes", "max_bytes sets the limit")
    return data


def _path(name: str) -> str:
    if not name.startswith("file:"):
        return name
    parts = urlsplit(name)
    if parts.netloc not in ("", "localhost"):
        raise SourceError(f"{name} names another machine", "file: addresses are of this one")
    from urllib.request import url2pathname  # brings along all that asks over HTTP in the standard library

    return url2pathname(parts.path)
