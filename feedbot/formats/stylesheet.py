"""How a feed looks to somebody who opens it in a browser: CSS for the XML of Atom and RSS.

CSS cannot make links, and what entries say is escaped HTML, which it would show as source text. So the page tells what
this is and how to subscribe, and lists the titles; the HTML page of the feed is for reading.
"""

from __future__ import annotations

from feedbot.core.seal import sealed

_CSS = """\
:root { color-scheme: light dark; --ink: #1d232b; --dim: #5d6875; --line: #dde2e8; --paper: #fff; --card: #f3f6f9;
  --accent: #b4430a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ed; --dim: #9ba6b2; --line: #343b44; --paper: #14181d; --card: #1e242b; --accent: #ff9d5c; }
}
feed, rss { display: block; min-height: 100vh; box-sizing: border-box; padding: 2.5rem 1.25rem 4rem; margin: 0;
  background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
channel { display: block; }
feed > *, channel > * { display: none; max-width: 44rem; margin-inline: auto; }

/* What this is, and the address to copy. */
feed::before, channel::before { display: block; max-width: 44rem; margin: 0 auto 2rem; padding: 1rem 1.25rem;
  box-sizing: border-box; background: var(--card); border-inline-start: .3rem solid var(--accent);
  border-radius: .4rem; white-space: pre-line;
  content: "This is a web feed. To follow it, copy the address of this page into your feed reader."; }

title { unicode-bidi: plaintext; }
feed > title, channel > title { display: block; font-size: 1.9rem; font-weight: 700; line-height: 1.2; }
feed > subtitle, channel > description { display: block; margin-top: .4rem; color: var(--dim); }
feed > link[rel="self"], channel > link[rel="self"] { display: block; margin-top: .6rem; color: var(--dim);
  font: .9rem/1.5 ui-monospace, monospace; }
feed > link[rel="self"]::before, channel > link[rel="self"]::before { content: attr(href); user-select: all; }

entry, item { padding: 1.4rem 0; border-bottom: 1px solid var(--line); }
feed > entry, channel > item { display: flex; flex-direction: column; }
feed > entry:last-child, channel > item:last-child { border-bottom: 0; }
channel > item:first-of-type, feed > entry:first-of-type { margin-top: 1.6rem; border-top: 1px solid var(--line); }
entry > *, item > * { display: none; }
entry > title, item > title { display: block; order: 1; font-size: 1.15rem; font-weight: 600; line-height: 1.35; }
entry > author, item > creator { display: block; order: 3; color: var(--dim); font-size: .9rem; }
entry > author > * { display: none; }
entry > author > name { display: inline; }
entry > published, item > pubDate { display: block; order: 2; margin-top: .25rem; color: var(--dim); font-size: .9rem; }
entry > link[rel="alternate"], item > link { display: block; order: 4; margin-top: .25rem; color: var(--accent);
  font-size: .9rem; }
entry > link[rel="alternate"]::before { content: attr(href); }
@media print { feed, rss { padding: 0; } feed::before, channel::before { display: none; } }
"""


def stylesheet() -> bytes:
    """The style sheet, sealed so that one somebody has made their own is left alone."""
    return sealed(_CSS, css=True)
