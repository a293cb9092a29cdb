"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.web import WebServer, web_server

CORPUS = Path(os.environ.get("FEEDBOT_TEST_CORPUS", Path(__file__).resolve().parents[2] / "shared" / "corpus"))
"""Real feeds and posts, where they are at hand; the tests pass without them."""

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server
