"""A loopback server of made-up feeds, for benchmarks: half RSS, half Atom, about 3 KB an entry.

``GET /mode/NAME`` changes how it answers: ``validators`` (ETag, 304 to who has it), ``new`` (as that, and every
twentieth feed has gained an entry), ``plain`` (equal bodies, no validators), ``stamped`` (no validators, and another
date of the feed's own in each answer). ``--delay`` seconds pass before each answer; with ``--hanging`` N every N-th
feed is never answered; with ``--certificate`` (a PEM file with its key) it speaks TLS. With ``--host`` 0.0.0.0 it has
all addresses of 127.0.0.0/8, and answers nobody else.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import ssl
from functools import cache

_WORDS = "the quick brown fox jumps over the lazy dog while feeds are polled and nothing is lost on the way ".split()


@cache
def body(number: int, length: int) -> bytes:
    """The feed of a number with so many entries."""
    atom = number % 2
    entries = "".join(_entry(number, n, atom) for n in reversed(range(length)))
    if atom:
        head = (
            '<feed xmlns="http://www.w3.org/2005/Atom">'
            f"<id>tag:example.org,2026:{number}</id><title>Feed {number}</title>"
            "<updated>@STAMP@</updated>"
        )
        return f'<?xml version="1.0" encoding="utf-8"?>\n{head}{entries}</feed>'.encode()
    head = (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>Feed {number}</title><link>https://example.org/{number}/</link><description>d</description>"
        "<lastBuildDate>@STAMP@</lastBuildDate>"
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}{entries}</channel></rss>'.encode()


def _entry(number: int, n: int, atom: int) -> str:
    words = " ".join(itertools.islice(itertools.cycle(_WORDS[n % 7 :] + _WORDS), 450))
    text = f"&lt;p&gt;Entry {n} of feed {number}. {words}&lt;/p&gt;"
    link = f"https://example.org/{number}/{n}"
    day = f"2026-{n % 11 + 1:02}-{n % 27 + 1:02}"
    if atom:
        return (
            f'<entry><id>{link}</id><title>Entry {n}</title><link href="{link}"/><updated>{day}T00:00:00Z</updated>'
            f'<author><name>A</name></author><content type="html">{text}</content></entry>\n'
        )
    return (
        f"<item><guid>{link}</guid><title>Entry {n}</title><link>{link}</link><pubDate>{day}</pubDate>"
        f"<description>short</description><content:encoded>{text}</content:encoded></item>\n"
    )


class Server:
    def __init__(self, entries: int, delay: float, hanging: int) -> None:
        self.mode = "validators"
        self.entries = entries
        self.delay = delay
        self.hanging = hanging
        self.stamps = itertools.count()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not writer.get_extra_info("peername")[0].startswith("127."):
                return
            while request := await reader.readuntil(b"\r\n\r\n"):
                path = request.split(b" ", 2)[1].decode()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.hanging and path.endswith(".xml") and _number(path) % self.hanging == 0:
                    await reader.read()
                    return
                writer.write(self.answer(path, request))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, path: str, request: bytes) -> bytes:
        if path.startswith("/mode/"):
            self.mode = path.removeprefix("/mode/")
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        number = _number(path)
        extra = int(self.mode == "new" and number % 20 == 0)
        etag = f'"{number}-{extra}"'
        validators = self.mode in ("validators", "new")
        if validators and etag.encode() in request:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        stamp = next(self.stamps) if self.mode == "stamped" else 0
        content = body(number, self.entries + extra).replace(
            b"@STAMP@", f"2026-01-01T{stamp // 3600 % 24:02}:{stamp // 60 % 60:02}:{stamp % 60:02}Z".encode()
        )
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n" + (f"ETag: {etag}\r\n" if validators else "")
        return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def _number(path: str) -> int:
    return int(path.strip("/").removesuffix(".xml"))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--entries", type=int, default=35)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--hanging", type=int, default=0)
    parser.add_argument("--certificate")
    options = parser.parse_args()
    tls = None
    if options.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.certificate)
    serving = Server(options.entries, options.delay, options.hanging)
    server = await asyncio.start_server(serving.serve, options.host, 0, backlog=4096, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
