"""The text of a first configuration: short, with a comment on each line that is there to be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from feedbot.message.terminal import inert
from feedbot.settings.edit import literal

_COLUMN = 46
"""Where comments behind values begin."""


class Start(Struct, frozen=True, kw_only=True):
    """What is known of the source to begin with: no ``settings``, nothing was found.

    ``reach`` are the keys of [feedbot] that it takes to get there, ``output`` is the folder of the published feeds,
    from that of the configuration.
    """

    settings: Mapping[str, Any]
    name: str = "example"
    title: str = ""
    why: Sequence[str] = ()
    reach: Mapping[str, Any] = field(default_factory=dict)
    output: str = "public"


def starting(start: Start) -> str:
    """A configuration that reads one source, publishes one feed, and tells the terminal what is new."""
    return "\n".join((*_feedbot(start), *_source(start), *_feed(start), *_sinks())) + "\n"


def _feedbot(start: Start) -> Iterator[str]:
    site = str(start.settings.get("site") or "https://example.org").rstrip("/")
    yield "# feedbot reads the sources below, publishes feeds, and tells the sinks what is new. Every key is told in"
    yield "# docs/configuration.md; feedbot check finds what is wrong, feedbot status shows how it goes."
    yield ""
    yield "[feedbot]"
    yield _line('state = "feedbot.db"', "what was seen and sent: keep it")
    yield _line(f"output = {literal(start.output)}", "the folder of the published feeds")
    yield _line(f"# base_url = {literal(f'{site}/feeds/')}", "where you serve that folder; set it before you do")
    yield _line('# timezone = "Europe/Berlin"', "of dates that name none, and of digests")
    for key, value in start.reach.items():
        yield _line(f"{key} = {literal(value)}", _ABOUT[key])
    yield ""


def _source(start: Start) -> Iterator[str]:
    yield from (f"# {inert(reason)}" for reason in start.why)
    yield f"[sources.{start.name}]"
    for key, value in start.settings.items():
        yield _line(f"{key} = {literal(value)}", _ABOUT.get(key, ""))
    if not start.settings:
        yield _line('type = "feed"', 'or "posts", with the path of a blog\'s folder')
        yield _line('url = "https://example.org/feed.xml"', "an address of your own: a page is fine, its feed is found")
        yield _line("paused = true", "take this line away then; feedbot add URL adds further ones")
    elif start.settings["type"] == "posts" and "site" not in start.settings:
        yield _line('# site = "https://example.org"', "the blog's address, unless its own configuration says it")
    yield _line('# interval = "30m"', "how often it is looked at")
    yield _line("# backfill = 3", "announce the newest three at the first run; else none of them")
    yield ""


def _feed(start: Start) -> Iterator[str]:
    yield _line("[feeds.all]", f"all.atom, all.rss, all.json and all.html in {start.output}")
    yield f"title = {literal(start.title or 'Everything')}"
    yield 'formats = ["atom", "rss", "json", "html"]'
    yield ""


def _sinks() -> Iterator[str]:
    yield _line("[sinks.terminal]", "prints what is new")
    yield 'type = "console"'
    yield ""
    yield '# Mail: take away the "#" of these lines, fill in your own; then: feedbot sink test mail'
    yield ""
    yield "# [sinks.mail]"
    yield '# type = "email"'
    yield _line('# host = "smtp.example.org"', 'or, in place of host and username, transport = "sendmail"')
    yield '# username = "me@example.org"'
    yield _line('# password_file = "smtp-password"', "a file beside this one that holds it")
    yield '# from = "me@example.org"'
    yield '# to = ["me@example.org"]'
    yield ""
    yield "# A chat or a program of yours, likewise; type may be slack, discord, teams, mattermost as well:"
    yield ""
    yield "# [sinks.team]"
    yield '# type = "webhook"'
    yield '# url = "https://example.org/hook"'


_ABOUT = {
    "allow_private": "private addresses that may be asked",
    "ca_file": "further certificates to trust",
    "path": "from the folder of this file",
    "preset": "how the blog is laid out: feedbot preset show NAME",
    "site": "the blog's address, which the links of its posts start from",
}


def _line(text: str, comment: str) -> str:
    return f"{text:<{_COLUMN}} # {comment}" if comment else text
