"""The state in a database of PostgreSQL."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate
from sqlalchemy.ext.compiler import compiles

from feedbot.core.text import redacted
from feedbot.errors import StateError
from feedbot.location import Database
from feedbot.store import schema
from feedbot.store.codec import JSON

LOCKS = 0x66656564  # "feed": the first half of the number of every advisory lock that feedbot takes
_MAKING = 1  # the second half of the one that whoever makes or migrates the schema holds
SCHEDULING = 3
"""The second half of the one that whoever claims sources holds, as hosts have to be told apart."""
_OLDEST = 130000  # server version
_POOL, _MORE = 5, 15  # connections that are kept, and those that a rush takes beside them
# A connection that says nothing is asked for after half a minute: one that was cut off is found, and not waited for.
_PATIENCE = {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 3,
             "tcp_user_timeout": 30_000}  # fmt: skip
# A process that stands still in a transaction must not hold what others wait for.
_SETTINGS = "SET idle_in_transaction_session_timeout = '60s'"

_PASSING = ("40001", "40P01", "25P03", "53300", "57P01", "57P02", "57P03", "57P05")
"""Two stood in each other's way; too slow; too many connections; the server stops, starts or recovers."""

# What is said before a connection stands comes without its code.
_UNCODED = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    'role "': "28000",
    'database "': "3D000",
    "too many clients": "53300",
    "too many connections": "53300",
    "remaining connection slots": "53300",
}

_PRIMARY = "give the primary server as state"

_LOOK = """
SELECT current_setting('server_encoding'), current_setting('server_version_num')::int, pg_is_in_recovery(),
       to_regclass('alembic_version') IS NOT NULL, to_regclass('meta') IS NOT NULL
"""


