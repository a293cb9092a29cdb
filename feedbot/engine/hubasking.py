"""Asks WebSub hubs: a form by POST, and whether that is worth another try where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from feedbot.errors import DeliveryError
from feedbot.http import Fetcher, HttpError, Request

_SECONDS = 15.0
_LATER = frozenset({408, 425, 429})


def ask(hub: str, form: Mapping[str, str | int], fetcher: Fetcher, now: datetime) -> DeliveryError | None:
    """What kept a hub from taking a form, None where it took it. ``refused``: it does not want one like that."""
    request = Request(
        url=hub,
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        timeout=_SECONDS,
        follow_redirects=False,
    )
    try:
        response = fetcher.send(request, now)
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
