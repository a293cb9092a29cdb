"""Knows what posts ask for while they are rendered: addresses of other posts, copies of images, authors, data."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping

from feedbot.sources.posts import authors
from feedbot.sources.posts.cascade import Cascade
from feedbot.sources.posts.index import Copy, Record
from feedbot.sources.posts.press import about_author
from feedbot.sources.posts.tree import MAX_IMAGE, Found, Tree


class Answers:
    """Answers what the posts of a blog ask: "" where there is no answer, or none yet."""

    def __init__(self, tree: Tree, known: authors.Directory, data: Cascade, copies: Mapping[str, Copy]) -> None:
        self._tree = tree
        self._known = known
        self._data = data
        self._former = copies
        self._copies: dict[str, Copy] = {}
        self._commits: Mapping[str, str] = {}
        self._images: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._records: Mapping[str, Record] = {}
        self._addresses: _Addresses | None = None

    def learn(self, records: Mapping[str, Record], questions: Iterable[str]) -> None:
        """Learn the addresses of posts, and look for whatever else these questions ask for."""
        questions = tuple(questions)
        self._records = records
        self._addresses = None
        if not self._commits and any(question.startswith("commits:") for question in questions):
            self._commits = {
                name: f"{first.isoformat()} {last.isoformat()} {author}"
                for name, (first, last, author) in self._tree.commits().items()
            }
        self._look([name for name in _images(questions) if name not in self._images])

    def get(self, question: str) -> str:
        kind, _, name = question.partition(":")
        if kind == "commits":
            return self._commits.get(name, "")
        if kind in ("post", "name"):
            if self._addresses is None:
                self._addresses = _Addresses(self._records)
            return self._addresses.at(name) if kind == "post" else self._addresses.named(name)
        if kind == "author":
            return about_author(self._known.get(name))
        if kind == "data":
            return self._data.texts.get(name, "")
        if name not in self._images and self._tree.near:
            self._look([name])
        return self._images.get(name, "")

    def beside(self, questions: Iterable[str]) -> Mapping[str, str]:
        """The images outside of the posts' folder, or missing, that these questions ask for, with their marks."""
        return {name: self._marks[name] for name in _images(questions) if name in self._marks}

    def copies(self, questions: Iterable[str]) -> Mapping[str, Copy]:
        """The images that these questions ask for, as they are remembered."""
        return {name: self._copies[name] for name in _images(questions) if name in self._copies}

    def exported(self, questions: Iterable[str]) -> Mapping[str, str]:
        """The files to publish, by the name of the copy."""
        images: dict[str, Found] = {}
        for name, copy in self.copies(questions).items():
            image = self._tree.beside(name)
            if isinstance(image, Found):
                images[copy.name] = image
        return self._tree.export(images)

    def _look(self, names: Iterable[str]) -> None:
        """Find the name of the copy of each image, or after "!" why there is none, in words."""
        unread: list[Found] = []
        for name in dict.fromkeys(names):
            if name not in self._tree.images:
                self._marks[name] = self._tree.mark(name)
            image = self._tree.beside(name)
            former = self._former.get(name)
            if isinstance(image, str):
                self._images[name] = f"!{image}"
            elif former is not None and former.stamp == image.stamp and former.settled:
                self._learnt(former, name)
            elif image.size > MAX_IMAGE:
                self._images[name] = f"!is larger than {MAX_IMAGE // 1_000_000} MB"
            else:
                unread.append(image)
        for image, data in self._tree.read(unread, MAX_IMAGE):
            if isinstance(data, OSError):
                self._images[image.name] = f"!cannot be read: {data.strerror}"
                continue
            copy = hashlib.sha256(data).hexdigest()[:32] + posixpath.splitext(image.name)[1].lower()
            self._learnt(Copy(stamp=image.stamp, settled=image.settled, name=copy), image.name)

    def _learnt(self, copy: Copy, name: str) -> None:
        self._copies[name] = copy
        self._images[name] = copy.name


class _Addresses:
    """The addresses of posts, by the many ways in which other posts name them."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        self._at: dict[str, str] = {}
        self._last: dict[str, str] = {}
        for file, record in sorted(records.items()):
            if record.url:
                bare = posixpath.splitext(file)[0]
                folder = bare.removesuffix("/index")
                for name in (file, bare, folder):
                    self._at.setdefault(name, record.url)
                self._last.setdefault(posixpath.basename(folder).casefold(), record.url)

    def at(self, path: str) -> str:
        """The address of a post by its file, with and without the suffix, or by its folder if it has its own."""
        return self._at.get(path, "")

    def named(self, name: str) -> str:
        """The address of a post by the end of its path, or by its name alone."""
        steps = [step for step in name.split("/") if step not in ("", ".", "..")]
        for start in range(len(steps)):
            if found := self._at.get("/".join(steps[start:])):
                return found
        last = steps[-1].casefold() if steps else ""
        return self._last.get(last) or self._last.get(posixpath.splitext(last)[0], "")


def _images(questions: Iterable[str]) -> Iterator[str]:
    return (question.partition(":")[2] for question in questions if question.startswith("image:"))
