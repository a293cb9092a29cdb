"""What the global options ask for, and what every command needs of it."""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click
from msgspec.structs import asdict

from feedbot.cli.logs import formatter, is_read_by_programs
from feedbot.core.text import redacted
from feedbot.errors import ConfigError, FeedbotError

if TYPE_CHECKING:
    from feedbot.settings import Configuration
    from feedbot.store.store import Store

log = logging.getLogger("feedbot")


class Context:
    """The global options, wherever on the command line they stood. ``run`` tells this process from others in logs."""

    def __init__(self) -> None:
        self.config: Path | None = None
        self.verbose = 0
        self.quiet = False
        self.json = False
        self.no_color = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        self.log_format = "auto"
        self.run = os.urandom(2).hex()
        self._secrets: frozenset[str] = frozenset()

    def start(self) -> None:
        """Set up logging as the options say; called once they are all read."""
        level = {0: logging.WARNING, 1: logging.INFO}.get(self.verbose, logging.DEBUG)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(formatter(self.log_format, self.run, self.redact))
        log.handlers[:] = [handler]
        if not logging.root.handlers:  # what libraries have to say is written in the same way
            logging.root.addHandler(handler)
        log.setLevel(logging.ERROR if self.quiet else level)
        log.propagate = False

    def tell_work(self) -> None:
        """Have the log tell what is done, as it is all that a command says which keeps running."""
        if not self.quiet:
            log.setLevel(min(log.level, logging.INFO))
        for handler in log.handlers:
            handler.setFormatter(formatter(self.log_format, self.run, self.redact, timed=True))

    def find(self) -> tuple[Path, str]:
        """The configuration file, and what named it."""
        from feedbot.settings import find_config

        try:
            here = Path.cwd()
        except OSError:  # it was removed: a file that is named in full can be used still
            here = Path()
        return find_config(self.config, os.environ, here)

    def load(self, *, thorough: bool = False, telling: bool = True) -> Configuration:
        """Read the configuration, ``telling`` warnings on stderr. Raises ConfigError.

        ``thorough``: a path that leads nowhere is a problem too, of which a run would only tell.
        """
        from feedbot.settings import load

        if not gc.get_freeze_count():
            gc.freeze()  # what is imported by now stays, and is not looked through again and again
            gc.set_threshold(50_000, 20, 20)
        path, _ = self.find()
        configuration = load(path, os.environ, thorough=thorough)
        self._secrets = configuration.secrets
        for warning in configuration.warnings if telling else ():
            self.warn(str(warning))
        return configuration

    def open_store(self, configuration: Configuration, *, writable: bool = False) -> Store:
        """Open the state for a look at it, or to change it; it must be there already."""
        from feedbot.store.store import Store

        if writable:
            return Store.open(configuration.state, create=False)
        return Store.open_to_read(configuration.state)

    def has_state(self, configuration: Configuration) -> bool:
        """Whether there is a state to look at."""
        if isinstance(configuration.state, Path):
            return configuration.state.exists()
        from feedbot.store.store import Store

        return Store.exists(configuration.state)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def say(self, text: str = "") -> None:
        """Write a line of the result to stdout. Raises OutputError."""
        print(self.redact(text), flush=True)

    def answer(self, document: dict[str, Any]) -> None:
        """Write the result as one JSON document to stdout."""
        self.say(json.dumps(document, ensure_ascii=False, indent=2))

    def tell(self, text: str) -> None:
        """Write a line for a person to stderr, asked for or not."""
        print(self.redact(text), file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Write a warning for a person to stderr."""
        if is_read_by_programs(self.log_format):
            log.warning("%s", text)
        elif not self.quiet:
            self.tell(self._styled("warning: ", sys.stderr, fg="yellow") + text)

    def fail(self, error: FeedbotError) -> None:
        """Tell what went wrong and what to do about it, on stderr; with --json on stdout too."""
        problems = error.problems if isinstance(error, ConfigError) else ()
        further = [*map(str, problems), *([error.hint] if error.hint else [])]
        if is_read_by_programs(self.log_format):
            log.error("%s", "; ".join([error.message, *further]))
        else:
            begin = self._styled("error: ", sys.stderr, fg="red")
            self.tell("\n  ".join([begin + error.message, *further]))
        if self.json:
            told = [asdict(problem) for problem in problems]
            self.answer({"error": error.message, "hint": error.hint, "problems": told})

    def log_fault(self, error: Exception) -> None:
        """Keep the details of a fault of feedbot's own for whoever asks for them."""
        log.debug("fault", exc_info=error)

    def style(self, text: str, **how: Any) -> str:
        """Text for stdout, in colour where somebody sees it."""
        return self._styled(text, sys.stdout, **how)

    def redact(self, text: str) -> str:
        """Text without any secret of the configuration."""
        return redacted(text, self._secrets)

    def _styled(self, text: str, stream: TextIO, **how: Any) -> str:
        return text if self.no_color or not stream.isatty() else click.style(text, **how)


def remembered(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """A click callback that keeps an option in the Context, if it was given."""

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source is not click.core.ParameterSource.DEFAULT:
            setattr(context.find_object(Context), name, value)

    return keep
