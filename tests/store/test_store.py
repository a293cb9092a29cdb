"""The state: opened, refused, migrated; what a poll commits; the life of deliveries."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedbot.core.fingerprint import fingerprints
from feedbot.core.identity import digest
from feedbot.errors import LeaseLostError, StateError
from feedbot.model import Delivery, DeliveryState, EditKind, Item, Memory, Problem, Validators
from feedbot.store import schema
from feedbot.store.database import open_state
from feedbot.store.poll import AddedEntry, EditedEntry, Planned, Poll, WithdrawnEntry
from feedbot.store.store import Store
from tests.support.build import NOW, at, item

LEASE = "lease-1"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "state" / "feedbot.db")


def claimed(store: Store, name: str = "blog", lease: str = LEASE) -> None:
    assert name in store.sources.claim([name], lease, at(minutes=5), NOW)


def claim(store: Store, sink: str, lease: str, until: datetime, now: datetime) -> Delivery | None:
    """The delivery that has been due for longest."""
    found = store.outbox.claim(sink, lease, until, now)
    return found[0].delivery if found else None


def added(one: Item, *sinks: str, keys: tuple[str, ...] = ()) -> AddedEntry:
    return AddedEntry(
        id=one.id,
        content=one,
        sort_at=one.published or NOW,
        fingerprints=fingerprints(one, trusted_dates=False),
        keys=tuple(digest(key) for key in (f"id:{one.id}", *keys)),
        deliveries=tuple(Planned(sink=sink, key=f"{sink}-{one.id}") for sink in sinks),
    )


def poll(store: Store, *entries: AddedEntry, name: str = "blog", **fields: object) -> None:
    claimed(store, name)
    values: dict[str, object] = {"memory": Memory(), "at": NOW, "next_poll": at(minutes=30), **fields}
    store.sources.commit([Poll(source=name, lease=LEASE, added=entries, **values)])  # type: ignore[arg-type]


def test_a_new_state_has_the_tables_that_the_program_expects(store: Store, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state" / "feedbot.db") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    engine = open_state(tmp_path / "state" / "feedbot.db")
    inspector = sa.inspect(engine)
    for table in schema.metadata.sorted_tables:
        assert {c["name"] for c in inspector.get_columns(table.name)} == {c.name for c in table.columns}
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    assert stat.S_IMODE((tmp_path / "state" / "feedbot.db").stat().st_mode) == 0o600
    assert store.instance()


def test_the_migrations_lead_to_the_same_tables_as_a_new_state(store: Store, tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from feedbot.store.migrate import known_revisions, upgrade

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as connection:
        upgrade(connection)
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == schema.REVISION
    assert schema.REVISION in known_revisions()

    def definitions(path: Path) -> dict[str, list[list[object]]]:
        with contextlib.closing(sqlite3.connect(path)) as database:
            return {
                f"{table.name} {what}": sorted(
                    (list(row[1:]) for row in database.execute(f"PRAGMA {what}({table.name})")), key=str
                )
                for table in schema.metadata.sorted_tables
                for what in ("table_info", "index_list", "foreign_key_list")
            }

    assert definitions(tmp_path / "migrated.db") == definitions(tmp_path / "state" / "feedbot.db")


def test_opening_again_keeps_what_is_there_and_imports_no_alembic(store: Store, tmp_path: Path) -> None:
    poll(store, added(item("a")))
    again = Store.open(tmp_path / "state" / "feedbot.db")
    assert again.instance() == store.instance()
    assert [entry.id for entry in again.entries.newest(["blog"])] == ["a"]


def _zeros(path: Path) -> None:
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database, whatever it may be" * 100)


def _foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE bookmarks (url TEXT)")


def _newer(path: Path) -> None:
    Store.open(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")


def _corrupt(path: Path) -> None:
    Store.open(path).close()
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xff" * 3996
    path.write_bytes(bytes(data))


def _journal_only(path: Path) -> None:
    Path(f"{path}-wal").write_bytes(b"what is left of a state")


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_zeros, "is empty"),
        (_garbage, "damaged"),
        (_foreign, "another program"),
        (_newer, "newer feedbot"),
        (_corrupt, "damaged"),
        (_journal_only, "journal"),
        (_folder, "directory"),
    ],
)
def test_a_state_that_cannot_be_used_is_refused_and_left_as_it_is(tmp_path: Path, spoil: object, words: str) -> None:
    path = tmp_path / "feedbot.db"
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None

    with pytest.raises(StateError, match=words) as refusal:
        Store.open(path).sources.states()

    assert refusal.value.exit_code == 5
    assert refusal.value.hint
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_locked_state_is_told_as_such(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedbot.store.database._BUSY_SECONDS", 0.1)
    with sqlite3.connect(tmp_path / "state" / "feedbot.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        impatient = Store.open(tmp_path / "state" / "feedbot.db")
        with pytest.raises(StateError, match="locked by another program"):
            impatient.sources.claim(["blog"], LEASE, at(minutes=5), NOW)


def test_a_state_on_a_read_only_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "feedbot.db"
    Store.open(path).close()
    monkeypatch.setattr("os.access", lambda *_: False)  # who runs the tests as root may write anywhere
    with pytest.raises(StateError, match="cannot be written"):
        Store.open(path)


def test_a_poll_is_committed_with_its_entries_keys_and_deliveries(store: Store) -> None:
    memory = Memory(Validators('"e"', "yesterday"), "digest")
    problem = Problem("a.md:3", "no date", "give one")
    poll(store, added(item("a"), "log", "mail"), memory=memory, problems=(problem,), title="Blog")

    state = store.sources.states()["blog"]
    assert (state.memory, state.polled, state.entries, state.title) == (memory, True, 1, "Blog")
    assert state.problems == (problem,)
    assert store.sources.named("blog", [digest("id:a"), digest("id:b")]) == {digest("id:a"): 1}
    assert store.outbox.counts() == {"log": {DeliveryState.PENDING: 1}, "mail": {DeliveryState.PENDING: 1}}


def test_content_comes_back_as_it_went_in(store: Store) -> None:
    one = item("a", "naïve ✓ \x00\ud800 text", tags=("x", "y"), extra={"n": 1, "deep": {"list": [1, "two"]}})
    poll(store, added(one))
    (entry,) = store.entries.newest(["blog"])
    assert entry.content == "<p>naïve ✓  text</p>"
    assert (entry.tags, entry.extra, entry.published) == (one.tags, one.extra, one.published)
    assert entry.first_seen == NOW


def test_a_key_that_two_entries_share_names_neither(store: Store) -> None:
    poll(store, added(item("a"), keys=("link:home",)), added(item("b"), keys=("link:home",)))
    assert store.sources.named("blog", [digest("link:home")]) == {digest("link:home"): None}
    poll(store, added(item("c"), keys=("link:home",)))
    assert store.sources.named("blog", [digest("link:home")]) == {digest("link:home"): None}


def test_a_poll_whose_lease_was_lost_stores_nothing(store: Store) -> None:
    claimed(store)
    store.sources.release_all()
    claimed(store, lease="somebody else's")
    with pytest.raises(LeaseLostError):
        store.sources.commit([Poll(source="blog", lease=LEASE, at=NOW, next_poll=NOW, added=(added(item("a")),))])
    assert list(store.entries.newest(["blog"])) == []


def test_a_claimed_source_is_free_again_after_its_lease(store: Store) -> None:
    claimed(store)
    assert store.sources.claim(["blog"], "other", at(minutes=9), at(minutes=4)) == {}
    assert "blog" in store.sources.claim(["blog"], "other", at(minutes=9), at(minutes=6))


def test_an_edit_keeps_the_former_revision(store: Store) -> None:
    poll(store, added(item("a", "old")))
    new = item("a", "new")
    edit = EditedEntry(
        pk=1, revision=2, content=new, sort_at=NOW, edit=EditKind.TEXT, revised=True, restored=False,
        fingerprints=fingerprints(new, trusted_dates=False), keys=(),
    )  # fmt: skip
    poll(store, edited=(edit,))
    (entry,) = store.entries.newest(["blog"])
    assert (entry.content, entry.revision) == ("<p>new</p>", 2)
    assert store.sources.contents([1])[1].revised_at == NOW


def test_a_withdrawn_entry_leaves_the_lists_and_is_still_known(store: Store) -> None:
    poll(store, added(item("a")), added(item("b")))
    poll(store, withdrawn=(WithdrawnEntry(pk=1, revision=2, deliveries=(Planned(sink="log", key="k"),)),))
    assert [entry.id for entry in store.entries.newest(["blog"])] == ["b"]
    assert store.sources.states()["blog"].entries == 1
    assert store.sources.known("blog", [1])[1].withdrawn
    assert store.outbox.listed([DeliveryState.PENDING])[0].change == "withdrawn"


def test_entries_come_newest_first_and_equal_dates_by_id(store: Store) -> None:
    many = [item(f"{n:03}", published=NOW - timedelta(days=n // 2)) for n in range(450)]
    poll(store, *[added(one) for one in reversed(many)])
    assert [entry.id for entry in store.entries.newest(["blog"])] == [one.id for one in many]


def test_deliveries_are_claimed_oldest_first_and_each_once(store: Store) -> None:
    poll(store, added(item("a"), "log"), added(item("b"), "log"), added(item("c"), "other"))
    first = claim(store, "log", "w", at(minutes=2), NOW)
    second = claim(store, "log", "w", at(minutes=2), NOW)
    assert first is not None
    assert second is not None
    assert (first.entry.id, second.entry.id, first.attempts) == ("a", "b", 1)
    assert claim(store, "log", "w", at(minutes=2), NOW) is None


def test_only_the_claimer_marks_a_delivery(store: Store) -> None:
    poll(store, added(item("a"), "log"))
    delivery = claim(store, "log", "mine", at(minutes=2), NOW)
    assert delivery is not None
    with pytest.raises(LeaseLostError):
        store.outbox.mark([delivery.pk], "another's", DeliveryState.SENT, NOW)
    store.outbox.mark([delivery.pk], "mine", DeliveryState.SENT, NOW)
    assert store.outbox.counts() == {"log": {DeliveryState.SENT: 1}}


def test_what_a_dead_process_was_sending_is_pending_again(store: Store) -> None:
    poll(store, added(item("a"), "log"))
    claim(store, "log", "dead", at(minutes=2), NOW)
    assert store.outbox.recover(at(minutes=1)) == 1
    again = claim(store, "log", "w", at(minutes=3), at(minutes=1))
    assert again is not None
    assert again.attempts == 1  # a try that nobody saw the end of does not count


def test_a_delivery_that_waits_lets_the_next_go_first(store: Store) -> None:
    poll(store, added(item("a"), "log"), added(item("b"), "log"))
    poison = claim(store, "log", "w", at(minutes=2), NOW)
    assert poison is not None
    store.outbox.mark(
        [poison.pk], "w", DeliveryState.PENDING, NOW, not_before=at(hours=1), error="500", delivered=["x"]
    )
    following = claim(store, "log", "w", at(minutes=2), NOW)
    assert following is not None
    assert following.entry.id == "b"
    waiting = store.outbox.listed([DeliveryState.PENDING])[0]
    assert (waiting.error, waiting.delivered) == ("500", frozenset({"x"}))


def test_moving_by_hand_keeps_to_what_may_follow(store: Store) -> None:
    poll(store, added(item("a"), "log"), added(item("b"), "log"))
    sent = claim(store, "log", "w", at(minutes=2), NOW)
    assert sent is not None
    store.outbox.mark([sent.pk], "w", DeliveryState.SENT, NOW)
    assert store.outbox.move(DeliveryState.DROPPED, NOW) == 1
    assert store.outbox.move(DeliveryState.PENDING, NOW) == 0
    assert store.outbox.counts() == {"log": {DeliveryState.SENT: 1, DeliveryState.DROPPED: 1}}


def test_a_copy_is_worked_on_without_consequence(store: Store, tmp_path: Path) -> None:
    poll(store, added(item("a")))
    copy = Store.open_copy(tmp_path / "state" / "feedbot.db")
    poll(copy, added(item("b")))
    assert len(list(copy.entries.newest(["blog"]))) == 2
    assert len(list(store.entries.newest(["blog"]))) == 1