def open_state(database: Database, *, create: bool = True) -> sa.Engine:
    """Open the state in a database, brought to the newest schema; made where none is, if ``create``.

    Raises StateError where the database holds something else, is newer than this program or not fit for it.
    """
    engine = _engine(database)
    try:
        version, read_only = _look(engine, database)
        if version == schema.REVISION:
            if read_only:
                raise StateError(f"{database} is a standby, which cannot be written", _PRIMARY)
            return engine
        if version is None and not create:
            raise _no_state(database)
        with engine.begin() as connection:
            lock(connection, _MAKING)
            version = _version(connection)
            if version is None:
                schema.make(connection)
            else:
                from feedbot.store.migrate import check_known, upgrade

                check_known(version, database)
                upgrade(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


def open_to_read(database: Database) -> sa.Engine:
    """Open the state in a database to look at it, on a standby too. Raises StateError as ``open_state``."""
    engine = _engine(database)
    try:
        version, _ = _look(engine, database)
        if version is None:
            raise _no_state(database)
        if version != schema.REVISION:
            raise StateError(
                f"{database} was written by another version of feedbot", "a run of this one brings it up to date"
            )
    except BaseException:
        engine.dispose()
        raise
    return engine


def open_to_try(database: Database) -> sa.Engine:
    """Open the database as it is, for what will not be committed."""
    engine = _engine(database)
    try:
        _look(engine, database)
    except BaseException:
        engine.dispose()
        raise
    return engine


def there(database: Database) -> bool:
    """Whether the database holds a state."""
    engine = _engine(database)
    try:
        return _look(engine, database)[0] is not None
    finally:
        engine.dispose()


def make_where_none(connection: sa.Connection) -> None:
    """Make the schema in the caller's transaction, which may last, unless it is there."""
    connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")
    if _version(connection) is None:
        schema.make(connection)


def load(connection: sa.Connection, database: Database, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Run a COPY ... FROM STDIN of rows, which is several times as fast as an INSERT."""
    import psycopg

    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor().copy(statement) as lines:
            for row in rows:
                lines.write_row(row)
    except psycopg.Error as error:
        raise StateError(*explain(database, error)) from error


def faults(connection: sa.Connection) -> list[str]:
    """What is wrong with the tables; that their rows are sound is what the server sees to."""
    inspector = sa.inspect(connection)
    found = []
    for table in schema.metadata.sorted_tables:
        if not inspector.has_table(table.name):
            found.append(f"the table {table.name} is not there")
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        found += [f"{table.name} has no column {column.name}" for column in table.columns if column.name not in columns]
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        found += [f"the index {index.name} is not there" for index in table.indexes if index.name not in indexes]
    broken = connection.exec_driver_sql(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid "
        "WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace"
    )
    return [*found, *(f"the index {name} is not valid: REINDEX it" for name in broken.scalars())]


def lock(connection: sa.Connection, number: int) -> None:
    """Wait for a lock of all processes on the database, which ends with the transaction."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCKS}, {number})")


def passes(error: BaseException | None) -> bool:
    """Whether what went wrong may go well when it is tried again."""
    code = _code(error)
    if not code:
        return type(error).__name__ in ("OperationalError", "InterfaceError")
    return code.startswith("08") or code in _PASSING


def explain(database: Database, error: BaseException | None) -> tuple[str, str]:
    """A sentence for an error of PostgreSQL, and what to do."""
    code, said = _code(error), _said(database, error)
    if code in ("28P01", "28000"):
        return f"{database} does not let feedbot in: {said}", "check user and password, and pg_hba.conf on the server"
    if code == "3D000":
        return f"{database} is not there: {said}", "make it: createdb, or CREATE DATABASE"
    if code == "42501":
        return f"{database}: {said}", _missing_right(said)
    if code == "25006":
        return f"{database} can only be read", f"{_PRIMARY}, or let the user write: default_transaction_read_only = off"
    if code in ("53100", "53200"):
        return f"{database}: {said}", "make room on the server; nothing was announced that is not stored"
    if code == "53300":
        return f"{database} takes no more connections", "raise max_connections, or run fewer workers"
    if code in ("40001", "40P01"):
        return f"{database} was busy with the same rows elsewhere: {said}", "try again"
    if passes(error):
        return (
            f"{database} cannot be reached: {said}",
            "is the server running, and does the URL name it?",
        )
    if code == "42P07":
        return f"{database} holds tables of another program: {said}", "give feedbot a database of its own"
    return f"{database}: {said}", "the state was left as it is"


def _missing_right(said: str) -> str:
    """What lets a user do what the server said that it may not."""
    if "owner" in said:
        return "let the user do it that owns the tables, once"
    if " schema " in said:
        return "let the user make tables there: GRANT CREATE, USAGE ON SCHEMA public TO ..."
    if " database " in said:
        return "let the user make the schema of the queue there: GRANT CREATE ON DATABASE ... TO ..."
    tables, sequences = "ON ALL TABLES IN SCHEMA public", "ON ALL SEQUENCES IN SCHEMA public"
    return f"take the user that owns the tables, or GRANT ALL {tables} and GRANT ALL {sequences}; to look, GRANT SELECT"


def _engine(database: Database) -> sa.Engine:
    if importlib.util.find_spec("psycopg") is None:
        raise StateError("a state in PostgreSQL takes further packages", "pip install 'feedbot[scale]'")
    import psycopg

    def connect() -> psycopg.Connection[Any]:
        given = psycopg.conninfo.conninfo_to_dict(database.url)
        own = {name: value for name, value in {**_PATIENCE, "application_name": "feedbot"}.items() if name not in given}
        return psycopg.connect(database.url, **own)  # type: ignore[arg-type]

    engine = sa.create_engine(
        "postgresql+psycopg://",
        creator=connect,
        pool_size=_POOL,
        max_overflow=_MORE,
        pool_use_lifo=True,
        use_native_hstore=False,
        **JSON,
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: psycopg.Connection[Any], _record: object) -> None:
        connection.autocommit = True
        connection.execute(_SETTINGS)
        connection.autocommit = False

    return engine


def _look(engine: sa.Engine, database: Database) -> tuple[str | None, bool]:
    """The version of the state's schema, None where there is none; and whether the server can only be read."""
    with engine.connect() as connection:
        encoding, server, standby, versioned, ours = connection.exec_driver_sql(_LOOK).one()
        if encoding != "UTF8":
            raise StateError(f"{database} keeps text as {encoding}", "make the database with ENCODING 'UTF8'")
        if server < _OLDEST:
            raise StateError(f"{database} is PostgreSQL {server // 10000}", f"take {_OLDEST // 10000} or newer")
        if versioned and not ours:
            raise StateError(f"{database} is a database of another program", "give feedbot a database of its own")
        return _version(connection), standby


def _version(connection: sa.Connection) -> str | None:
    # Not by to_regclass, which may not know yet what another has committed meanwhile.
    here = "relname = 'alembic_version' AND relnamespace = current_schema()::regnamespace"
    if not connection.exec_driver_sql(f"SELECT EXISTS (SELECT FROM pg_class WHERE {here})").scalar():
        return None
    version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return version


def _no_state(database: Database) -> StateError:
    return StateError(f"there is no state in {database} yet", "feedbot run makes it")


def _code(error: BaseException | None) -> str:
    """The SQLSTATE; empty where the server said nothing."""
    code: str = getattr(error, "sqlstate", None) or ""
    return code or next((known for sign, known in _UNCODED.items() if sign in str(error)), "")


def _said(database: Database, error: BaseException | None) -> str:
    """What the server or the driver said, in a line and without a secret."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    text = " ".join(str(primary or error).split())
    return redacted(text.replace(database.url, str(database)), database.secrets)


@compiles(OnConflictDoUpdate, "postgresql")
@compiles(OnConflictDoNothing, "postgresql")
def _as_ours(clause: Any, compiler: Any, **options: Any) -> str:
    """Compile SQLite's clauses, which the store uses for both: all that they lack is a name of a constraint."""
    clause.constraint_target = None
    text: str = getattr(compiler, f"visit_{clause.__visit_name__}")(clause, **options)
    return text
