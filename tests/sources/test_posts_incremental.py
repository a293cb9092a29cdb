"""Of a blog that changed only what changed is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from feedbot.model import Document, Memory, Problem
from feedbot.sources.posts.index import Copy, Index, Record, unpacked
from feedbot.sources.posts.scan import read as read_file
from tests.sources.test_posts import SITE, post, source, write

LATER = datetime.now(UTC) + timedelta(hours=1)


class Blog:
    """A blog that remembers what the last poll of it left."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = settings
        self.memory = Memory()
        self.now = LATER

    def poll(self) -> Document:
        document = source(self.folder, **self.settings).poll(self.memory, self.now)
        self.memory = document.memory
        return document

    def read(self) -> set[str]:
        """The posts that a poll gave, by the last part of their address; nothing where it is not modified."""
        document = self.poll()
        assert not (document.not_modified and document.items)
        return {item.url.removeprefix(f"{SITE}/").rstrip("/") for item in document.items}


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.md", post())
    return Blog(tmp_path)


# --- what is read


def test_only_what_changed_is_read_and_the_rest_stands(blog: Blog) -> None:
    assert blog.read() == {"a", "b", "c"}

    write(blog.folder / "b.md", post(body="Other."))
    document = blog.poll()

    assert [item.url for item in document.items] == [f"{SITE}/b/"]
    assert document.standing == {"path:a.md", "path:c.md"}
    assert document.complete
    assert document.notes == ("3 posts",)


def test_what_was_taken_away_neither_comes_nor_stands(blog: Blog) -> None:
    blog.poll()
    (blog.folder / "b.md").unlink()
    write(blog.folder / "c.md", post("draft: true"))
    document = blog.poll()

    assert (document.items, document.not_modified) == ((), False)
    assert document.standing == {"path:a.md"}
    assert document.gone == frozenset({"path:b.md", "path:c.md"})


def test_what_is_gone_is_told_only_where_all_that_was_there_is_known(blog: Blog) -> None:
    assert blog.poll().gone is None  # nothing was known

    write(blog.folder / "d.md", post())
    assert blog.poll().gone == frozenset()

    (blog.folder / "d.md").unlink()
    (blog.folder / "d.md").symlink_to("/etc/hostname")
    assert blog.poll().gone == frozenset()  # it stands, though it cannot be read

    (blog.folder / "d.md").unlink()
    assert blog.poll().gone is None


def test_what_must_be_missed_several_times_is_told_by_what_stands(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post())
    blog = Blog(tmp_path, withdraw_after=2)
    blog.poll()
    write(tmp_path / "b.md", post())

    assert blog.poll().gone is None

    (tmp_path / "b.md").unlink()
    blog.poll()
    blog.memory = replace(blog.memory, digest="")  # as where something is missing and not withdrawn yet

    assert not blog.poll().not_modified


def test_a_touched_or_copied_file_is_not_rendered_again(blog: Blog) -> None:
    blog.poll()
    for file in sorted(blog.folder.iterdir()):
        data = file.read_bytes()
        file.unlink()
        file.write_bytes(data)
    document = blog.poll()

    assert document.not_modified
    assert document.memory.digest
    assert blog.poll().memory == document.memory


def test_a_blog_read_just_after_it_was_written_is_rendered_once(blog: Blog) -> None:
    blog.now = datetime.now(UTC)
    assert len(blog.read()) == 3

    blog.now = LATER

    assert blog.poll().not_modified


def test_an_edit_that_leaves_all_times_is_seen_beside_others(blog: Blog) -> None:
    blog.now = datetime.now(UTC)
    blog.poll()
    write(blog.folder / "a.md", post(body="Hallo."))

    assert blog.read() == {"a"}


def test_a_broken_post_stands_until_it_is_mended(blog: Blog) -> None:
    write(blog.folder / "b.md", "---\ntitle: [\n---\n")
    first = blog.poll()
    write(blog.folder / "a.md", post(body="Other."))
    second = blog.poll()
    write(blog.folder / "b.md", post())
    third = blog.poll()

    assert [problem.where for problem in first.problems] == [problem.where for problem in second.problems]
    assert "path:b.md" in second.standing
    assert [item.url for item in third.items] == [f"{SITE}/b/"]
    assert third.problems == ()


def test_a_problem_that_went_is_told_of_no_more(blog: Blog) -> None:
    write(blog.folder / "d.md", "---\ntitle: [\n---\n")
    assert len(blog.poll().problems) == 1
    (blog.folder / "d.md").unlink()
    document = blog.poll()

    assert (document.not_modified, document.problems) == (False, ())


def test_other_settings_read_all_anew(blog: Blog) -> None:
    blog.poll()
    blog.settings = {"permalink": "/x/{slug}/"}

    assert blog.read() == {"x/a", "x/b", "x/c"}


# --- what hangs on other files


