"""What nginx needs to serve the output folder as ``feedbot serve`` does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from feedbot.core.present import MEDIA_FOLDER
from feedbot.errors import UsageError

if TYPE_CHECKING:
    from feedbot.cli.servicefiles import Place


def nginx(place: Place) -> str:
    """Locations for a server block. Raises UsageError where nginx could not be told the path."""
    if "$" in str(place.output):
        raise UsageError(f"nginx takes the $ in {place.output} for a variable", "give it a link to that folder instead")
    location = unquote(urlsplit(place.base_url).path).rstrip("/") + "/" if place.base_url else "/feeds/"
    return f"""# inside a server block
location {_quoted(location)} {{
    alias {_quoted(f"{place.output}/")};
    index index.html;
    charset utf-8;
    charset_types application/atom+xml application/rss+xml application/xml text/x-opml text/css;
    types {{
        application/atom+xml atom;
        application/rss+xml rss;
        application/feed+json json;
        application/xml xml;
        text/x-opml opml;
        text/html html;
        text/css css;
        image/png png;
        image/jpeg jpg jpeg;
        image/gif gif;
        image/webp webp;
        image/avif avif;
        image/svg+xml svg;
    }}
    default_type application/atom+xml;
    gzip on;
    gzip_types application/atom+xml application/rss+xml application/feed+json application/xml text/x-opml text/css;
    gzip_vary on;
    etag on;
    add_header Vary Accept;
{_headers("public, max-age=60")}    location ~ /\\. {{
        return 404;
    }}
    location {_quoted(f"{location}{MEDIA_FOLDER}/")} {{
{_headers("public, max-age=31536000, immutable", indent=8)}    }}
{"".join(_of_feeds(place, location))}}}
"""


def _headers(caching: str, indent: int = 4) -> str:
    told = (f'Cache-Control "{caching}"', 'Access-Control-Allow-Origin "*"', "X-Content-Type-Options nosniff")
    return "".join(f"{' ' * indent}add_header {one};\n" for one in told)


def _of_feeds(place: Place, location: str) -> Iterator[str]:
    """What depends on the feeds of the configuration."""
    if place.paged:
        feeds = f"^({re.escape(location)}{_any(place.paged)}(?:/.+)?)\\.(?:atom|rss|json)$"
        yield "    # A browser gets the page of a feed.\n"
        yield '    if ($http_accept ~* "^text/html") {\n'
        yield f'        rewrite {_quoted(feeds)} "$1.html" last;\n    }}\n'
    for alias, media_type in place.aliases.items():
        told = f"types {{ }} default_type {media_type};" if media_type else "return 404;"
        yield f"    location = {_quoted(location + alias)} {{\n        {told}\n    }}\n"
    if place.guarded:
        feeds = f"^{re.escape(location)}{_any(place.guarded)}[./]"
        yield "    # These feeds want a token, which feedbot serve asks for.\n"
        yield f"    location ~* {_quoted(feeds)} {{\n        return 404;\n    }}\n"


def _any(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, names))})"


def _quoted(text: str) -> str:
    """A text as nginx reads it in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
