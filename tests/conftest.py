from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.web import WebServer, web_server

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server
