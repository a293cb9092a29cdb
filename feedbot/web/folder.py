"""Answers with the files of the output folder, as feed readers and browsers each want them (an ASGI application)."""

from __future__ import annotations

import gzip
import hmac
import mimetypes
import posixpath
import stat
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from msgspec import Struct, field

from feedbot.web import negotiate
from feedbot.web.answers import Receive, Scope, Send, encoded, respond
from feedbot.web.delta import Versions, entries_of, without
from feedbot.web.ready import Asked, Ready, Stamp, plainly_asked, stamp_of

_KEPT_WHOLE = 32_000_000
"""Bytes of the largest file that is kept, and so compressed: not for each request anew."""
_CACHE = 64_000_000
_LARGE = 4_000_000
"""Bytes of a file from which on it is compressed quickly rather than well, as everybody waits meanwhile."""
_PREFLIGHT = [
    ("allow", "GET, HEAD, OPTIONS"),
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
    ("access-control-allow-headers", "If-None-Match, If-Modified-Since, A-IM, Accept, Authorization"),
    ("access-control-max-age", "86400"),
]
_COMPRESSED = ("xml", "html", "json", "css", "text", "svg")
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src * data:; media-src *; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "opml": "text/x-opml; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
}


class Site(Struct, frozen=True, kw_only=True):
    """What the output folder holds: ``types`` gives the media type of each feed format by its extension.

    ``aliases`` are further paths of files, case folded; ``tokens`` the feeds that want one; ``hubs`` those that a hub
    is told about.
    """

    folder: Path
    types: Mapping[str, str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)
    hubs: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""


class _File(Struct, frozen=True):
    """A file as it was last read. ``etag`` is of its bytes as they are; compressed it is another one."""

    stamp: Stamp
    body: bytes
    packed: bytes | None
    etag: str
    modified: datetime


