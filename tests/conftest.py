"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from feedbot.location import Database, Location
from tests.support.examples import examples
from tests.support.web import WebServer, web_server

if TYPE_CHECKING:
    import trustme

    from tests.support.postgres import Databases

CORPUS = Path(os.environ.get("FEEDBOT_TEST_CORPUS", Path(__file__).resolve().parents[2] / "shared" / "corpus"))
"""Real feeds and posts, where they are at hand; the tests pass without them."""

PROJECT = Path(__file__).resolve().parents[1]

# How long an example takes says more of the machine than of it.
settings.register_profile("feedbot", examples(30), deadline=None)
settings.load_profile("feedbot")


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who issues the certificates of servers here."""
    import trustme

    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its own certificate, by which those are known to be right."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """Where databases are made, for the tests of one process."""
    from tests.support.postgres import databases

    with databases() as made:
        yield made


@pytest.fixture(scope="session")
def _state_database(postgres: Databases) -> Iterator[Database]:
    from feedbot.store.store import Store

    database = postgres.empty()
    Store.open(database).close()
    yield database
    postgres.drop(database)


@pytest.fixture
def database(_state_database: Database) -> Database:
    """A database with an empty state in it."""
    from tests.support.postgres import wipe

    wipe(_state_database)
    return _state_database


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """Where a state may be: each test runs on a file and on a database."""
    if request.param == "sqlite":
        return tmp_path / "state" / "feedbot.db"
    database: Database = request.getfixturevalue("database")
    return database
