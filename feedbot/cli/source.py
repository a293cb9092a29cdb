"""feedbot source: one source at a time, its state and its switch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context
from feedbot.cli.naming import names_of

if TYPE_CHECKING:
    from feedbot.core.history import Past
    from feedbot.model import SourceState
    from feedbot.settings import Configuration

_SHOWN_POLLS = 12
_MOMENTS = ("last_poll", "next_poll", "not_before")


@click.group(cls=Group)
def source() -> None:
    """Look at sources, or care for one."""


@source.command("list", cls=Command)
@click.pass_obj
def list_sources(context: Context) -> None:
    """List the sources of the configuration."""
    from feedbot.core.dates import in_words, parse_date
    from feedbot.message.terminal import fit, inert, width
    from feedbot.settings.show import redacted

    configuration = context.load()
    states = _states(context, configuration)
    tables = redacted(configuration)["sources"]
    described = {name: _described(table, states.get(name)) for name, table in tables.items()}
    if context.json:
        context.answer({"sources": described})
        return
    now = context.now()

    def age(text: str | None) -> str:
        return in_words(parse_date(text) if text else None, now)

    head = ["source", "type", "state", "entries", "last poll", "next poll", "reads"]
    rows = [
        [name, s["type"], s["state"], str(s["entries"]), age(s["last_poll"]), age(s["next_poll"]), inert(s["place"])]
        for name, s in described.items()
    ]
    widths = [max(width(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        context.say("  ".join(fit(cell, wide) for cell, wide in zip(row, widths, strict=True)).rstrip())


@source.command(cls=Command)
@click.argument("name", shell_complete=names_of("sources"))
@click.pass_obj
def show(context: Context, name: str) -> None:
    """Show the settings of a source, how it is doing, and how its last polls went."""
    from feedbot.core.dates import rfc3339
    from feedbot.settings.show import redacted

    configuration = context.load()
    _demand(configuration, name)
    state, history = _known(context, configuration, name)
    validators = state.memory.validators if state else None
    settings = redacted(configuration)["sources"][name]
    described = {
        "source": name,
        **_described(settings, state),
        "title": state.title if state else "",
        "link": state.link if state else "",
        "etag": validators.etag if validators else "",
        "last_modified": validators.last_modified if validators else "",
        "not_before": rfc3339(state.not_before) if state and state.not_before else None,
        "problems": [str(problem) for problem in (state.problems if state else ())],
        "history": [_past(past) for past in history],
        "settings": settings,
    }
    if context.json:
        context.answer(described)
        return
    now = context.now()
    for line in (*_lines(described, now), *_polls(described["history"], now)):
        context.say(line)


@source.command(cls=Command)
@click.argument("name", shell_complete=names_of("sources"))
@click.pass_context
def poll(ctx: click.Context, name: str) -> int:
    """Run this source now, due or not."""
    from feedbot.cli.run import run
    from feedbot.errors import UsageError

    context = ctx.find_object(Context)
    assert context is not None
    configuration = context.load()
    _demand(configuration, name)
    if configuration.sources[name].paused:
        raise UsageError(f'the source "{name}" is paused', f"feedbot source resume {name}")
    code: int = ctx.invoke(run, sources=(name,), force=True)
    return code


@source.command(cls=Command)
@click.argument("name", shell_complete=names_of("sources"))
@click.pass_obj
def pause(context: Context, name: str) -> None:
    """Leave a source alone from now on: it is not polled, and its entries stay."""
    _switch(context, name, paused=True)


@source.command(cls=Command)
@click.argument("name", shell_complete=names_of("sources"))
@click.pass_obj
def resume(context: Context, name: str) -> None:
    """Poll a paused source again."""
    _switch(context, name, paused=False)


@source.command(cls=Command)
@click.argument("name", shell_complete=names_of("sources"))
@click.pass_obj
def reset(context: Context, name: str) -> None:
    """Have a source read anew at the next run; its entries stay known, and none is announced again."""
    from feedbot.locking import run_lock

    configuration = context.load()
    _demand(configuration, name)
    with run_lock(configuration.state):
        store = context.open_store(configuration, writable=True)
        try:
            known = store.sources.reset(name)
        finally:
            store.close()
    if context.json:
        context.answer({"source": name, "reset": known})
    elif not context.quiet:
        context.say(f'"{name}" is read anew at the next run' if known else f'"{name}" was never polled')


def _switch(context: Context, name: str, *, paused: bool) -> None:
    from feedbot.settings.edit import ConfigFile

    path, _ = context.find()
    file = ConfigFile.read(path, os.environ)
    _demand(file.checked(os.environ), name)
    changed = file.with_paused(name, paused)
    if changed.changed:
        changed.checked(os.environ)
        changed.write()
    word = "paused" if paused else "polled"
    if context.json:
        context.answer({"source": name, "paused": paused, "changed": changed.changed})
    elif not context.quiet:
        context.say(f'"{name}" is {word} from now on' if changed.changed else f'"{name}" is {word} already')


def _demand(configuration: Configuration, name: str) -> None:
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion

    if name not in configuration.sources:
        raise UsageError(f'there is no source named "{name}"', suggestion(name, list(configuration.sources)))


def _states(context: Context, configuration: Configuration) -> Mapping[str, SourceState]:
    """What is known of sources: nothing where there is no state yet."""
    if not context.has_state(configuration):
        return {}
    store = context.open_store(configuration)
    try:
        return store.sources.states()
    finally:
        store.close()


def _known(context: Context, configuration: Configuration, name: str) -> tuple[SourceState | None, list[Past]]:
    """What is known of one source, and how its last polls went."""
    if not context.has_state(configuration):
        return None, []
    store = context.open_store(configuration)
    try:
        return store.sources.states().get(name), store.sources.history(name)
    finally:
        store.close()


def _past(past: Past) -> dict[str, Any]:
    """One poll, for programs."""
    from feedbot.core.dates import rfc3339

    return {
        "at": rfc3339(past.at),
        "outcome": past.outcome,
        "status": past.status or None,
        "seconds": past.seconds,
        "bytes": past.size,
        "new": past.new,
        "updated": past.updated,
        "withdrawn": past.withdrawn,
    }


def _polls(history: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[str]:
    """The last polls as a table."""
    from feedbot.core.dates import in_words, parse_date

    if not history:
        return
    yield ""
    row = "{:<12} {:<13} {:>4} {:>9} {:>10} {:>5} {:>8} {:>10}".format
    yield row("polled", "outcome", "http", "took", "bytes", "new", "updated", "withdrawn")
    for past in history[:_SHOWN_POLLS]:
        when, took = in_words(parse_date(past["at"]), now), f"{past['seconds'] * 1000:.0f} ms"
        counted = (past["new"], past["updated"], past["withdrawn"])
        yield row(when, past["outcome"], past["status"] or "", took, past["bytes"] or "", *counted)
    if len(history) > _SHOWN_POLLS:
        yield f"and {len(history) - _SHOWN_POLLS} before them (--json has them)"


def _described(settings: Mapping[str, Any], state: SourceState | None) -> dict[str, Any]:
    """A source in a few words: its settings are such as may be shown."""
    from feedbot.core.dates import rfc3339

    word = "new" if state is None or state.last_poll is None else "ok"
    if state is not None and state.failures:
        word = "gone" if state.gone else "failing"
    return {
        "type": settings["type"],
        "place": str(settings.get("url") or settings.get("path") or ""),
        "state": "paused" if settings["paused"] else word,
        "entries": state.entries if state else 0,
        "failures": state.failures if state else 0,
        "last_poll": rfc3339(state.last_poll) if state and state.last_poll else None,
        "next_poll": rfc3339(state.next_poll) if state and state.next_poll else None,
        "error": state.error if state else None,
    }


def _lines(described: Mapping[str, Any], now: datetime) -> Iterator[str]:
    from feedbot.core.dates import parse_date, told
    from feedbot.message.terminal import inert
    from feedbot.settings.show import as_toml

    for key in ("source", "type", "title", "link", "state", "entries", "failures", "last_poll", "next_poll",
                "not_before", "etag", "last_modified", "error"):  # fmt: skip
        value = described[key]
        if value not in (None, ""):
            value = told(parse_date(value), now) if key in _MOMENTS else value
            yield f"{key.replace('_', ' ') + ':':<14} {inert(str(value))}"
    for problem in described["problems"]:
        yield f"{'problem:':<14} {inert(problem)}"
    yield ""
    only = {"sources": {described["source"]: described["settings"]}}
    toml = as_toml({"feedbot": {}, "feeds": {}, "sinks": {}, "routes": [], **only})
    yield from toml.partition("\n")[2].strip("\n").split("\n")
