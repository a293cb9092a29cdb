"""The frame of every page that feedbot publishes: its head, its look, a strict content security policy.

Pages hold no script and ask nobody for anything but the pictures and sounds of entries. Their style is within them
and named in the policy by its digest.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from html import escape as _escape
from typing import NamedTuple
from urllib.parse import quote

_MONTHS = (
    "January February March April May June July August September October November December"
).split()  # strftime would follow a locale
_NAMES = {
    "application/atom+xml": "Atom",
    "application/rss+xml": "RSS",
    "application/feed+json": "JSON Feed",
    "text/html": "Page",
}

_STYLE = """
:root { color-scheme: light dark; --ink: #1d232b; --dim: #5d6875; --line: #dde2e8; --paper: #fff; --card: #f3f6f9;
  --accent: #b4430a; --button: #b4430a; --on-button: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ed; --dim: #9ba6b2; --line: #343b44; --paper: #14181d; --card: #1e242b; --accent: #ff9d5c;
    --button: #ff9d5c; --on-button: #1d130b; }
}
* { box-sizing: border-box; }
body { max-width: 44rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 0; font-size: 1.25rem; line-height: 1.35; }
a { color: var(--accent); text-decoration-thickness: .06em; text-underline-offset: .15em; }
h2 a { color: inherit; text-decoration: none; }
h2 a:hover { text-decoration: underline; }
.dim { color: var(--dim); font-size: .9rem; margin: .25rem 0; }
.card { margin: 1.6rem 0; padding: 1rem 1.25rem; background: var(--card); border-radius: .5rem;
  border-inline-start: .3rem solid var(--accent); }
.card p { margin: 0 0 .7rem; }
.card ul { margin: 0; padding: 0; list-style: none; display: grid; gap: .5rem; }
.card li { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .8rem; }
.card code { user-select: all; font-size: .85rem; color: var(--dim); }
.button { display: inline-block; min-width: 7rem; padding: .2rem .8rem; border-radius: 2rem; text-align: center;
  text-decoration: none; background: var(--button); color: var(--on-button); font-size: .9rem; font-weight: 600; }
a:focus-visible, summary:focus-visible { outline: .15rem solid var(--accent); outline-offset: .15rem; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: 1rem 0; }
article { padding: 1.5rem 0; border-top: 1px solid var(--line); }
article img, article video { max-width: 100%; height: auto; }
article pre { overflow-x: auto; padding: .8rem 1rem; background: var(--card); border-radius: .4rem; font-size: .85rem; }
article table { display: block; overflow-x: auto; border-collapse: collapse; }
article td, article th { padding: .2rem .6rem; border: 1px solid var(--line); }
article blockquote { margin: 1rem 0; padding-inline-start: 1rem; border-inline-start: .2rem solid var(--line); }
article audio { width: 100%; }
details > summary { cursor: pointer; color: var(--accent); }
.text h1, .text h2, .text h3 { font-size: 1.1rem; margin: 1.2rem 0 .4rem; }
.rows { margin: 0; padding: 0; list-style: none; }
.rows > li { padding: 1rem 0; border-top: 1px solid var(--line); }
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; }
  .card, nav, summary { display: none; }
  details::details-content { content-visibility: visible; height: auto; }
  article > p:has(+ details) { display: none; } /* how the text begins, which stands there whole on paper */
  h2, h2 + .dim { break-after: avoid-page; }
  img, video { break-inside: avoid-page; }
}
"""


class Link(NamedTuple):
    """A feed that a page offers: where it is from the page, its full address if there is one, its media type."""

    href: str
    address: str
    media_type: str

    @property
    def name(self) -> str:
        """What people call the format."""
        return _NAMES.get(self.media_type) or self.href.rpartition(".")[2].upper()


def page(title: str, language: str, alternates: Iterable[tuple[Link, str]], body: str) -> str:
    """A whole page. ``alternates`` are the feeds that a browser or reader may discover in it, with their titles."""
    found = "".join(
        f'<link rel="alternate" type="{escape(link.media_type)}" href="{escape(link.href)}" title="{escape(name)}">\n'
        for link, name in alternates
    )
    return (
        f'<!doctype html>\n<html lang="{escape(language or "en")}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="generator" content="feedbot">\n'
        f"<title>{escape(title)}</title>\n{found}<style>{_STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def escape(text: str) -> str:
    """Text as HTML, fit for an attribute too."""
    return _escape(text)


def anchor(href: str, text: str, kind: str = "") -> str:
    """A link; the address and the text are escaped here."""
    named = f' class="{kind}"' if kind else ""
    return f'<a{named} href="{escape(href)}">{escape(text)}</a>'


def path_href(path: str) -> str:
    """A relative path as the address of a link."""
    return quote(path, safe="/.~")


def subscribe(links: Iterable[Link]) -> str:
    """The box that tells what to do with the addresses of a feed."""
    rows = "".join(
        f"<li>{anchor(link.href, link.name, 'button')} <code>{escape(link.address or link.href)}</code></li>\n"
        for link in links
    )
    if not rows:
        return ""
    return (
        '<section class="card" aria-label="Subscribe">\n<p><strong>Follow this feed:</strong> copy an address into '
        f"your feed reader.</p>\n<ul>\n{rows}</ul>\n</section>\n"
    )


def moment(when: datetime) -> str:
    """A day, for people and for programs."""
    utc = when.astimezone(UTC)
    return f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}">{utc.day} {_MONTHS[utc.month - 1]} {utc.year:04}</time>'


def without_ids(content: str) -> str:
    """Clean HTML without ``id``: the same one may be in several entries of a page."""
    return _ID.sub(r"\1", content)


# Within a tag of clean HTML, where ">" may stand in a quoted value only.
_ID = re.compile(r'(<[a-z][a-z0-9]*(?: [a-z-]+="[^"]*")*?) id="[^"]*"')


@cache
def _policy() -> str:
    digest = b64encode(sha256(_STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src http: https:; media-src http: https:; "
        "base-uri 'none'; form-action 'none'"
    )
