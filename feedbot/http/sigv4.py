"""Signs requests the way S3 and what is compatible with it ask for (AWS Signature Version 4)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from msgspec import Struct

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(Struct, frozen=True, kw_only=True):
    """Who asks. ``token`` is that of credentials which hold for a while only, or ""."""

    access_key: str
    secret_key: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r})"


def sign(
    credentials: Credentials,
    *,
    region: str,
    method: str,
    host: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """The headers to send besides ``headers``, all of which are signed, so that nobody on the way changes one.

    ``host`` is as it is sent; ``path`` is percent-encoded, ``query`` sorted and encoded, without "?".
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    digest = sha256(body).hexdigest()
    added = {"x-amz-content-sha256": digest, "x-amz-date": stamp}
    if credentials.token:
        added["x-amz-security-token"] = credentials.token
    signed = {name.lower(): " ".join(value.split()) for name, value in {**headers, **added, "host": host}.items()}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    asked = "\n".join((method, path, query, lines, names, digest))
    text = "\n".join((_ALGORITHM, stamp, scope, sha256(asked.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    named = f"Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**added, "Authorization": f"{_ALGORITHM} {named}"}


def encoded(text: str, *, slashes: bool = False) -> str:
    """Text percent-encoded as signatures want it; with ``slashes`` as a path, whose slashes stay."""
    return quote(text, safe="-_.~/" if slashes else "-_.~")
