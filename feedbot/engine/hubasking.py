"""Asks WebSub hubs: a form by POST, and whether that is worth another try where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from msgspec.structs import replace

from feedbot.errors import DeliveryError
from feedbot.http import Fetcher, HttpError, Request, Response
from feedbot.http.target import follow, parse_target

_SECONDS = 15.0
_LATER = frozenset({408, 425, 429})
_ELSEWHERE = frozenset({307, 308})
_MOST_HUBS = 4


def ask(hub: str, form: Mapping[str, str | int], fetcher: Fetcher, now: datetime) -> DeliveryError | None:
    """What kept a hub from taking a form, None where it took it. ``refused``: it does not want one like that.

    A hub may name another one that does take it (section 5.1.2).
    """
    request = Request(
        url=hub,
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        timeout=_SECONDS,
        follow_redirects=False,
    )
    try:
        response = _sent(request, fetcher, now)
    except HttpError as error:
        return DeliveryError(f"the hub {hub} was not reached: {error.message}", error.hint, refused=error.forbidden)
    if 200 <= response.status < 300:
        return None
    refused = response.status < 500 and response.status not in _LATER
    return DeliveryError(
        f"the hub {hub} answered {response.status}",
        "check hub" if refused else "",
        refused=refused,
        not_before=response.retry_at,
    )


def _sent(request: Request, fetcher: Fetcher, now: datetime) -> Response:
    """What the hub answers, or the one that it leads to; a hub that leads on and on is taken at its word no longer."""
    response = fetcher.send(request, now)
    for _ in range(_MOST_HUBS - 1):
        location = response.headers.get("location", "")
        if response.status not in _ELSEWHERE or not location:
            break
        request = replace(request, url=follow(parse_target(request.url), location).url)
        response = fetcher.send(request, now)
    return response
