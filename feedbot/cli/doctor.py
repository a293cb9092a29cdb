"""feedbot doctor: whether all that feedbot needs is there, from the Python to the hosts of sources and sinks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from feedbot.cli.commands import Command
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.cli.examine import Examination
    from feedbot.core.checkup import Finding
    from feedbot.settings import Configuration

_SECONDS = 8.0  # that a host may take to answer
IN_ALL = 20.0  # seconds for all hosts together
_MOST_HOSTS = 40
_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


@click.command(cls=Command)
@click.option("--offline", is_flag=True, help="Ask no host.")
@click.pass_obj
def doctor(context: Context, offline: bool) -> int:
    """Look whether all is there that feedbot needs, and say what to do where it is not.

    Nothing is polled, sent or changed. Leaves with 2 where the configuration stands in the way, with 5 where the
    state does, with 4 for a sink, 3 for a source, and 0 where there is no problem.
    """
    from feedbot.core.checkup import exit_code

    findings = _findings(context, offline)
    if context.json:
        counted = Counter(str(finding.verdict) for finding in findings)
        context.answer(
            {
                "findings": [{key: str(value) for key, value in asdict(f).items() if key != "code"} for f in findings],
                **{f"{verdict}s" if verdict != "ok" else "ok": counted[verdict] for verdict in _MARKS},
            }
        )
    else:
        show(context, findings)
    return exit_code(findings)


def _findings(context: Context, offline: bool) -> list[Finding]:
    from feedbot.cli import examine
    from feedbot.cli.reach import local

    found = list(examine.program(os.environ))
    configuration, told = _configuration(context)
    found += told
    if configuration is None:
        return found
    ahead: list[timedelta] = []
    examinations: dict[str, Examination] = {
        name: partial(look, configuration)
        for name, look in (
            ("extras", examine.extras),
            ("state", examine.state),
            ("output", examine.output),
            ("tls", examine.tls),
            ("git", examine.git),
            ("sinks", local),
        )
    }
    examinations["schedule"] = partial(examine.schedule, configuration, context.now())
    if not offline:
        examinations |= hosts(configuration, ahead)
    found += examine.side_by_side(examinations, IN_ALL)
    # Only by now is it known what the servers' clocks say.
    last: dict[str, Examination] = {"clock": lambda: [examine.time(configuration, context.now(), ahead)]}
    return [*found, *examine.side_by_side(last, _SECONDS)]


def _configuration(context: Context) -> tuple[Configuration | None, list[Finding]]:
    """The configuration, if it can be used, and what is to be said of it."""
    import sys

    from feedbot.core.checkup import CONFIGURATION, Finding, problem, warning
    from feedbot.errors import ConfigError, FeedbotError
    from feedbot.message.terminal import counted
    from feedbot.parts import Parts

    topic = "configuration"
    try:
        path, why = context.find()
        configuration = context.load(thorough=True, telling=False)
        Parts(configuration, out=sys.stderr).check()
    except ConfigError as error:
        told = [problem(topic, f"{each.where}: {each.message}", each.hint, CONFIGURATION) for each in error.problems]
        return None, told or [problem(topic, error.message, error.hint, CONFIGURATION)]
    except FeedbotError as error:
        return None, [problem(topic, error.message, error.hint, CONFIGURATION)]
    kinds = (("source", configuration.sources), ("feed", configuration.feeds), ("sink", configuration.sinks))
    counts = ", ".join(counted(len(table), kind, f"{kind}s") for kind, table in kinds)
    warnings = [warning(topic, f"{each.where}: {each.message}", each.hint) for each in configuration.warnings]
    return configuration, [Finding(topic, f"{path} ({why}): {counts}"), *warnings]


def hosts(configuration: Configuration, ahead: list[timedelta]) -> dict[str, Examination]:
    """How to find out whether each host of a source or a sink answers; how far its clock is ahead goes to ``ahead``."""
    from feedbot.cli.reach import places, reached
    from feedbot.core.checkup import Finding
    from feedbot.parts import open_client

    client = open_client(configuration)
    found = places(configuration)
    patience = min(_SECONDS, configuration.feedbot.timeout.total_seconds())
    made: dict[str, Examination] = {
        f"{place.topic} ({place.host}:{place.port})": partial(reached, place, client, patience, ahead)
        for place in found[:_MOST_HOSTS]
    }
    if len(found) > _MOST_HOSTS:
        rest = [Finding("network", f"{len(found) - _MOST_HOSTS} more hosts were not asked")]
        made["network"] = lambda: rest
    return made


def show(context: Context, findings: Sequence[Finding]) -> None:
    """Print what was found, with what to do about it, and how much of it is bad."""
    from feedbot.message.terminal import counted, inert

    shown = [finding for finding in findings if finding.verdict != "ok" or not context.quiet]
    wide = max((len(finding.topic) for finding in shown), default=0)
    for finding in shown:
        mark, colour = _MARKS[finding.verdict]
        context.say(f"{context.style(mark, fg=colour)} {finding.topic:<{wide}}  {inert(finding.text)}")
        if finding.hint:
            context.say(f"  {'':<{wide}}  {inert(finding.hint)}")
    if not context.quiet:
        numbers = Counter(str(finding.verdict) for finding in findings)
        problems = counted(numbers["problem"], "problem", "problems")
        context.say(f"{problems}, {counted(numbers['warning'], 'warning', 'warnings')}")
