"""Asks over the real client, or expects it to refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from feedbot.http import HttpError, Request, Response
from feedbot.http.client import Client

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def get(client: Client, url: str, **more: Any) -> Response:
    return client.send(Request(url=url, **more), NOW)


def failure(client: Client, url: str, **more: Any) -> HttpError:
    with pytest.raises(HttpError) as caught:
        get(client, url, **more)
    return caught.value
