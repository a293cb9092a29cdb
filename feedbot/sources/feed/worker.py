"""Reads a feed in a process of its own, which can be ended: a thread cannot, and some feeds are made to be slow.

The process is asked with a JSON object on one line, behind which stands the text, and answers with a JSON object. It
limits its own memory and computing time, so that it ends by itself should feedbot be killed.
"""

from __future__ import annotations

import json
from datetime import datetime
from math import ceil
from typing import Any

from msgspec import to_builtins
from msgspec.structs import asdict

from feedbot.errors import SourceError
from feedbot.model import Author, Enclosure, Item
from feedbot.processes import Helpers, serve
from feedbot.sources.feed import reading
from feedbot.sources.feed.parsed import Parsed

MAX_MEMORY = 1_000_000_000
"""Bytes of addresses, of which less than a tenth are taken before a feed is read."""
MAX_ANSWER = 100_000_000
HELPERS = Helpers(__name__)
"""The processes of this program that read feeds, whatever sources these belong to; none is started before its time."""
_SLOW = "it is too large, or made to be slow"
_GREEDY = "reading it takes too much memory"


def read(task: reading.Task, seconds: float) -> Parsed:
    """Read a document in another process, which is killed after ``seconds``, and else serves for the next one.

    Raises SourceError for what the process does, and where it takes too much time or memory.
    """
    question = {"url": task.url, "now": task.now.isoformat(), "memory": dict(task.memory), "by_id": task.by_id}
    head = json.dumps({**question, "seconds": ceil(seconds)})
    try:
        answer = HELPERS.ask(_encoded(f"{head}\n{task.text}"), seconds)
    except TimeoutError:
        raise SourceError(f"reading it takes more than {seconds:.3g} s", _SLOW) from None
    except EOFError:
        raise SourceError("the process that read it ended without a word", _SLOW) from None
    except OSError as error:
        raise SourceError(f"no process can be started to read it: {error.strerror or error}") from error
    return parsed_of(json.loads(_decoded(answer)))


def answered(question: bytes) -> bytes:
    """What the process says to a question."""
    head, _, text = question.partition(b"\n")
    asked: dict[str, Any] = json.loads(_decoded(head))
    _limit(asked["seconds"])
    try:
        answer = _encoded(json.dumps(_answer(asked, _decoded(text)), ensure_ascii=False))
        if len(answer) > MAX_ANSWER:
            raise MemoryError
    except MemoryError:
        answer = _encoded(json.dumps({"error": _GREEDY, "hint": _SLOW}))
    return answer


def parsed_of(answer: dict[str, Any]) -> Parsed:
    """What was read, as it was before it became JSON. Raises the SourceError that is told instead."""
    if "error" in answer:
        raise SourceError(answer["error"], answer["hint"])
    values = {
        **answer,
        "items": tuple(_item(item) for item in answer["items"]),
        "notes": tuple(answer["notes"]),
        "standing": frozenset(answer["standing"]),
    }
    return Parsed(**values)


def as_json(parsed: Parsed) -> dict[str, Any]:
    """What was read, as JSON takes it."""
    return {**asdict(parsed), "items": [_plain(item) for item in parsed.items], "standing": sorted(parsed.standing)}


def _answer(question: dict[str, Any], text: str) -> dict[str, Any]:
    now = datetime.fromisoformat(question["now"])
    task = reading.Task(text=text, url=question["url"], now=now, memory=question["memory"], by_id=question["by_id"])
    try:
        parsed = reading.read(task, watched=True)
    except SourceError as error:
        return {"error": error.message, "hint": error.hint}
    assert parsed is not None  # as it is watched
    return as_json(parsed)


def _plain(item: Item) -> dict[str, Any]:
    values: dict[str, Any] = to_builtins(item)
    return values


def _item(values: dict[str, Any]) -> Item:
    for name in ("published", "updated"):
        values[name] = values[name] and datetime.fromisoformat(values[name])
    values["authors"] = [Author(**author) for author in values["authors"]]
    values["enclosures"] = [Enclosure(**enclosure) for enclosure in values["enclosures"]]
    frozen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return Item(**frozen)


def _limit(seconds: int) -> None:
    """Limit this process, where the system knows how to: its memory, and the computing time of the next answer."""
    try:
        import resource
    except ImportError:  # on Windows
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    until = ceil(usage.ru_utime + usage.ru_stime) + seconds
    limits = ((resource.RLIMIT_CPU, until), (resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_CORE, 0))
    for what, most in limits:
        try:
            resource.setrlimit(what, (most, resource.getrlimit(what)[1]))
        except (ValueError, OSError):  # a lower limit stands already, or the system knows no such limit
            continue


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


if __name__ == "__main__":
    serve(answered)
