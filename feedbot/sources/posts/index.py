"""What is remembered of each file of a blog, so that what did not change need not be read again."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from feedbot.model import Problem

Kind = Literal["post", "draft", "other", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of a file as it was when it was read last; ``digest`` is of its content.

    ``asked`` are the questions that its rendering hung on. In seconds since 1970, ``due`` is the date of a post
    that was still to come, and ``ends`` when one is published no longer.
    """

    stamp: str
    settled: bool
    digest: str
    kind: Kind
    url: str = ""
    own_id: str = ""
    due: float | None = None
    ends: float | None = None
    asked: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An image that posts show: the name of its copy, as long as its stamp is this one."""

    stamp: str
    settled: bool
    name: str


@dataclass(frozen=True, kw_only=True)
class Index:
    """What one reading of a blog leaves for the next. ``answers`` are those to all questions of all posts."""

    files: Mapping[str, Record] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, Copy] = field(default_factory=dict)
    told: str = ""
    """A digest of the problems told of."""

    @property
    def wake(self) -> float | None:
        """When the next post becomes due or ends, in seconds since 1970."""
        times = (time for record in self.files.values() for time in (record.due, record.ends) if time is not None)
        return min(times, default=None)

    def packed(self) -> str:
        """The index as one text, small enough to be kept in the state."""
        numbers = {question: number for number, question in enumerate(self.answers)}
        files = [
            [name, r.stamp, int(r.settled), r.digest, r.kind, r.url, r.own_id, r.due, r.ends,
             [numbers[question] for question in r.asked], [[p.where, p.message, p.hint] for p in r.problems]]
            for name, r in self.files.items()
        ]  # fmt: skip
        copies = [[name, copy.stamp, int(copy.settled), copy.name] for name, copy in self.copies.items()]
        text = json.dumps([files, list(self.answers.items()), copies, self.told], separators=(",", ":"))
        return base64.b64encode(zlib.compress(text.encode(), 1)).decode("ascii")


def unpacked(text: str) -> Index:
    """The index that was packed as ``text``; an empty one of an empty text."""
    if not text:
        return Index()
    files, answers, copies, told = json.loads(zlib.decompress(base64.b64decode(text)))
    questions = [question for question, _ in answers]
    return Index(
        files={
            name: Record(
                stamp=stamp,
                settled=bool(settled),
                digest=digest,
                kind=kind,
                url=url,
                own_id=own_id,
                due=due,
                ends=ends,
                asked=tuple(questions[number] for number in asked),
                problems=tuple(Problem(*problem) for problem in problems),
            )
            for name, stamp, settled, digest, kind, url, own_id, due, ends, asked, problems in files
        },
        answers=dict(answers),
        copies={name: Copy(stamp=stamp, settled=bool(sure), name=asset) for name, stamp, sure, asset in copies},
        told=told,
    )
