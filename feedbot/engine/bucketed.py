"""Publishes to an S3-compatible bucket, where no publisher can put what is older over what is newer.

An object is written only where it still is as it was seen before the entries were read that it is made of.
"""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from feedbot.engine.output import Mark, OutputError, OvertakenError
from feedbot.http.bucket import Bucket, BucketError, ChangedError, Seen

_FOR_EVER = "public, max-age=31536000, immutable"  # of what is named by its content
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {"css": "text/css", "html": "text/html", "opml": "text/x-opml", "webp": "image/webp", "avif": "image/avif"}

_T = TypeVar("_T")


class Bucketed:
    """An output in a bucket; ``caching`` is the Cache-Control of its feeds and pages."""

    def __init__(self, bucket: Bucket, caching: str, clock: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._caching = caching
        self._clock = clock
        self._guard = threading.Lock()
        self._seen: dict[str, Seen] | None = None
        self._written: dict[str, int] = {}

    def __str__(self) -> str:
        return str(self._bucket)

    def look(self) -> None:
        self._seen = self._told("", self._bucket.objects)

    def write(self, path: str, data: bytes, media_type: str) -> bool:
        return self._put(path, data, media_type or _type(path), self._caching)

    def keep(self, path: str, file: Path) -> None:
        if not self.has(path):
            self._put(path, file.read_bytes(), _type(path), _FOR_EVER)

    def read(self, path: str) -> bytes | None:
        return self._told(path, lambda: self._bucket.read(path))

    def mark(self, path: str) -> Mark:
        seen = self._there().get(path)
        if seen is None:
            raise OutputError(f"{self}/{path}", "it is not there")
        return [seen.size, self._written.get(path, 0), _number(seen.etag)]

    def as_written(self, written: Mapping[str, Mark]) -> bool:
        there = self._there()
        return all(
            path in there and (there[path].size, _number(there[path].etag)) == (known[0], known[-1])
            for path, known in written.items()
        )

    def has(self, path: str) -> bool:
        return path in self._there()

    def remove(self, path: str, written: Mark) -> bool:
        seen = self._there().get(path)
        if seen is None or not self.as_written({path: written}):
            return seen is None
        try:
            self._told(path, lambda: self._bucket.remove(path, seen))
        except OutputError:  # it stays, and so does what is known of it
            return False
        self._there().pop(path, None)
        return True

    def sweep(self, folders: Iterable[str]) -> None:
        """Nothing: an object is there whole or not at all."""

    def _put(self, path: str, data: bytes, media_type: str, caching: str) -> bool:
        seen = self._there().get(path)
        if seen is not None and seen.holds(data):
            return False
        text = media_type.startswith("text/") or media_type.endswith(("+xml", "+json"))
        headers = {"Content-Type": f"{media_type}; charset=utf-8" if text else media_type, "Cache-Control": caching}
        now = self._told(path, lambda: self._bucket.write(path, data, headers, seen))
        self._there()[path] = now
        self._written[path] = (self._clock() - _EPOCH) // timedelta(microseconds=1) * 1000
        return True

    def _there(self) -> dict[str, Seen]:
        with self._guard:  # of several threads that have files to keep, one looks
            if self._seen is None:
                self._seen = self._told("", self._bucket.objects)
            return self._seen

    def _told(self, path: str, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except ChangedError as error:
            raise OvertakenError(f"{self}/{path}", error.message, error.hint) from error
        except BucketError as error:
            raise OutputError(f"{self}/{path}".rstrip("/"), error.message, error.hint) from error


def _number(etag: str) -> int:
    """A number that stands for an ETag, as marks are made of numbers."""
    return int.from_bytes(blake2b(etag.encode(), digest_size=6).digest())


def _type(path: str) -> str:
    """The media type of a file that is no feed, by its name."""
    extension = path.rpartition(".")[2].lower()
    return _TYPES.get(extension) or mimetypes.guess_type(path)[0] or "application/octet-stream"