def test_a_post_is_rendered_again_when_one_it_links_to_moves(blog: Blog) -> None:
    write(blog.folder / "a.md", post(body="[b](b.md) [later](later.md)"))
    blog.poll()

    write(blog.folder / "b.md", post("slug: moved"))
    moved = blog.poll()
    write(blog.folder / "later.md", post())
    there = blog.poll()

    assert {item.url for item in moved.items} == {f"{SITE}/a/", f"{SITE}/moved/"}
    assert f'href="{SITE}/moved/"' in moved.items[0].content
    assert f'href="{SITE}/later/"' in there.items[0].content


def test_posts_that_link_to_each_other_are_right_at_the_first_reading(blog: Blog) -> None:
    write(blog.folder / "a.md", post(body="[c](c.md)"))
    write(blog.folder / "c.md", post(body="[a](a.md)"))
    contents = [item.content for item in blog.poll().items]

    assert f'href="{SITE}/c/"' in contents[0]
    assert f'href="{SITE}/a/"' in contents[2]


def test_a_post_is_rendered_again_when_its_image_comes_changes_or_goes(blog: Blog) -> None:
    write(blog.folder / "a.md", post(body="![x](x.png)"))
    assert "does not exist" in blog.poll().problems[0].message

    write(blog.folder / "x.png", b"one")
    there = blog.poll()
    write(blog.folder / "x.png", b"another")
    other = blog.poll()
    (blog.folder / "x.png").unlink()
    gone = blog.poll()

    assert [[item.url for item in document.items] for document in (there, other, gone)] == [[f"{SITE}/a/"]] * 3
    assert (len(there.assets), there.problems) == (1, ())
    assert there.assets.keys() != other.assets.keys()
    assert 'src="x.png"' in gone.items[0].content


def test_an_image_outside_of_the_folder_of_posts_is_watched(tmp_path: Path) -> None:
    write(tmp_path / "content/posts/a.md", post(body="![x](../../x.png)"))
    write(tmp_path / "x.png", b"one")
    blog = Blog(tmp_path)
    first = blog.poll()
    assert blog.poll().not_modified

    write(tmp_path / "x.png", b"another")
    second = blog.poll()

    assert first.assets.keys() != second.assets.keys()
    assert second.items


def test_images_of_standing_posts_can_be_published_again(blog: Blog) -> None:
    write(blog.folder / "a.md", post(body="![x](x.png)"))
    write(blog.folder / "x.png", b"one")
    first = blog.poll()
    blog.memory = replace(blog.memory, digest="")
    again = blog.poll()

    assert again.not_modified
    assert again.assets == first.assets
    assert blog.poll().assets == {}


def test_only_the_posts_of_an_author_who_changed_are_rendered_again(blog: Blog) -> None:
    write(blog.folder / "a.md", post("author: Jo"))
    write(blog.folder / "b.md", post("author: Ann"))
    blog.poll()
    write(blog.folder / "content/authors/ann.json", '{"name": "Ann", "website": "https://ann.example"}')
    document = blog.poll()

    assert [item.url for item in document.items] == [f"{SITE}/b/"]
    assert document.items[0].authors[0].url == "https://ann.example"


def test_posts_that_share_an_id_are_told_apart_anew(blog: Blog) -> None:
    write(blog.folder / "a.md", post("id: same"))
    write(blog.folder / "c.md", post("id: same"))
    blog.poll()
    (blog.folder / "a.md").unlink()

    assert blog.read() == {"c"}


def test_a_post_whose_date_has_come_is_read_by_itself(blog: Blog) -> None:
    due = LATER + timedelta(hours=2)
    write(blog.folder / "b.md", f"---\ntitle: B\ndate: {due.isoformat()}\n---\n")
    assert len(blog.read()) == 3
    assert blog.poll().not_modified

    write(blog.folder / "a.md", post(body="Other."))
    assert blog.read() == {"a", "b"}
    blog.now = due
    assert blog.read() == {"b"}
    assert blog.poll().not_modified


# --- what it goes by


def test_an_index_is_unpacked_as_it_was_packed() -> None:
    problem = Problem("b.md:3", "its tags are a number", "write a list")
    files = {
        "a.md": Record("1.2.3.4", True, "d1", "post", "https://blog.example/a/", "own", 1.5, None, ("author:Jo",), ()),
        "b.md": Record("1.2.3.5", False, "d2", "broken", problems=(problem, Problem("b.md", "ünlesbar"))),
    }
    whole = Index(files=files, answers={"author:Jo": "Jo\n\n"}, copies={"x.png": Copy("1", True, "x1.png")}, told="t")
    back = unpacked(whole.packed())

    assert unpacked("") == Index() == unpacked(Index().packed())
    assert back.packed() == whole.packed()
    assert (back.files, back.copies, back.answers, back.told, back.wake) == (
        files,
        whole.copies,
        whole.answers,
        "t",
        1.5,
    )


@pytest.mark.parametrize("size", [0, 1, 20_000, 50_000])
def test_a_file_is_read_whole_as_far_as_it_may_be(tmp_path: Path, size: int) -> None:
    file = tmp_path / "a.md"
    file.write_bytes(b"x" * size)

    assert read_file(str(file), 50_000) == b"x" * size


def test_a_file_that_is_larger_than_it_may_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"x" * 20_001)

    with pytest.raises(OSError, match="larger than"):
        read_file(str(tmp_path / "a.md"), 20_000)
