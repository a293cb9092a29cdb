"""Objects of an S3-compatible bucket: listed, read, and written only where they are as they were seen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from hashlib import md5
from typing import NamedTuple
from urllib.parse import unquote

from msgspec import Struct

from feedbot.core.text import one_line, shorten
from feedbot.errors import FeedbotError
from feedbot.http import Fetcher, HttpError, Request, Response
from feedbot.http.sigv4 import Credentials, encoded, sign
from feedbot.http.target import parse_target

_PAUSES = (0.2, 1.0, 3.0)  # seconds before another try
_PASSING = (429, 500, 502, 503, 504)
_AMAZON = "amazonaws.com"
_HINTS = {
    "NoSuchBucket": "make the bucket, or check its name and s3_endpoint",
    "AccessDenied": "the key must be allowed to list the bucket, and to get, put and delete objects in it",
    "InvalidAccessKeyId": "check s3_access_key, or AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "check s3_secret_key, or AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "get new credentials: these were for a while only",
    "InvalidToken": "check AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "set the clock of this machine",
    "AuthorizationHeaderMalformed": "check s3_region",
    "PermanentRedirect": "the bucket is in another region: check s3_region",
    "NotImplemented": "the server must know conditional writes (If-Match, If-None-Match)",
}


class BucketError(FeedbotError):
    """A bucket did not do what it was asked for."""


class ChangedError(BucketError):
    """An object is not as it was seen: somebody else wrote or removed it meanwhile."""


class Seen(NamedTuple):
    """An object as it is: its ETag, in quotes, and its size in bytes."""

    etag: str
    size: int

    def holds(self, data: bytes) -> bool:
        """Whether it surely has these bytes; where the server makes its ETags in a way of its own, nobody knows."""
        return self.size == len(data) and self.etag == etag_of(data)


class Bucket(Struct, frozen=True, kw_only=True):
    """A bucket, or the part of one below ``prefix``, in which keys are named from there.

    ``endpoint``: where it is asked, "" for Amazon's own of the region. ``pause`` waits so many seconds.
    """

    name: str
    prefix: str
    endpoint: str
    region: str
    credentials: Credentials
    fetcher: Callable[[], Fetcher]
    clock: Callable[[], datetime]
    pause: Callable[[float], None] = time.sleep

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    def objects(self) -> dict[str, Seen]:
        """All objects there are, by key. Raises BucketError."""
        return dict(self._listed())

    def read(self, key: str) -> bytes | None:
        """What an object holds, None where there is none. Raises BucketError."""
        answer = self._ask("GET", key)
        if answer.status == 404 and _code(answer) != "NoSuchBucket":
            return None
        return self._well(answer, key).body

    def write(self, key: str, data: bytes, headers: Mapping[str, str], seen: Seen | None) -> Seen:
        """Write an object that is as it was seen, or is not there; gives what it is then.

        Raises ChangedError where it is another one by now, and BucketError.
        """
        condition = {"If-None-Match": "*"} if seen is None else {"If-Match": seen.etag}
        answer = self._ask("PUT", key, {**headers, **condition}, data)
        if answer.status in (409, 412) or (answer.status == 404 and _code(answer) == "NoSuchKey"):
            now = self._seen(key)
            if now is not None and now.holds(data):  # by us, where an answer was lost, or by one who made the same
                return now
            raise ChangedError(f"{self}/{key} was changed by somebody else meanwhile", "it is looked at again soon")
        written = self._well(answer, key).headers.get("etag", "")
        return Seen(written or etag_of(data), len(data))

    def remove(self, key: str, seen: Seen) -> None:
        """Remove an object that is as it was seen. Raises ChangedError and BucketError."""
        answer = self._ask("DELETE", key, {"If-Match": seen.etag})
        if answer.status in (409, 412):
            raise ChangedError(f"{self}/{key} was changed by somebody else meanwhile")
        if answer.status != 404:
            self._well(answer, key)

    def _seen(self, key: str) -> Seen | None:
        answer = self._ask("HEAD", key)
        if answer.status != 200:
            return None
        size = answer.headers.get("content-length", "")
        return Seen(answer.headers.get("etag", ""), int(size) if size.isdigit() else -1)

    def _listed(self) -> Iterator[tuple[str, Seen]]:
        from lxml import etree

        below = f"{self.prefix}/" if self.prefix else ""
        asked = {"encoding-type": "url", "list-type": "2", "prefix": below}
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        while True:
            answer = self._well(self._ask("GET", "", query=asked), "")
            try:
                page = etree.fromstring(answer.body, parser)
                for found in page.iterfind("{*}Contents"):
                    key, size = unquote(found.findtext("{*}Key") or ""), int(found.findtext("{*}Size") or 0)
                    yield key.removeprefix(below), Seen(found.findtext("{*}ETag") or "", size)
                following = page.findtext("{*}NextContinuationToken")
            except (etree.XMLSyntaxError, ValueError) as error:
                raise BucketError(
                    f"{self} cannot be listed: the answer is not that of S3", "check s3_endpoint"
                ) from error
            if not following:
                return
            asked = {**asked, "continuation-token": following}

    def _ask(
        self,
        method: str,
        key: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        query: Mapping[str, str] | None = None,
    ) -> Response:
        """An answer, asked for again where the server was busy or away. Raises BucketError."""
        for pause in (*_PAUSES, None):
            failed = ""
            try:
                answer = self._send(method, key, headers or {}, body, query or {})
                if answer.status not in _PASSING or pause is None:
                    return answer
            except HttpError as error:
                if error.forbidden or pause is None:
                    raise BucketError(f"{self} cannot be reached: {error.message}", error.hint) from error
                failed = error.message
            self.pause(pause)
        raise AssertionError(failed)  # the last try gives or raises

    def _send(
        self, method: str, key: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, str]
    ) -> Response:
        base, path = self._place(key)
        asked = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in sorted(query.items()))
        url = f"{base}{path}" + (f"?{asked}" if asked else "")
        now = self.clock()
        signed = sign(
            self.credentials, region=self.region, method=method, host=parse_target(url).authority, path=path,
            query=asked, headers=headers, body=body, now=now,
        )  # fmt: skip
        request = Request(
            url=url,
            method=method,
            headers=headers,
            secret_headers=signed,
            body=body if method == "PUT" else None,
            follow_redirects=False,
        )
        return self.fetcher().send(request, now)

    def _place(self, key: str) -> tuple[str, str]:
        """The origin and the path of an object; of the bucket itself where there is no key."""
        whole = encoded("/".join(filter(None, (self.prefix, key))) if key else "", slashes=True)
        if self.endpoint:
            return self.endpoint.rstrip("/"), f"/{self.name}/{whole}"
        if "." in self.name:  # no certificate is for a name below Amazon's that has a dot
            return f"https://s3.{self.region}.{_AMAZON}", f"/{self.name}/{whole}"
        return f"https://{self.name}.s3.{self.region}.{_AMAZON}", f"/{whole}"

    def _well(self, answer: Response, key: str) -> Response:
        if 200 <= answer.status < 300:
            return answer
        code = _code(answer)
        said = re.search(rb"<Message>([^<]*)</Message>", answer.body)
        why = said[1].decode(errors="replace") if said else f"status {answer.status}"
        place = f"{self}/{key}" if key else str(self)
        raise BucketError(
            f"{place}: {shorten(one_line(why), 200)}" + (f" ({code})" if code else ""), _HINTS.get(code, "")
        )


def etag_of(data: bytes) -> str:
    """The ETag that S3 gives an object written whole, unless it is encrypted with a key of its own."""
    return f'"{md5(data, usedforsecurity=False).hexdigest()}"'


def _code(answer: Response) -> str:
    found = re.search(rb"<Code>(\w{1,60})</Code>", answer.body)
    return found[1].decode() if found else ""
