"""Brings a database to the newest schema, with Alembic; imported only where that takes something."""

from __future__ import annotations

import logging
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from feedbot.errors import StateError
from feedbot.location import Location
from feedbot.store import schema
from feedbot.store.upkeep import copy

log = logging.getLogger(__name__)

_SCRIPTS = Path(__file__).parent / "migrations"


def check_known(version: str | None, location: Location) -> None:
    """Raise StateError where the schema of a state is none that this program knows."""
    if version not in known_revisions():
        raise StateError(f"{location} was written by a newer feedbot (schema {version})", "upgrade feedbot")


def upgrade_file(connection: sa.Connection, path: Path, *, keep: bool) -> None:
    """As ``upgrade``, once it is sure that the state at ``path`` is whole, and, to ``keep`` it, a copy lies beside it.

    Raises StateError where something is missing.
    """
    version = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
    if version == schema.REVISION:  # another process was quicker
        return
    _check_whole(connection, version, path)
    if keep:
        _keep(connection, version, path)
    upgrade(connection)


def upgrade(connection: sa.Connection, version: str = "head") -> None:
    """Run the migrations that are missing up to a version, in the caller's transaction; of a file of SQLite it has
    ``foreign_keys`` off, or making a table anew empties those that point to it."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def known_revisions() -> set[str]:
    """The revisions that this program knows."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _check_whole(connection: sa.Connection, version: str, path: Path) -> None:
    """Raise StateError where a state lacks what its version says that it has."""
    model = sa.create_engine("sqlite://")
    with model.begin() as wanted:
        upgrade(wanted, version)
        missing = sorted(_parts(wanted) - _parts(connection))
    model.dispose()
    if missing:
        raise StateError(
            f"{path} is not whole: it lacks {missing[0]}, which its schema {version} has",
            "restore a backup; it was left as it is",
        )


def _parts(connection: sa.Connection) -> set[str]:
    """The names of tables, and of what they have."""
    inspector = sa.inspect(connection)
    parts = set()
    for table in inspector.get_table_names():
        own = [*inspector.get_columns(table), *inspector.get_unique_constraints(table), *inspector.get_indexes(table)]
        parts |= {table, *(f"{table}.{part['name']}" for part in own)}
    return parts


def _keep(connection: sa.Connection, version: str, path: Path) -> None:
    """Copy the state, under a name that is free."""
    stem, number = f"{path.stem}-schema-{version}", 1
    while (kept := path.with_name(f"{stem}{f'-{number}' * (number > 1)}{path.suffix}")).exists():
        number += 1
    with connection.engine.connect() as reading:  # as one that holds a transaction cannot be copied from
        copy(reading, kept)
    log.warning("the state is brought from schema %s to %s; a copy is kept: %s", version, schema.REVISION, kept)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
