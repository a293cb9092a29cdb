"""A loopback server of made-up feeds, for benchmarks: half RSS, half Atom, about 100 KB and 35 entries each.

``GET /mode/NAME`` changes how it answers: ``validators`` (ETag, 304 to who has it), ``new`` (as that, and every
twentieth feed has gained an entry), ``plain`` (equal bodies, no validators), ``stamped`` (no validators, and another
date of the feed's own in each answer). ``--delay`` seconds pass before each answer.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from functools import cache

ENTRIES = 35
_WORDS = "the quick brown fox jumps over the lazy dog while feeds are polled and nothing is lost on the way ".split()


@cache
def body(number: int, extra: int) -> bytes:
    """The feed of a number, with so many entries more than it had at first."""
    atom = number % 2
    entries = "".join(_entry(number, n, atom) for n in reversed(range(ENTRIES + extra)))
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
    def __init__(self, delay: float) -> None:
        self.mode = "validators"
        self.delay = delay
        self.stamps = itertools.count()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(self.answer(request))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, request: bytes) -> bytes:
        path = request.split(b" ", 2)[1].decode()
        if path.startswith("/mode/"):
            self.mode = path.removeprefix("/mode/")
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        number = int(path.strip("/").removesuffix(".xml"))
        extra = int(self.mode == "new" and number % 20 == 0)
        etag = f'"{number}-{extra}"'
        validators = self.mode in ("validators", "new")
        if validators and etag.encode() in request:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        stamp = next(self.stamps) if self.mode == "stamped" else 0
        content = body(number, extra).replace(
            b"@STAMP@", f"2026-01-01T{stamp // 3600 % 24:02}:{stamp // 60 % 60:02}:{stamp % 60:02}Z".encode()
        )
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n" + (f"ETag: {etag}\r\n" if validators else "")
        return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    server = await asyncio.start_server(Server(options.delay).serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
