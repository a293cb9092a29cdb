"""feedbot healthcheck: tells by its exit code whether feedbot is well, for containers and monitors."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from http.client import HTTPConnection


@click.command(cls=Command)
@click.option("--url", default="", help="Ask a server, such as http://127.0.0.1:8737/readyz.")
@click.option(
    "--within", default="3m", show_default=True, metavar="TIME", help="How long ago it may have been at work."
)
@click.option("--timeout", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="Seconds to wait.")
@click.pass_obj
def healthcheck(context: Context, url: str, within: str, timeout: float) -> int:
    """Tell whether feedbot is well: leaves with 0 where it is, with 1 where it is not.

    With --url a server is asked. Without it the state tells when a daemon, or a run, was last at work on it; for runs
    from cron give more than the time between two of them, such as --within 1h. It leaves with 5 where the state cannot
    be used.
    """
    wrong = _asked(url, timeout) if url else _looked(context, _span(within))
    if context.json:
        context.answer({"well": not wrong, "problem": wrong or None})
    elif wrong:
        context.tell(wrong)
    elif not context.quiet:
        context.say("well")
    return 1 if wrong else 0


def _span(text: str) -> timedelta:
    from feedbot.core.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--within") from None


def _looked(context: Context, within: timedelta) -> str:
    """What the state tells to be wrong, "" for nothing. Raises StateError."""
    from feedbot.core.dates import in_words

    store = context.open_store(context.load())
    try:
        beaten = store.beaten()
    finally:
        store.close()
    now = context.now()
    if beaten is None:
        return "no feedbot was ever at work on the state"
    if now - beaten > within:
        return f"feedbot was last at work {in_words(beaten, now)}"
    return ""


def _asked(url: str, timeout: float) -> str:
    """What a server tells to be wrong, "" for nothing."""
    from http.client import HTTPException

    try:
        connection, target, shown = _connection(url, timeout)
    except ValueError:
        raise click.BadParameter(
            "expected an address such as http://127.0.0.1:8737/readyz", param_hint="--url"
        ) from None
    try:
        connection.request("GET", target, headers={"User-Agent": "feedbot-healthcheck", "Connection": "close"})
        response = connection.getresponse()
        said = " ".join(response.read(1000).decode("utf-8", "replace").split())
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"{shown} does not answer: {reason}"
    finally:
        connection.close()
    if 200 <= response.status < 300:
        return ""
    return f"{shown} answers {response.status}" + (f": {said}" if said else "")


def _connection(url: str, timeout: float) -> tuple[HTTPConnection, str, str]:
    """A connection to a server, what to ask it for, and its address without what may be secret. Raises ValueError."""
    from http.client import HTTPConnection, HTTPSConnection

    parts = urlsplit(url)
    host, port = parts.hostname, parts.port
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(url)
    connection = (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(host, port, timeout=timeout)
    path = parts.path if parts.path not in ("", "/") else "/readyz"
    place = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme}://{place}" + (f":{port}" if port else "") + path
    return connection, path + (f"?{parts.query}" if parts.query else ""), shown
