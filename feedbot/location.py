"""Where state and feeds are, if they are more than a path: a database of PostgreSQL, a bucket."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

SCHEMES = ("postgresql://", "postgres://")
"""How the address of a database on a server begins."""


class Database(Struct, frozen=True):
    """A database of PostgreSQL by its URL, as libpq takes it; shown without password and options."""

    url: str

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        user, at, hosts = parts.netloc.rpartition("@")
        socket = "" if hosts else ",".join(parse_qs(parts.query).get("host", ()))
        return f"postgresql://{user.partition(':')[0]}{at}{hosts}{parts.path}" + (f" at {socket}" if socket else "")

    def __repr__(self) -> str:
        return f"Database({str(self)!r})"

    @property
    def secrets(self) -> frozenset[str]:
        """The passwords in the URL, as they are written there and as they are meant."""
        parts = urlsplit(self.url)
        written = parts.netloc.rpartition("@")[0].partition(":")[2]
        named = [value for key in ("password", "sslpassword") for value in parse_qs(parts.query).get(key, ())]
        return frozenset({written, unquote(written), *named} - {""})


class BucketPlace(Struct, frozen=True):
    """A bucket to publish to, or the part of it whose keys begin with ``prefix`` and a slash."""

    name: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{BUCKET}{self.name}/{self.prefix}".rstrip("/")


BUCKET = "s3://"
"""How the address of a bucket begins."""


def parse_bucket(text: str) -> BucketPlace:
    """The bucket of an address such as "s3://name/prefix". Raises ValueError where it is none."""
    name, _, prefix = text.removeprefix(BUCKET).partition("/")
    parts = [part for part in prefix.split("/") if part]
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) or {".", ".."} & set(parts):
        raise ValueError('expected the address of a bucket such as "s3://name" or "s3://name/prefix"')
    if not prefix.isprintable():
        raise ValueError("the prefix of a bucket must be printable text")
    return BucketPlace(name, "/".join(parts))


Location = Path | Database
"""What names a state."""


def is_database(text: str) -> bool:
    """Whether a text is the URL of a database of PostgreSQL, and no path."""
    return text.startswith(SCHEMES)
