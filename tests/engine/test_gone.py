"""What a source says to be gone tells as much as all that it says to stand."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedbot.core.diff import Changes
from feedbot.engine.compare import compare
from feedbot.model import Document, EditKind
from feedbot.store.poll import AddedEntry, EditedEntry, Poll, WithdrawnEntry
from feedbot.store.store import Store
from tests.sources.test_posts import post, write
from tests.sources.test_posts_incremental import Blog
from tests.support.examples import examples

NAMES = ("a", "b", "c", "d")
"""Names of files, and ids and slugs that posts in them may give themselves."""
STEP = st.tuples(
    st.sampled_from(["write", "write", "remove", "draft", "break", "move"]),
    st.sampled_from(NAMES),
    st.sampled_from(["", *(f"id: {name}" for name in NAMES), *(f"slug: {name}" for name in NAMES)]),
    st.sampled_from(NAMES),
)


def do(folder: Path, step: tuple[str, str, str, str]) -> None:
    """Do with a file what a writer does."""
    kind, name, matter, other = step
    file = folder / f"{name}.md"
    if kind == "write":
        write(file, post(matter, body=f"Text {other}."))
    elif kind == "draft":
        write(file, post("draft: true"))
    elif kind == "break":
        write(file, "---\ntitle: [\n---\n")
    elif file.exists():
        file.rename(folder / f"{other}.md") if kind == "move" else file.unlink()


def as_found(changes: Changes) -> tuple[object, ...]:
    return changes.added, changes.edited, {known.pk for known in changes.withdrawn}, changes.learnt


def commit(store: Store, blog: Blog, changes: Changes) -> None:
    store.sources.claim(["blog"], "lease", blog.now, blog.now)
    added = tuple(
        AddedEntry(id=one.id, content=one.item, sort_at=blog.now, fingerprints=one.fingerprints, keys=one.keys.all)
        for one in changes.added
    )
    edited = tuple(
        EditedEntry(pk=one.known.pk, revision=one.known.revision + 1, content=one.item, sort_at=blog.now,
                    edit=EditKind.TEXT, revised=True, restored=one.known.withdrawn, fingerprints=one.fingerprints,
                    keys=one.keys.all)
        for one in changes.edited
    )  # fmt: skip
    gone = tuple(WithdrawnEntry(pk=known.pk, revision=known.revision + 1) for known in changes.withdrawn)
    learnt = tuple((pk, keys.all) for pk, keys in changes.learnt)
    poll = Poll(source="blog", lease="lease", at=blog.now, next_poll=blog.now, memory=blog.memory, added=added,
                edited=edited, withdrawn=gone, learnt=learnt)  # fmt: skip
    store.sources.commit([poll])


@examples(8)
@given(st.lists(st.lists(STEP, min_size=1, max_size=3), min_size=1, max_size=6))
def test_both_ways_find_the_same_changes(polls: list[list[tuple[str, str, str, str]]]) -> None:
    with TemporaryDirectory() as name:
        blog, store = Blog(Path(name) / "blog"), Store.open(Path(name) / "feedbot.db")
        write(blog.folder / "kept.md", post())
        for steps in polls:
            for step in steps:
                do(blog.folder, step)
            document: Document = blog.poll()
            if document.not_modified:
                continue
            found = compare(document, "blog", store.knowledge)
            assert as_found(found) == as_found(compare(replace(document, gone=None), "blog", store.knowledge))
            commit(store, blog, found)
        store.close()
