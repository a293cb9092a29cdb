"""The state in PostgreSQL: several at work on it, a server that goes away, databases that are none of ours."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from feedbot.engine.presence import myself
from feedbot.errors import LeaseLostError, StateError
from feedbot.location import Database
from feedbot.model import Content, DeliveryState, Memory
from feedbot.store.outbox import Outcome
from feedbot.store.poll import Poll
from feedbot.store.store import Store
from feedbot.store.upkeep import faults
from tests.store.test_store import LEASE, added, poll, sent_now
from tests.support.build import NOW, at, item
from tests.support.postgres import Databases

if TYPE_CHECKING:
    from tests.support.postgres import Server


@pytest.fixture
def stores(database: Database) -> Iterator[tuple[Store, Store]]:
    """The state as two processes have it."""
    with contextlib.closing(Store.open(database)) as one, contextlib.closing(Store.open(database)) as other:
        yield one, other


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    from tests.support.postgres import own_server

    with own_server() as server:
        yield server


def test_two_claim_each_source_once_and_none_waits(stores: tuple[Store, Store]) -> None:
    names = [f"s{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        claims = [
            threads.submit(stores[n % 2].sources.claim, names[:: (-1) ** n], f"lease {n}", at(minutes=5), NOW)
            for n in range(8)
        ]
    taken = [name for claim in claims for name in claim.result()]
    assert sorted(taken) == sorted(names)


def test_a_host_that_one_has_claimed_a_source_of_is_left_alone_by_the_other(stores: tuple[Store, Store]) -> None:
    def claimed(number: int, *names: str) -> set[str]:
        return set(stores[number].sources.claim(names, f"{number}", at(minutes=5), NOW, host_of=lambda name: name[0]))

    assert claimed(0, "a1", "b1") == {"a1", "b1"}
    assert claimed(1, "a2", "b2", "c2") == {"c2"}
    assert claimed(0, "a3", "c3") == {"a3"}
    stores[0].sources.release(["a1", "a3"], "0")
    assert claimed(1, "a2", "b2") == {"a2"}


def test_two_claim_each_delivery_once(stores: tuple[Store, Store]) -> None:
    poll(stores[0], *(added(item(f"e{number}"), "log") for number in range(60)))

    def drain(number: int) -> list[int]:
        taken: list[int] = []
        while some := stores[number % 2].outbox.claim("log", f"lease {number}", at(minutes=2), NOW, most=3):
            taken += [one.delivery.pk for one in some]
        return taken

    with ThreadPoolExecutor(6) as threads:
        taken = [pk for some in threads.map(drain, range(6)) for pk in some]
    assert len(taken) == len(set(taken)) == 60


def test_sources_with_the_same_entries_do_not_stop_each_other(stores: tuple[Store, Store]) -> None:
    """Two that tell one sink of the same entries, in opposite orders, wait for each other: one has to begin anew."""
    from msgspec.structs import replace

    def both(name: str, ids: list[int], store: Store) -> None:
        entries = []
        for number in ids:
            entry = added(item(f"{name}-{number}"), "log")
            told = tuple(replace(d, across=number.to_bytes(16)) for d in entry.deliveries)
            entries.append(replace(entry, deliveries=told))
        poll(store, *entries, name=name)

    with ThreadPoolExecutor(4) as threads:
        order = list(range(30))
        done = [threads.submit(both, f"s{n}", order[:: (-1) ** n], stores[n % 2]) for n in range(4)]
    assert [one.result() for one in done] == [None] * 4
    assert stores[0].deliveries.counts() == {"log": {DeliveryState.PENDING: 30}}


def test_what_the_lease_of_another_holds_is_left_alone(stores: tuple[Store, Store]) -> None:
    poll(stores[0], added(item("a"), "log"))
    stores[0].outbox.claim("log", "mine", at(minutes=2), NOW)
    stores[0].sources.claim(["blog"], "mine", at(minutes=15), NOW)
    stores[1].recover(at(minutes=1))
    assert stores[1].deliveries.waiting() == {"log": {DeliveryState.SENDING: 1}}
    assert stores[1].sources.claim(["blog"], "other", at(minutes=15), at(minutes=1)) == {}
    stores[1].recover(at(minutes=3))
    assert stores[1].deliveries.waiting() == {"log": {DeliveryState.PENDING: 1}}


def test_a_sign_of_life_extends_no_turn_that_is_over(stores: tuple[Store, Store]) -> None:
    one, other = stores
    one.fleet.enter(myself(LEASE, NOW))
    one.turns.take("sink mail", LEASE, NOW)
    assert one.fleet.beat(LEASE, at(minutes=1), at(minutes=15))
    assert other.turns.take("sink mail", "another", at(minutes=1))


def test_any_text_can_be_stored(stores: tuple[Store, Store]) -> None:
    odd = "nul \0, half \ud83d, no character \uffff, bell \a"
    long = "x" * 100_000 + odd
    poll(stores[0], added(item(odd, text=odd), "log"), added(item(long), "log"), error=odd, title=odd, link=odd)
    there = list(stores[0].entries.newest(["blog"]))
    assert len(there) == 2
    assert stores[0].entries.find(odd)[0].id == there[0].id if len(there[0].id) < 100 else there[1].id
    assert len(stores[0].entries.find(long)) == 1
    claimed = stores[0].outbox.claim("log", "w", at(minutes=2), NOW, most=5)
    dead = Outcome(pks=[claimed[0].delivery.pk], state=DeliveryState.DEAD, at=NOW, error=odd)
    stores[0].outbox.mark([dead], "w")
    assert isinstance(there[0], Content)


def test_a_state_is_made_once_when_several_begin(postgres: Databases) -> None:
    database = postgres.empty()
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: Store.open(database), range(4)))
    assert len({store.instance() for store in opened}) == 1
    for store in opened:
        store.close()
    assert faults(database) == []
    postgres.drop(database)


def test_migrations_lead_to_the_same_tables_as_a_new_state(postgres: Databases, database: Database) -> None:
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from feedbot.store import schema
    from feedbot.store.migrate import upgrade

    migrated = postgres.empty()
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(migrated.url))
    with engine.begin() as connection:
        upgrade(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()

    def definitions(of: Database) -> list[tuple[object, ...]]:
        columns = (
            "SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attcollation, attnotnull "
            "FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
            "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 ORDER BY 1, 2"
        )
        with psycopg.connect(of.url) as connection:
            indexes = connection.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
            return [*indexes.fetchall(), *connection.execute(columns).fetchall()]

    assert definitions(migrated) == definitions(database)
    postgres.drop(migrated)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace("/postgres?", "/nowhere?"), "nowhere .*is not there"),
        (lambda _: "postgresql://u:sesame@127.0.0.1:1/feedbot", "cannot be reached"),
        (lambda url: url.replace("postgres@", "nobody:sesame@"), "does not let feedbot in"),
        (lambda url: url + "&sesame=1", "sesame"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_a_secret(server: Server, change: object, words: str) -> None:
    assert callable(change)
    begun = time.monotonic()
    with pytest.raises(StateError, match=words) as refused:
        Store.open(Database(change(server.url)))
    assert time.monotonic() - begun < 5
    assert refused.value.exit_code == 5
    assert refused.value.hint
    assert "u:sesame" not in f"{refused.value}{refused.value.hint}"


def test_tables_of_another_program_are_left_alone(postgres: Databases) -> None:
    database = postgres.empty()
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE entries (x int)")
    with pytest.raises(StateError, match="another program"):
        Store.open(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        assert connection.execute("SELECT to_regclass('sources')").fetchone() == (None,)
    postgres.drop(database)


def test_a_newer_state_is_refused(postgres: Databases) -> None:
    database = postgres.empty()
    Store.open(database).close()
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StateError, match="newer feedbot"):
        Store.open(database)
    postgres.drop(database)


def test_a_restart_of_the_server_loses_nothing(server: Server) -> None:
    """Polls and deliveries go on through it: each waits until the server is back."""
    store = Store.open(Database(server.url))
    stop = threading.Event()

    def read() -> list[str]:
        """What was committed, or may have been: a commit whose answer was lost is found to be no longer ours."""
        read: list[str] = []
        while not stop.is_set():
            name = f"s{len(read)}-{time.monotonic_ns()}"
            if store.sources.claim([name], LEASE, at(minutes=5), NOW):
                values = {"memory": Memory(), "at": NOW, "next_poll": NOW + timedelta(hours=1)}
                new = (added(item(name), "log"),)
                with contextlib.suppress(LeaseLostError):
                    store.sources.commit([Poll(source=name, lease=LEASE, added=new, **values)])  # type: ignore[arg-type]
                read.append(name)
        return read

    def deliver() -> list[str]:
        sent = []
        while not stop.is_set():
            for one in store.outbox.claim("log", LEASE, at(minutes=2), NOW):
                sent.append(one.delivery.entry.id)
                with contextlib.suppress(LeaseLostError):
                    store.outbox.mark([sent_now(one.delivery.pk)], LEASE)
        return sent

    with ThreadPoolExecutor(2) as threads:
        reading, sending = threads.submit(read), threads.submit(deliver)
        for mode in ("immediate", "fast"):
            time.sleep(0.3)
            server.stop(mode)
            time.sleep(0.2)
            server.start()
        time.sleep(0.5)
        stop.set()
    known = {entry.id for entry in store.entries.newest(list(store.sources.states()))}
    store.recover(at(minutes=3))
    counts = store.deliveries.counts()["log"]
    store.close()
    assert known == set(reading.result())
    assert len(sending.result()) == len(set(sending.result())) == counts[DeliveryState.SENT] > 0
    assert sum(counts.values()) == len(known)


LOOK = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"


@pytest.mark.parametrize(
    ("granted", "words"),
    [
        ("", "permission denied.*GRANT SELECT"),
        (LOOK, "permission denied for table.*GRANT ALL ON ALL TABLES"),
        ("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}", "permission denied for sequence.*ON ALL SEQUENCES"),
        (LOOK + "; ALTER ROLE {role} SET default_transaction_read_only = on", "default_transaction_read_only = off"),
    ],
)
def test_a_user_with_too_few_rights_is_told_which_are_missing(server: Server, granted: str, words: str) -> None:
    database, role = Databases(server.url).empty(), f"r{time.monotonic_ns()}"
    Store.open(database).close()
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(granted.format(role=role))
    theirs = Database(database.url.replace("postgres@", f"{role}@"))
    with pytest.raises(StateError, match=words), contextlib.closing(Store.open(theirs)) as store:
        store.sources.claim(["blog"], LEASE, at(minutes=5), NOW)