class _Answer(NamedTuple):
    """A response. ``file`` is the one that answers this request as long as it stands as it is, if there is one."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    file: str = ""


class Folder:
    """Serves the files of a site, which may be replaced while it runs."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._held = 0
        self._versions = Versions()
        self._ready = Ready()

    def replace(self, site: Site) -> None:
        self.site = site
        self._ready.clear()

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        asked, had = plainly_asked(scope)
        ready = self._ready.find(asked)
        if ready is not None and not had:
            await respond(send, 200, ready.whole, ready.body)
        elif ready is not None and had == ready.etag:
            await respond(send, 304, ready.unchanged)
        else:
            await self._answer(scope, send, asked if ready is None else None)

    async def _answer(self, scope: Scope, send: Send, asked: Asked | None) -> None:
        """Answer a request; where it is ``asked`` plainly, the next one of its kind finds the answer ready."""
        method = scope["method"]
        headers = _joined(scope["headers"])
        if method == "OPTIONS":
            found = _Answer(204, _PREFLIGHT)
        elif method not in ("GET", "HEAD"):
            found = _Answer(405, [("allow", "GET, HEAD, OPTIONS")], b"only GET and HEAD\n")
        else:
            found = self._response(scope["path"], scope.get("query_string", b""), headers)
            file = self._files.get(found.file)
            if asked is not None and file is not None:
                headers.pop("if-none-match", None)
                whole = self._response(scope["path"], b"", headers)
                if whole.status == 200 and whole.file == found.file:
                    path = str(self.site.folder / whole.file)
                    self._ready.keep(asked, path, file.stamp, whole.headers, whole.body)
        body = b"" if method == "HEAD" else found.body
        await respond(send, found.status, encoded(found.status, found.headers, len(found.body)), body)

    def _response(self, path: str, query: bytes, headers: Mapping[str, str]) -> _Answer:
        name = path.removeprefix("/")
        own = self.site.aliases.get(name.casefold(), name)
        if not self._may(own, query, headers):
            refusal = [("www-authenticate", "Bearer"), ("cache-control", "no-store")]
            return _Answer(401, refusal, b"this feed wants its token\n")
        found = self._locate(own)
        if found is None:
            return _Answer(404, [("cache-control", "max-age=60")], b"there is nothing here\n")
        if found.endswith("/"):
            # Relative, as a proxy may have the folder elsewhere.
            place = f"{quote(posixpath.basename(found[:-1]))}/"
            return _Answer(308, [("location", f"{place}?{query.decode('latin-1')}" if query else place)])
        accept = headers.get("accept", "")
        kind = self._feed_type(found)
        if kind and negotiate.is_browser(accept):
            # Links of the page lead nowhere from an alias.
            page = f"{found.rpartition('.')[0]}.html" if found == name else ""
            shown = page if page and self._locate(page) == page else found
            return self._representation(shown, headers, page=True, negotiated=True, asked=found)
        return self._representation(found, headers, page=False, negotiated=bool(kind), asked=found)

    def _representation(
        self, name: str, headers: Mapping[str, str], *, page: bool, negotiated: bool, asked: str
    ) -> _Answer:
        file = self._read(name)
        if file is None:
            return _Answer(404, [], b"there is nothing here\n")
        feed_type = self._feed_type(name)
        answer = self._headers(name, feed_type, page=page, negotiated=negotiated)
        if name != asked:
            answer.append(("content-location", quote(posixpath.basename(name))))
        compressed = file.packed is not None and negotiate.takes(
            headers.get("accept-encoding", ""), "gzip", "x-gzip", "*"
        )
        etags = (file.etag, _packed_etag(file.etag))
        answer.append(("etag", etags[compressed]))
        answer.append(("last-modified", negotiate.http_date(file.modified)))
        given = headers.get("if-none-match")
        # A feed that is shown as XML will be answered with its page as soon as there is one.
        lasting = "" if page and name == asked else name
        if negotiate.has_it(etags, file.modified, given, headers.get("if-modified-since")):
            return _Answer(304, answer, file=lasting)
        if feed_type and not page and negotiate.takes(headers.get("a-im", ""), "feed"):
            body = self._lacking(name, feed_type, file, negotiate.etags_of(given))
            if body is not None:
                answer = [pair for pair in answer if pair[0] not in ("etag", "cache-control")]
                answer += [("etag", file.etag), ("im", "feed"), ("cache-control", "no-store, im")]
                return _Answer(226, answer, body)
        if compressed and file.packed is not None:
            return _Answer(200, [*answer, ("content-encoding", "gzip")], file.packed, lasting)
        return _Answer(200, answer, file.body, lasting)

    def _headers(self, name: str, feed_type: str, *, page: bool, negotiated: bool) -> list[tuple[str, str]]:
        extension = name.rpartition(".")[2].lower()
        private = self._token(name) is not None
        media = name.startswith("media/")
        caching = "public, max-age=31536000, immutable" if media else "public, max-age=60"
        answer = [
            ("content-type", self._content_type(name, feed_type, page=page)),
            ("cache-control", "private, max-age=60" if private else caching),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ]
        varying = ["Accept-Encoding"] if any(word in answer[0][1] for word in _COMPRESSED) else []
        if negotiated:
            varying = ["Accept", "A-IM", *varying]
        if varying:
            answer.append(("vary", ", ".join(varying)))
        if not private:
            answer.append(("access-control-allow-origin", "*"))
            answer.append(("access-control-expose-headers", "ETag, Last-Modified, Link, IM"))
        if extension in ("html", "svg"):
            answer.append(("content-security-policy", _PAGE_POLICY + ("; sandbox" if extension == "svg" else "")))
        if links := self._links(name, feed_type):
            answer.append(("link", links))
        return answer

    def _links(self, name: str, feed_type: str) -> str:
        """The Link header (RFC 8288) of a feed: itself, and the hub that knows when it changes (WebSub, 4)."""
        hub = self.site.hubs.get(_feed_of(name, self.site.hubs))
        links = [f'<{hub}>; rel="hub"'] if hub and feed_type else []
        if feed_type and self.site.base_url:
            links.append(f'<{self.site.base_url}{quote(name)}>; rel="self"; type="{feed_type.partition(";")[0]}"')
        return ", ".join(links)

    def _content_type(self, name: str, feed_type: str, *, page: bool) -> str:
        if feed_type and page:  # a browser shows XML, and offers to save what it is told is a feed
            return "application/xml; charset=utf-8" if "xml" in feed_type else "application/json"
        if feed_type:
            return f"{feed_type}; charset=utf-8" if "xml" in feed_type else feed_type
        extension = name.rpartition(".")[2].lower()
        return _TYPES.get(extension) or mimetypes.guess_type(name)[0] or "application/octet-stream"

    def _feed_type(self, name: str) -> str:
        """The media type of a feed, "" for what is none."""
        extension = name.rpartition(".")[2].lower()
        kind = self.site.types.get(extension, "")
        return "" if kind.startswith("text/html") else kind

    def _token(self, name: str) -> str | None:
        feed = _feed_of(name, self.site.tokens)
        return self.site.tokens.get(feed)

    def _may(self, name: str, query: bytes, headers: Mapping[str, str]) -> bool:
        wanted = self._token(name)
        if wanted is None:
            return True
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = [value.encode() for key, value in parse_qsl(query.decode("latin-1")) if key == "token"]
        given += [bearer.strip().encode("latin-1")] if scheme.lower() == "bearer" else []
        return any(hmac.compare_digest(token, wanted.encode()) for token in given)

    def _locate(self, name: str) -> str | None:
        """The file that a path names: itself, or the index of a folder, which ends in a slash."""
        parts = name.split("/")
        if any(part.startswith(".") or "\0" in part for part in parts) or "" in parts[:-1]:
            return None
        if not parts[-1]:
            index = f"{name}index.html"
            return index if (self.site.folder / index).is_file() else None
        target = self.site.folder / name
        try:
            status = target.stat()
        except (OSError, ValueError):
            return None
        if stat.S_ISDIR(status.st_mode):
            return f"{name}/" if (target / "index.html").is_file() else None
        return name if stat.S_ISREG(status.st_mode) else None

    def _read(self, name: str) -> _File | None:
        """A file, from memory as long as it is as it was."""
        path = self.site.folder / name
        try:
            status = path.stat()
            stamp = stamp_of(status)
            known = self._files.get(name)
            if known is not None and known.stamp == stamp:
                self._files.move_to_end(name)
                return known
            if not path.resolve().is_relative_to(self.site.folder.resolve()):
                return None
            body = path.read_bytes()
        except OSError:
            return None
        feed_type = self._feed_type(name)
        if known is not None and feed_type:  # its readers may come back for what they lack
            self._versions.remember(name, known.etag, entries_of(known.body, feed_type))
        kind = self._content_type(name, feed_type, page=False)
        compressible = 500 < len(body) <= _KEPT_WHOLE and any(word in kind for word in _COMPRESSED)
        etag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
        file = _File(
            stamp,
            body,
            gzip.compress(body, 6 if len(body) < _LARGE else 1, mtime=0) if compressible else None,
            etag,
            datetime.fromtimestamp(status.st_mtime, UTC),
        )
        self._keep(name, file)
        return file

    def _keep(self, name: str, file: _File) -> None:
        self._ready.clear()  # which would hold on to what is forgotten here
        former = self._files.pop(name, None)
        self._held -= _size(former) if former else 0
        if len(file.body) > _KEPT_WHOLE:
            return
        self._files[name] = file
        self._held += _size(file)
        while self._held > _CACHE:
            _, oldest = self._files.popitem(last=False)
            self._held -= _size(oldest)

    def _lacking(self, name: str, feed_type: str, file: _File, etags: Sequence[str]) -> bytes | None:
        """The feed less what a client has by its ETags; None where that is not known."""
        seen = [self._versions.seen(name, _plain_etag(etag)) for etag in etags]
        known = [entries for entries in seen if entries is not None]
        return without(file.body, feed_type, frozenset().union(*known)) if known else None


def _joined(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers of a request; what came in several lines is one list (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for line, said in lines:
        name, value = line.decode("latin-1"), said.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _feed_of(name: str, feeds: Iterable[str]) -> str:
    """The feed that a file belongs to: ``all.atom``, ``all/tag/x.atom`` and ``all`` are of ``all``.

    And so is ``ALL.atom``, which is the same file where the file system says so.
    """
    first = name.partition("/")[0].partition(".")[0].casefold()
    return first if first in feeds else ""


def _packed_etag(etag: str) -> str:
    return f'{etag[:-1]}-gzip"'


def _plain_etag(etag: str) -> str:
    return etag.replace('-gzip"', '"')


def _size(file: _File) -> int:
    return len(file.body) + len(file.packed or b"")
