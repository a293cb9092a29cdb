"""feedbot preview: what a source says now, read as if for the first time, with all that is odd about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.errors import FeedbotError, SourceError

if TYPE_CHECKING:
    from feedbot.model import Document, Item, Problem

_TITLE = 60  # columns


class UnreadableError(FeedbotError):
    """A source, or its history, cannot be read."""

    exit_code = 3


@click.command(cls=Command)
@click.option("--source", "name", metavar="NAME", required=True, help="The source to read.")
@click.option("--warnings", is_flag=True, help="Show only what is odd, each with its place.")
@click.pass_obj
def preview(context: Context, name: str, warnings: bool) -> None:
    """Read a source as if for the first time, and show what it says. Nothing is kept or announced."""
    import sys

    from feedbot.app import App

    app = App(context.load(), out=sys.stderr, clock=context.now)
    try:
        document = app.read(name)
    except SourceError as error:
        raise UnreadableError(error.message, error.hint) from error
    finally:
        app.close()
    told, others = _sorted(document)
    if context.json:
        described = [_described(item, found) for item, found in told if found or not warnings]
        context.answer(
            {
                "source": name,
                "notes": list(document.notes),
                "entries": described,
                "warnings": [asdict(problem) for problem in others],
            }
        )
        return
    for line in _lines(context, document, told, others, warnings=warnings):
        context.say(line)


def _sorted(document: Document) -> tuple[Sequence[tuple[Item, Sequence[Problem]]], Sequence[Problem]]:
    """The entries, each with what is odd about it; and what is odd beside them."""
    own: dict[int, list[Problem]] = {index: [] for index in range(len(document.items))}
    # A file is told as a path from the configuration's folder; entries have it from that of the posts.
    places = {key.removeprefix("path:"): i for i, item in enumerate(document.items) for key in item.keys[:2]}
    others: list[Problem] = []
    for problem in document.problems:
        file, _, line = problem.where.rpartition(":")
        steps = (file if line.isdigit() else problem.where).split("/")
        ends = ("/".join(steps[start:]) for start in range(len(steps)))
        index = next((places[end] for end in ends if end in places), None)
        (others if index is None else own[index]).append(problem)
    return [(item, own[index]) for index, item in enumerate(document.items)], others


def _lines(
    context: Context,
    document: Document,
    told: Sequence[tuple[Item, Sequence[Problem]]],
    others: Sequence[Problem],
    *,
    warnings: bool,
) -> Iterator[str]:
    from feedbot.message.terminal import counted, fit, inert

    for item, found in told:
        if warnings and not found:
            continue
        date = f"{item.published:%Y-%m-%d}" if item.published else " " * 10
        mark = f"  {counted(len(found), 'warning', 'warnings')}" if found else ""
        yield f"{date}  {fit(inert(item.title), _TITLE)}  {inert(item.url or item.id)}{mark}"
        if warnings:
            yield from (f"  {context.style('!', fg='yellow')} {inert(str(problem))}" for problem in found)
    yield from (f"{context.style('!', fg='yellow')} {inert(str(problem))}" for problem in others)
    number = sum(len(found) for _, found in told) + len(others)
    counts = [counted(len(told), "entry", "entries"), counted(number, "warning", "warnings")]
    yield " · ".join([*counts, *map(inert, document.notes)])


def _described(item: Item, found: Sequence[Problem]) -> Mapping[str, Any]:
    from feedbot.core.dates import rfc3339

    return {
        "id": item.id,
        "url": item.url,
        "title": item.title,
        "published": rfc3339(item.published) if item.published else None,
        "tags": list(item.tags),
        "summary": item.summary,
        "content": item.content,
        "warnings": [asdict(problem) for problem in found],
    }
