"""Keeps answers ready for all who ask alike, which most readers of a feed do."""

from __future__ import annotations

import os
from typing import NamedTuple

from feedbot.web.answers import EncodedHeaders, Scope, encoded

Asked = tuple[str, bytes, bytes]
"""All that tells an answer from others, for most requests: path, Accept, Accept-Encoding."""
Stamp = tuple[int, int, int]
"""By which a file is known to be as it was."""

_MOST = 1000
_LONGEST = 500
_PARTICULAR = frozenset({b"if-modified-since", b"a-im", b"authorization"})


class ReadyAnswer(NamedTuple):
    """A file as it goes out to whom lacks it, and the headers for whom has it by its ETag."""

    path: str
    stamp: Stamp
    etag: bytes
    whole: EncodedHeaders
    unchanged: EncodedHeaders
    body: bytes


class Ready:
    """Answers by what is asked for. One whose file is another one now is not found."""

    def __init__(self) -> None:
        self._answers: dict[Asked, ReadyAnswer] = {}

    def find(self, asked: Asked | None) -> ReadyAnswer | None:
        found = self._answers.get(asked) if asked is not None else None
        return found if found is not None and _stands(found) else None

    def keep(self, asked: Asked, path: str, stamp: Stamp, headers: list[tuple[str, str]], body: bytes) -> None:
        """Keep the answer to who has nothing yet, of the file at ``path``."""
        if len(self._answers) >= _MOST:
            self.clear()
        whole = encoded(200, headers, len(body))
        unchanged = encoded(304, [pair for pair in headers if pair[0] != "content-encoding"])
        self._answers[asked] = ReadyAnswer(path, stamp, dict(whole)[b"etag"], whole, unchanged, body)

    def clear(self) -> None:
        self._answers.clear()


def plainly_asked(scope: Scope) -> tuple[Asked | None, bytes]:
    """What a GET without anything particular to it asks for, and the ETag of what its client has."""
    if scope["method"] != "GET" or scope.get("query_string"):
        return None, b""
    accept = encoding = had = b""
    for name, value in scope["headers"]:
        if name == b"accept":
            accept = accept + b", " + value if accept else value
        elif name == b"accept-encoding":
            encoding = encoding + b", " + value if encoding else value
        elif name == b"if-none-match":
            had = value
        elif name in _PARTICULAR:
            return None, b""
    return ((scope["path"], accept, encoding) if len(accept) + len(encoding) < _LONGEST else None), had


def stamp_of(status: os.stat_result) -> Stamp:
    """What tells a file from what it is after a change."""
    return status.st_mtime_ns, status.st_size, status.st_ino


def _stands(ready: ReadyAnswer) -> bool:
    try:
        status = os.stat(ready.path)  # noqa: PTH116 (asked for each request)
    except OSError:
        return False
    return ready.stamp == stamp_of(status)
