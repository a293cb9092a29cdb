"""What the global options ask for, and what every command needs of it."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedbot.errors import ConfigError, FeedbotError

if TYPE_CHECKING:
    from feedbot.settings import Configuration
    from feedbot.store.store import Store

log = logging.getLogger("feedbot")

_SHORTEST_SECRET = 4  # a shorter one would black out half of every text, and hide nothing


class Context:
    """The global options, wherever on the command line they stood."""

    def __init__(self) -> None:
        self.config: Path | None = None
        self.verbose = 0
        self.quiet = False
        self.json = False
        self.no_color = "NO_COLOR" in os.environ
        self.log_format = "auto"
        self._secrets: frozenset[str] = frozenset()

    def start(self) -> None:
        """Set up logging as the options say; called once they are all read."""
        level = {0: logging.WARNING, 1: logging.INFO}.get(self.verbose, logging.DEBUG)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(
            _JsonLines() if self.log_format == "json" else logging.Formatter("%(levelname)s %(message)s")
        )
        handler.addFilter(self._redacted)
        log.handlers[:] = [handler]
        log.setLevel(logging.ERROR if self.quiet else level)
        log.propagate = False

    def find(self) -> tuple[Path, str]:
        """The configuration file, and what named it."""
        from feedbot.settings import find_config

        return find_config(self.config, os.environ, Path.cwd())

    def load(self) -> Configuration:
        """Read the configuration, telling warnings on stderr. Raises ConfigError."""
        from feedbot.settings import load

        path, _ = self.find()
        configuration = load(path, os.environ)
        self._secrets = configuration.secrets
        for warning in configuration.warnings:
            self.warn(str(warning))
        return configuration

    def open_store(self, configuration: Configuration) -> Store:
        """Open the state for a look at it; it must be there already."""
        from feedbot.store.store import Store

        return Store.open(configuration.state_path, create=False)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def say(self, text: str = "") -> None:
        """Write a line of the result to stdout."""
        click.echo(self.redact(text), color=False if self.no_color else None)

    def answer(self, document: dict[str, Any]) -> None:
        """Write the result as one JSON document to stdout."""
        click.echo(self.redact(json.dumps(document, ensure_ascii=False, indent=2)))

    def warn(self, text: str) -> None:
        """Write a line for a person to stderr."""
        if not self.quiet:
            click.echo(self.redact(self.style("warning: ", fg="yellow") + text), err=True, color=self._color())

    def fail(self, error: FeedbotError) -> None:
        """Tell what went wrong and what to do about it, on stderr; with --json on stdout too."""
        problems = error.problems if isinstance(error, ConfigError) else ()
        lines = [self.style("error: ", fg="red") + error.message]
        lines += [f"  {problem}" for problem in problems]
        lines += [f"  {error.hint}"] if error.hint else []
        click.echo(self.redact("\n".join(lines)), err=True, color=self._color())
        if self.json:
            told = [asdict(problem) for problem in problems]
            self.answer({"error": error.message, "hint": error.hint, "problems": told})

    def log_fault(self, error: Exception) -> None:
        """Keep the details of a fault of feedbot's own for whoever asks for them."""
        log.debug("fault", exc_info=error)

    def style(self, text: str, **how: Any) -> str:
        return text if self.no_color else click.style(text, **how)

    def redact(self, text: str) -> str:
        """Text without any secret of the configuration."""
        for secret in self._secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text

    def _color(self) -> bool | None:
        return False if self.no_color else None

    def _redacted(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.redact(record.getMessage()), ()
        return True


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat()
        line = {"time": moment, "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def remembered(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """A click callback that keeps an option in the Context, if it was given."""

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source is not click.core.ParameterSource.DEFAULT:
            setattr(context.find_object(Context), name, value)

    return keep
