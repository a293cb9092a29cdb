"""Makes a document of what changed in a blog since it was read last: the rest of its posts stand as they are known.

A post hangs on more than its own file: on the addresses of posts it links to, on images beside it, on what is known
of its authors. It asks for these while it is rendered, and is rendered again as soon as an answer is another one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from feedbot.core.text import one_line
from feedbot.model import Document, Problem
from feedbot.sources.posts import authors, cascade
from feedbot.sources.posts.answers import Answers
from feedbot.sources.posts.index import Copy, Index, Record
from feedbot.sources.posts.press import Plan, Press, Sheet, broken
from feedbot.sources.posts.tree import MAX_AUTHOR, MAX_POST, Found, Tree

MANY = 300
"""Posts from which on they are rendered in several processes."""
LARGE = 200_000
"""Bytes from which on a post is rendered in a process that can be ended."""
_ROUNDS = 5
_ENTRIES = ("post", "broken")
"""The kinds of files whose entries stand."""

Progress = Callable[[int, int], None]


class Reading(Struct, frozen=True, kw_only=True):
    """What reading a blog gave. ``whole``: everything could be opened, so that it need not be tried again.

    ``beside`` are the images that posts show from outside of their folder, with the marks that they had.
    """

    document: Document
    index: Index
    beside: Mapping[str, str]
    whole: bool


def read_blog(
    tree: Tree,
    plan: Plan,
    index: Index,
    now: datetime,
    *,
    former: Callable[[], Mapping[str, str]] = dict,
    progress: Progress = lambda _done, _all: None,
) -> Reading:
    """Read and render the posts that changed since ``index`` was made. What cannot be read stands as it is known.

    ``plan`` needs no authors yet. ``former`` tells the former names of posts that were renamed, once
    these are read; it is asked only where a name came.
    """
    read = dict(tree.read(tree.authors, MAX_AUTHOR))
    known, author_problems = authors.load(tree.authors, lambda file: _or_raise(read[file]))
    data, data_copies = cascade.load(tree, index)
    blog = _Blog(tree, replace(plan, known=known, data=data), index, data_copies)
    blog.compare(now)
    blog.render(progress)
    come = any(file.name not in index.files for file in tree.posts)
    return blog.reading(now, author_problems, former() if come else {})


class _Blog:
    """One reading of a blog: what is known of each of its files, and what the posts that changed gave."""

    def __init__(self, tree: Tree, plan: Plan, index: Index, data_copies: Mapping[str, Copy]) -> None:
        self._tree = tree
        self._plan = plan
        self._index = index
        self._data_copies = data_copies
        self._files = {file.name: file for file in tree.posts}
        self._records: dict[str, Record] = {}
        self._sheets: dict[str, Sheet] = {}
        self._digests: dict[str, str] = {}
        self._unread: dict[str, Problem] = {}
        self._pending: dict[str, None] = {}
        self._answers = Answers(tree, plan.known, plan.data, index.copies)

    def compare(self, now: datetime) -> None:
        """Tell apart what is as it was read last from what is to be read."""
        doubtful: list[Found] = []
        for file in self._tree.posts:
            record = self._index.files.get(file.name)
            if record is None:
                self._pending[file.name] = None
            elif record.due is not None or (record.ends is not None and record.ends <= now.timestamp()):
                self._pending[file.name] = None  # what is scheduled is told of at every poll until its date has come
            elif record.stamp == file.stamp and record.settled:
                self._records[file.name] = record
            elif self._tree.exact:
                self._pending[file.name] = None
            else:
                doubtful.append(file)
        for file, data in self._tree.read(doubtful, MAX_POST):
            record = self._index.files[file.name]
            if isinstance(data, bytes) and _digest(data) == record.digest:
                self._records[file.name] = record._replace(stamp=file.stamp, settled=file.settled)
            else:
                self._pending[file.name] = None
        self._pending.update(dict.fromkeys(self._newly_told_of()))

    def render(self, progress: Progress) -> None:
        """Render what is to be, and again what hangs on what came out."""
        self._answers.learn(self._records, self._index.answers)
        for _ in range(_ROUNDS):
            if self._pending:
                for number, sheet in enumerate(self._rendered(tuple(self._pending)), start=1):
                    self._sheets[sheet.name] = sheet
                    progress(number, len(self._pending))
                for name in self._pending:
                    self._records.pop(name, None)
                    if name in self._sheets:
                        self._records[name] = self._record(self._sheets[name])
                self._answers.learn(self._records, (q for sheet in self._sheets.values() for q in sheet.asked))
            self._pending = dict.fromkeys((*self._stale(), *self._namesakes()))
            if not self._pending:
                return

    def reading(self, now: datetime, author_problems: Sequence[Problem], former: Mapping[str, str]) -> Reading:
        """What is told of the blog, and remembered of it."""
        problems = [Problem(name, reason) for name, reason in self._tree.refused.items()]
        standing = set(self._tree.refused) | self._unread.keys()
        items = []
        places: dict[str, str] = {}
        counts = Counter(record.kind for record in self._records.values())
        owners = Counter(record.own_id for record in self._records.values())
        broken: list[Problem] = []
        for name in self._files:
            if name in self._unread:
                problems.append(self._unread[name])
                continue
            record, sheet = self._records[name], self._sheets.get(name)
            (broken if record.kind == "broken" else problems).extend(record.problems)
            if sheet is not None and sheet.item is not None:
                was = former.get(name)
                moved = was and was not in self._files
                item = sheet.item
                if record.own_id and owners[record.own_id] > 1:  # names neither of them, so that their files do
                    item = replace(item, keys=tuple(key for key in item.keys if not key.startswith("id:")))
                items.append(replace(item, keys=(*item.keys, f"path:{was}")) if moved else item)
                due = item.published
                if due is not None and due > now:
                    self._records[name] = record._replace(due=due.timestamp())
                    places[item.id] = f"{name}:{sheet.date_line}"
            elif record.kind in _ENTRIES:
                standing.add(name)
        # Where only some are shown, what keeps a post out comes before what is shown otherwise than meant.
        stuck = (record.asked for record in self._records.values() if record.kind == "broken")
        problems = [*self._plan.data.problems(stuck), *broken, *author_problems, *_shared(self._records), *problems]
        asked = {question for record in self._records.values() for question in record.asked}
        answers = {question: self._answers.get(question) for question in sorted(asked)}
        index = Index(
            files={name: self._records[name] for name in self._files if name in self._records},
            answers=answers,
            copies={**self._answers.copies(answers), **self._data_copies},
            told=_digest("\n".join(map(str, problems)).encode()),
        )
        same = not self._sheets and index.told == self._index.told and index.files.keys() == self._index.files.keys()
        # A file that cannot be read may be any post, so that all that is there has to be looked at.
        certain = not (counts["broken"] or self._unread)
        gone = frozenset(f"path:{name}" for name in self._gone(standing)) if certain else None
        document = Document(
            items=tuple(items),
            not_modified=same,
            complete=True,
            trusted_dates=True,
            standing=frozenset(f"path:{name}" for name in standing),
            gone=gone,
            problems=tuple(problems),
            notes=(_note(counts["post"], counts["draft"]),),
            assets=self._answers.exported(answers),
            places=places,
            link=self._plan.site.address,
        )
        whole = not self._unread and len(self._data_copies) == len(self._plan.data.texts)
        return Reading(document=document, index=index, beside=self._answers.beside(answers), whole=whole)

    def _gone(self, standing: Set[str]) -> Iterator[str]:
        """The posts of the last reading that are there no longer, or are no posts any more."""
        there = standing | {name for name, sheet in self._sheets.items() if sheet.item is not None}
        return (name for name, record in self._index.files.items() if record.kind in _ENTRIES and name not in there)

    def _rendered(self, names: Sequence[str]) -> Iterator[Sheet]:
        files = [self._files[name] for name in names]
        large = [file for file in files if file.size > MAX_POST]
        for file in large:
            reason = f"it is larger than {MAX_POST // 1_000_000} MB"
            self._digests[file.name] = file.stamp
            yield broken(file.name, Problem(f"{file.name}:1", reason, "leave it out with files"))
        files = [file for file in files if file.size <= MAX_POST]
        press: Press | None = None

        def here(job: tuple[Found, bytes, Mapping[str, str]]) -> Sheet:
            nonlocal press
            press = press or Press(self._plan)
            return press.sheet(job[0], job[1], self._answers.get)

        jobs = self._jobs(files)
        if len(files) >= MANY or any(file.size >= LARGE for file in files):
            from feedbot.sources.posts import workers  # most polls need no other process

            yield from workers.sheets(jobs, self._plan, here)
        else:
            yield from map(here, jobs)

    def _jobs(self, files: Iterable[Found]) -> Iterator[tuple[Found, bytes, Mapping[str, str]]]:
        """The posts with their content, and the answers that they asked for before."""
        for file, data in self._tree.read(files, MAX_POST):
            if isinstance(data, OSError):
                self._unread[file.name] = Problem(file.name, f"it cannot be read: {data.strerror}")
                continue
            self._digests[file.name] = _digest(data)
            asked: Iterable[str] = ()
            if file.name in self._sheets:
                asked = self._sheets[file.name].asked
            elif file.name in self._index.files:
                asked = self._index.files[file.name].asked
            yield file, data, {question: self._answers.get(question) for question in asked}

    def _record(self, sheet: Sheet) -> Record:
        file = self._files[sheet.name]
        # Posts that wait for their data file, maybe all of a blog, keep the addresses that others link to, and images.
        former = self._index.files.get(sheet.name) if sheet.kind == "broken" and not sheet.problems else None
        return Record(
            stamp=file.stamp,
            settled=file.settled,
            digest=self._digests[sheet.name],
            kind=sheet.kind,
            url=sheet.url or (former.url if former else ""),
            own_id=sheet.own_id or (former.own_id if former else ""),
            ends=sheet.ends.timestamp() if sheet.ends else None,
            asked=tuple(dict.fromkeys((*sheet.asked, *(former.asked if former else ())))),
            problems=sheet.problems,
        )

    def _newly_told_of(self) -> Iterator[str]:
        """Posts of which a data file tells that was not there at the last reading."""
        data = self._plan.data
        new = data.texts.keys() - self._index.copies.keys()
        if new:
            yield from (name for name in self._records if not new.isdisjoint(data.of(name)))

    def _stale(self) -> Iterator[str]:
        """Posts that were rendered with other answers than there are now."""
        then = self._index.answers
        other = {question for question, answer in then.items() if self._answers.get(question) != answer}
        for name, record in self._records.items():
            sheet = self._sheets.get(name)
            if sheet is None:
                if other and not other.isdisjoint(record.asked):
                    yield name
            elif any(self._answers.get(question) != answer for question, answer in sheet.asked.items()):
                yield name

    def _namesakes(self) -> Iterator[str]:
        """Posts that have or had the same id of their own as another one: which of them counts is told anew."""
        names: dict[str, set[str]] = {}
        for files in (self._records, self._index.files):
            for name, record in files.items():
                if record.own_id:
                    names.setdefault(record.own_id, set()).add(name)
        for shared in names.values():
            if len(shared) > 1:
                yield from (name for name in shared if name in self._records and name not in self._sheets)


def _shared(records: Mapping[str, Record]) -> Iterator[Problem]:
    """Posts that say to be another one: both are kept, the later one is named."""
    first: dict[str, str] = {}
    urls = _repeated(record.url for record in records.values())
    ids = _repeated(record.own_id for record in records.values())
    doubtful = ((file, one) for file, one in records.items() if one.url in urls or one.own_id in ids)
    for file, record in sorted(doubtful):
        for what, value, hint in (
            ("address", record.url, "give one of them another slug"),
            ("id", record.own_id, "give one of them another id"),
        ):
            if value and first.setdefault(f"{what} {value}", file) != file:
                other = first[f"{what} {value}"]
                yield Problem(file, f"it has the same {what} as {other}: {one_line(value)}", hint)


def _repeated(values: Iterable[str]) -> Set[str]:
    """Those that are there more than once, and not empty."""
    return {value for value, number in Counter(values).items() if number > 1 and value}


def _note(posts: int, drafts: int) -> str:
    note = f"{posts} post" + ("" if posts == 1 else "s")
    return f"{note}, {drafts} draft{'' if drafts == 1 else 's'} skipped" if drafts else note


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def _or_raise(data: bytes | OSError) -> bytes:
    if isinstance(data, OSError):
        raise data
    return data
