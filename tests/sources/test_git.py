"""What a git repository elsewhere is read for, from a real server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from feedbot.errors import SourceError
from feedbot.sources.posts.git import Access, Blob, Past, Repository
from tests.support.git import BEGUN, Blog, Made, Served, git_server

EACH, TOTAL = 1_000_000, 10_000_000


class Place(Served):
    """A blog of two posts."""

    def open(self, name: str = "blog.git", branch: str = "", **options: object) -> Repository:
        access = Access(ca_file=self.ca_file, allow_private=("127.0.0.1",))
        options = {"access": access, **options}
        return Repository(self.server.url(name), self.folder, branch=branch, **options)  # type: ignore[arg-type]

    def texts(self, repository: Repository, path: str = "") -> dict[str, bytes]:
        """What the newest commit holds, by name."""
        head = repository.head()
        found = repository.read(repository.files(head, path), each=EACH, total=TOTAL)
        return {blob.name: content for blob, content in found}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA, ca_file: Path) -> Place:
    """The blog that all tests begin with, and a clone that was read once."""
    folder = tmp_path_factory.mktemp("made")
    blog = Blog(folder / "blog.git")
    blog.commit({"posts/a/index.md": "first", "posts/b.md": "second", "README.md": "about"}, onto="")
    with git_server(folder, authority) as server:
        place = Place(blog, server, folder / "clone", ca_file)
        place.texts(place.open())
    return place


@pytest.fixture
def fresh(tmp_path: Path, authority: trustme.CA, made: Place) -> Iterator[Place]:
    """A blog that was never read."""
    blog = made.blog.copy(tmp_path / "served" / "blog.git")
    with git_server(tmp_path / "served", authority) as server:
        yield Place(blog, server, tmp_path / "state" / "blog", made.ca_file)


@pytest.fixture
def place(fresh: Place, made: Place) -> Place:
    """A blog that was read as it is."""
    shutil.copytree(made.folder, fresh.folder)
    return fresh


def names(blobs: tuple[Blob, ...]) -> list[str]:
    return [blob.name for blob in blobs]


def test_the_files_of_the_newest_commit_are_listed_and_read(fresh: Place) -> None:
    repository = fresh.open()

    head = repository.head()
    files = repository.files(head, "posts")

    assert head == fresh.blog.head()
    assert names(files) == ["a/index.md", "b.md"]
    assert [(blob.size, blob.mode) for blob in files] == [(None, "100644")] * 2
    assert dict(repository.read(files, each=EACH, total=TOTAL)) == {files[0]: b"first", files[1]: b"second"}
    assert [blob.size for blob in repository.files(head, "posts")] == [5, 6]


def test_a_poll_without_change_asks_for_references_and_nothing_else(place: Place) -> None:
    place.server.spent()

    repository = place.open()
    repository.fetch(repository.head())

    asked = [(one.method, one.path.rpartition("/")[2]) for one in place.server.asked]
    assert asked == [("GET", "refs?service=git-upload-pack"), ("POST", "git-upload-pack")]


def test_only_what_changed_is_fetched_and_all_of_it_in_one_request(place: Place) -> None:
    long = {f"posts/{number}.md": f"{number} " * 5000 for number in range(20)}
    place.blog.commit(long)
    repository = place.open()
    place.texts(repository)
    place.server.spent()

    place.blog.commit({"posts/3.md": "edited", "posts/4.md": "too"})
    texts = place.texts(repository)

    assert texts["posts/3.md"] == b"edited"
    assert texts["posts/5.md"] == b"5 " * 5000
    requests, sent = place.server.spent()
    assert requests == 6  # references, the commit with its trees, the two contents: each with a greeting
    assert sent < 4000


def test_an_untouched_folder_keeps_the_id_of_its_tree(place: Place) -> None:
    repository = place.open()
    before = repository.tree(repository.head(), "posts/")

    place.blog.commit({"README.md": "about something else"})
    after = repository.tree(repository.head(), "./posts")

    assert before == after != repository.tree(repository.head())


def test_the_main_branch_is_followed_when_it_is_renamed(place: Place) -> None:
    repository = place.open()
    repository.head()

    place.blog.git("branch", "-m", "main", "trunk")
    place.blog.branch = "trunk"
    place.blog.commit({"posts/c.md": "third"})

    assert "posts/c.md" in place.texts(repository)


def test_a_branch_may_be_chosen(place: Place) -> None:
    main = place.blog.head()
    place.blog.branch = "drafts/next"
    place.blog.commit({"only.md": "here"}, onto=main)

    assert "only.md" in place.texts(place.open(branch="drafts/next"))
    assert "only.md" not in place.texts(place.open(branch="main"))


def test_a_branch_that_is_not_there_is_told_with_those_that_are(place: Place) -> None:
    with pytest.raises(SourceError, match='has no branch "mian"') as raised:
        place.open(branch="mian").head()
    assert raised.value.hint == "there are main"


@pytest.mark.parametrize("branch", ["--upload-pack=x", "a b", "main^{tree}", "a..b", "x*", "/main"])
def test_what_is_no_name_of_a_branch_is_refused(place: Place, branch: str) -> None:
    with pytest.raises(SourceError, match="no name of a branch"):
        place.open(branch=branch).head()


def test_a_folder_that_is_not_there_is_told_with_those_that_are(place: Place) -> None:
    repository = place.open()
    head = repository.head()

    for path, hint in (("post", "there are posts"), ("content", "there are posts"), ("posts/b.md", "set path")):
        with pytest.raises(SourceError) as raised:
            repository.tree(head, path)
        assert raised.value.hint.startswith(hint)
    with pytest.raises(SourceError, match="leads out"):
        repository.files(head, "../posts")


def test_an_empty_repository_has_no_commit_yet(place: Place, tmp_path: Path) -> None:
    Blog(tmp_path / "served" / "empty.git")
    with pytest.raises(SourceError, match="has no commit yet"):
        place.open("empty.git").head()


def test_a_forced_push_is_followed(place: Place) -> None:
    repository = place.open()

    place.blog.commit({"posts/new.md": "begun anew"}, onto="")

    assert place.texts(repository) == {"posts/new.md": b"begun anew"}


def test_a_repository_that_was_deleted_and_made_again_is_read(place: Place, tmp_path: Path) -> None:
    repository = place.open()
    place.blog.folder.rename(tmp_path / "away")
    with pytest.raises(SourceError, match="there is no git repository at"):
        repository.head()

    again = Blog(place.blog.folder)
    again.commit({"posts/again.md": "hello again"}, onto="")

    assert place.texts(repository) == {"posts/again.md": b"hello again"}


def test_a_file_that_is_too_large_is_left_out_and_no_other(fresh: Place) -> None:
    import random

    noise = random.Random(1).randbytes(3_000_000)
    fresh.blog.commit({"posts/film.md": noise, **{f"posts/{n}.md": f"text {n}" for n in range(7)}})
    repository = fresh.open(max_bytes=2_000_000)

    texts = fresh.texts(repository, "posts")

    assert set(texts) == {"a/index.md", "b.md", *(f"{n}.md" for n in range(7))}


def test_all_files_together_are_bounded(place: Place) -> None:
    repository = place.open()
    files = repository.files(repository.head())
    with pytest.raises(SourceError, match="more than"):
        list(repository.read(files, each=EACH, total=10))


def test_one_content_under_several_names_is_read_for_each(fresh: Place) -> None:
    fresh.blog.commit({"x.md": "same", "y.md": "same"})
    texts = fresh.texts(fresh.open())
    assert texts["x.md"] == texts["y.md"] == b"same"


def test_links_are_told_by_their_mode_and_submodules_left_out(place: Place) -> None:
    place.blog.commit({"posts/link.md": "->../README.md"})
    place.blog.git(
        "fast-import", "--quiet", "--done",
        data=b"commit refs/heads/main\ncommitter C <c@x.example> 1800000000 +0000\ndata 1\nx\n"
        b"from refs/heads/main^0\nM 160000 %s theme\ndone\n" % place.blog.head().encode(),
    )  # fmt: skip
    repository = place.open()
    files = repository.files(repository.head())
    assert {blob.name: blob.mode for blob in files if blob.mode != "100644"} == {"posts/link.md": "120000"}
    with pytest.raises(SourceError, match="submodule"):
        repository.tree(repository.head(), "theme")


def test_names_of_any_letters_are_read(fresh: Place) -> None:
    odd = {"posts/Grüße aus Köln.md": "a", 'posts/"quoted"\ttab.md': "b", "posts/line\nend.md": "c", "posts/*.md": "d"}
    fresh.blog.commit(odd)
    texts = fresh.texts(fresh.open())
    assert {name: texts[name] for name in odd} == {name: text.encode() for name, text in odd.items()}


def test_names_that_lead_out_of_the_folder_are_left_out(place: Place) -> None:
    blob = place.blog.git("hash-object", "-w", "--stdin", data=b"evil").strip()
    raw = b"".join(b"100644 %s\0" % name + bytes.fromhex(blob.decode()) for name in (b"..", b".git", b"ok.md"))
    tree = place.blog.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", data=raw).decode().strip()
    commit = (
        place.blog.git("-c", "user.name=x", "-c", "user.email=x@x.example", "commit-tree", "-m", "evil", tree)
        .decode()
        .strip()
    )
    place.blog.git("update-ref", "refs/heads/main", commit)
    repository = place.open()
    assert names(repository.files(repository.head())) == ["ok.md"]


def test_a_repository_of_sha256_ids_is_read(place: Place, tmp_path: Path) -> None:
    other = Blog(tmp_path / "served" / "long.git", object_format="sha256")
    other.commit({"a.md": "long ids"}, onto="")
    place.texts(place.open())
    assert place.texts(place.open("long.git")) == {"a.md": b"long ids"}


@pytest.mark.parametrize("version", [0, 2])
def test_a_server_that_knows_no_filters_sends_all(fresh: Place, version: int) -> None:
    fresh.blog.git("config", "uploadpack.allowFilter", "false")
    fresh.blog.git("config", "uploadpack.allowAnySHA1InWant", "false")
    fresh.server.version = version
    repository = fresh.open()
    fresh.texts(repository)
    fresh.blog.commit({"posts/b.md": "edited"})
    assert fresh.texts(repository)["posts/b.md"] == b"edited"


# Moves and dates


def test_moved_files_are_told_without_fetching_anything(place: Place) -> None:
    repository = place.open()
    old = repository.head()
    repository.fetch(old)
    place.blog.commit({"posts/b.md": None, "posts/c/index.md": "second"})
    new = repository.head()
    repository.fetch(new)
    place.server.spent()

    assert repository.renames(old, new, "posts") == {"c/index.md": "b.md"}
    assert place.server.spent() == (0, 0)
    assert repository.renames(old, new) == {"posts/c/index.md": "posts/b.md"}


def test_a_file_that_was_moved_and_edited_is_known_by_its_likeness(place: Place) -> None:
    body = "".join(f"line {n}\n" for n in range(50))
    place.blog.commit({"posts/long.md": body})
    repository = place.open()
    place.texts(repository)
    old = repository.head()
    place.blog.commit({"posts/long.md": None, "posts/longer.md": body + "and one more\n"})
    new = repository.head()

    assert repository.renames(old, new, "posts") == {}  # its content is not here yet
    place.texts(repository)
    assert repository.renames(old, new, "posts") == {"longer.md": "long.md"}


def test_renames_from_a_commit_that_is_not_here_are_none(place: Place) -> None:
    repository = place.open()
    assert repository.renames("0" * 40, repository.head()) == {}


def test_dates_and_authors_of_files_come_from_the_history(place: Place) -> None:
    place.blog.commit({"posts/b.md": "edited"}, author="Someone Else <else@blog.example>")
    place.blog.commit({"posts/b.md": None, "posts/moved.md": "edited"})
    repository = place.open()
    repository.fetch(repository.head())

    dates = repository.history(repository.head(), "posts")

    assert set(dates) == {"a/index.md", "moved.md"}
    moved = dates["moved.md"]
    assert moved.first == BEGUN + timedelta(hours=1)
    assert moved.last == BEGUN + timedelta(hours=2)
    assert moved.author == "Robin Author"


def test_dates_are_kept_and_brought_up_to_date(place: Place) -> None:
    repository = place.open()
    repository.history(repository.head())
    place.server.spent()
    assert "posts/b.md" in place.open().history(place.blog.head())
    assert place.server.spent()[0] == 0

    place.blog.commit({"posts/b.md": "later"})
    dates = repository.history(repository.head(), "posts")
    assert dates["b.md"].last == BEGUN + timedelta(hours=2)
    assert dates["b.md"].first == dates["a/index.md"].last == BEGUN + timedelta(hours=1)


def test_dates_after_a_forced_push_are_those_of_the_new_history(place: Place) -> None:
    repository = place.open()
    repository.history(repository.head())
    place.blog.commit({"posts/b.md": "second"}, onto="")
    dates = repository.history(repository.head(), "posts")
    assert dates["b.md"].first == BEGUN + timedelta(hours=2)


def test_dates_of_what_came_by_a_merge_are_those_of_its_own_commit(place: Place) -> None:
    base = place.blog.head()
    place.blog.branch = "topic"
    topic = place.blog.commit({"posts/topic.md": "t"}, onto=base, author="Topic <t@blog.example>")
    place.blog.branch = "main"
    place.blog.commit({"posts/b.md": "meanwhile"})
    place.blog.merge(topic, {"posts/topic.md": "t"})
    repository = place.open()
    dates = repository.history(repository.head(), "posts")
    assert (dates["topic.md"].first, dates["topic.md"].author) == (BEGUN + timedelta(hours=2), "Topic")


def test_commits_are_listed_from_one_to_another_along_the_main_line(place: Place) -> None:
    first = place.blog.head()
    place.blog.branch = "topic"
    topic = place.blog.commit({"t.md": "t"}, onto=first)
    place.blog.branch = "main"
    middle = place.blog.commit({"m.md": "m"}, "mending")
    merged = place.blog.merge(topic, {"t.md": "t"})
    repository = place.open()

    commits = repository.commits(first, merged)

    assert [commit.id for commit in commits] == [first, middle, merged]
    assert (commits[1].subject, commits[1].author, commits[1].date) == (
        "mending", "Robin Author", BEGUN + timedelta(hours=3),
    )  # fmt: skip
    assert [commit.id for commit in repository.commits("", merged)] == [first, middle, merged]
    assert repository.resolve(merged, "HEAD~1") == middle
    assert repository.resolve(merged, first[:9]) == first
    for revision in ("nothing", "--all"):
        with pytest.raises(SourceError, match="there is no commit"):
            repository.resolve(merged, revision)
    with pytest.raises(SourceError, match="is not in the history"):
        repository.commits(topic, middle)


def test_the_past_holds_at_each_commit_what_the_repository_does(place: Place) -> None:
    place.blog.commit({"posts/b.md": "edited", "posts/link.md": "->b.md", "posts/c.md": "third"})
    place.blog.commit({"posts/b.md": None, "posts/d.md": "edited"})
    last = place.blog.commit({"posts/c.md": None, "film.mp4": "moving"})
    repository = place.open()
    commits = repository.commits("", last)
    past = Past(repository, commits)

    for number, commit in enumerate(commits):
        assert past.switch(commit.id) is (number > 0)
        there = repository.files(commit.id)
        assert [(blob.name, blob.id, blob.mode) for blob in past.files(past.head())] == [
            (blob.name, blob.id, blob.mode) for blob in there
        ]
        contents = dict(repository.read(there, each=EACH, total=TOTAL))
        assert [text for _, text in past.read(past.files(commit.id), each=EACH, total=TOTAL)] == list(contents.values())
    assert past.renames(commits[1].id, commits[2].id, "posts") == {"d.md": "b.md"}
    assert past.renames(commits[0].id, commits[1].id) == {}
    past.close()


# Damage and company


@pytest.mark.parametrize("what", ["pack", "HEAD", "shallow", "objects", "all"])
def test_a_damaged_clone_is_made_anew(place: Place, what: str) -> None:
    clone = place.folder / "clone.git"
    if what == "pack":
        for pack in (clone / "objects" / "pack").glob("*.pack"):
            pack.chmod(0o600)
            raw = bytearray(pack.read_bytes())
            raw[20:30] = bytes(byte ^ 255 for byte in raw[20:30])
            pack.write_bytes(raw)
    elif what == "objects":
        for file in (clone / "objects" / "pack").glob("*"):
            file.unlink()
    elif what == "all":
        for file in [*clone.rglob("*")]:
            if file.is_file():
                file.chmod(0o600)
                file.write_bytes(b"\0 nonsense")
    else:
        (clone / what).write_bytes(b"nonsense")

    place.blog.commit({"posts/b.md": "edited"})
    assert place.texts(place.open())["posts/b.md"] == b"edited"


def test_locks_that_a_killed_git_left_are_removed(place: Place) -> None:
    clone = place.folder / "clone.git"
    left = [clone / "shallow.lock", clone / "refs/heads/feedbot.lock", clone / "objects/pack/tmp_pack_x"]
    for file in left:
        file.write_bytes(b"")
    place.blog.commit({"posts/b.md": "edited"})

    assert place.texts(place.open())["posts/b.md"] == b"edited"
    assert not any(file.exists() for file in left)


def test_a_clone_of_many_fetches_is_made_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedbot.sources.posts.git.clone.MAX_PACKS", 3)
    repository = place.open()
    for number in range(6):
        place.blog.commit({"posts/b.md": f"edition {number}"})
        assert place.texts(repository)["posts/b.md"] == f"edition {number}".encode()
    assert len(list((place.folder / "clone.git/objects/pack").glob("*.pack"))) <= 5


def test_two_processes_read_one_clone(fresh: Place) -> None:
    fresh.blog.commits([Made({f"posts/{number}.md": f"text {number}"}) for number in range(20)])
    program = (
        "import sys; from pathlib import Path; from feedbot.sources.posts.git import *\n"
        "repository = Repository(sys.argv[1], Path(sys.argv[2]),"
        " access=Access(ca_file=Path(sys.argv[3]), allow_private=('127.0.0.1',)))\n"
        "for _ in range(3):\n"
        "    files = repository.files(repository.head())\n"
        "    print(len(list(repository.read(files, each=10**6, total=10**7))))\n"
    )
    arguments = [fresh.server.url("blog.git"), str(fresh.folder), str(fresh.ca_file)]
    runs = [
        subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [run.communicate(timeout=60)[0].split() for run in runs] == [["23"] * 3] * 2
