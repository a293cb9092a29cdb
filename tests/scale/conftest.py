"""A server that stands for many hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.web import WebServer, web_server


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server("0.0.0.0") as server:
        yield server
