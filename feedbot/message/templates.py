"""Templates of messages: the shipped ones, and the operator's own in their place.

An own template can fail or never end, so it is rendered by a process that can be ended (:mod:`feedbot.message.helper`);
the shipped one then takes its place, and what was wrong is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedbot.core.text import one_line, shorten

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from feedbot.processes import Helpers

NAMES = ("mail.txt", "mail.html", "digest.txt", "digest.html", "chat.txt")
"""The templates that there are; the file of each ends in ".j2"."""

FOLDER = "templates"
SHIPPED = "shipped"
"""Before its name and a slash: how an own template extends or includes a shipped one."""

SECONDS = 5.0
MAX_TEXT = 4_000_000
"""How long an own template may take, and how many characters it may make."""

Report = Callable[[str], None]


class TemplateFailedError(Exception):
    """An own template made no text: ``what`` is wrong with it and ``why``, in words that follow its name.

    ``line`` is where it is wrong, 0 where that is not known.
    """

    def __init__(self, what: str, why: str = "", line: int = 0) -> None:
        super().__init__(": ".join(part for part in (what, f"line {line}" if line else "", why) if part))
        self.what = ": ".join(part for part in (what, why) if part)
        self.line = line


class TemplateEndlessError(TemplateFailedError):
    """The process that rendered an own template had to be ended."""


class Templates:
    """What renders the messages of a sink. Own templates lie in ``folders``, the first one that has it counting.

    One that never ends is tried once: a digest would wait for it at each of its entries.
    """

    def __init__(self, folders: Sequence[Path] = (), report: Report = lambda _problem: None) -> None:
        self._folders = tuple(folders)
        self._report = report
        self._own: dict[str, Path | None] = {}
        self._endless: set[str] = set()

    @classmethod
    def of(cls, folder: Path, sink: str, kind: str, report: Report) -> Templates:
        """Those of a sink: below the configuration's folder, under its name, else under its type."""
        return cls((folder / FOLDER / sink, folder / FOLDER / kind), report)

    def own(self, name: str) -> Path | None:
        """The operator's own file of a template, or None where the shipped one is used."""
        if name not in self._own:
            found = (path for folder in self._folders if (path := folder / f"{name}.j2").is_file())
            self._own[name] = next(found, None)
        return self._own[name]

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Make a text of a template; ``values`` are plain data as JSON has it."""
        path = self.own(name)
        if path is not None and name not in self._endless:
            try:
                return rendered(path, values, self._folders)
            except TemplateFailedError as error:
                self._failed(name, error)
                self._report(f"the template {path} {error}; the shipped one was used")
        return _shipped_environment().get_template(f"{name}.j2").render(values)

    def line(self, text: str, what: str, values: Mapping[str, Any]) -> str:
        """One line made of a template that a key of the configuration holds; "" where it fails."""
        if what in self._endless:
            return ""
        try:
            return one_line(_asked({"text": text, "html": False, "folders": [], "values": values})[:10_000])
        except TemplateFailedError as error:
            self._failed(what, error)
            self._report(f"the template in {what} {error}; the usual text was used")
            return ""

    def _failed(self, name: str, error: TemplateFailedError) -> None:
        if isinstance(error, TemplateEndlessError):
            self._endless.add(name)


def rendered(path: Path, values: Mapping[str, Any], folders: Sequence[Path]) -> str:
    """Render the template in a file. Raises TemplateFailedError where it cannot be read, fails or does not end."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise TemplateFailedError("cannot be read", (reason or "unknown reason").lower()) from error
    question = {"text": text, "html": path.name.endswith(".html.j2"), "folders": [str(f) for f in folders]}
    return _asked({**question, "values": values})


def shipped(name: str) -> str:
    """The source of a shipped template."""
    from importlib.resources import files

    return (files("feedbot.message") / FOLDER / f"{name}.j2").read_text("utf-8")


def environment(folders: Sequence[str], *, html: bool | None = None) -> ImmutableSandboxedEnvironment:
    """Where templates are read from and how they are written. ``html`` says whether one without a name is HTML."""
    from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, PrefixLoader
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    ours = PackageLoader("feedbot.message")
    return ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([PrefixLoader({SHIPPED: ours}), FileSystemLoader(folders), ours]),
        autoescape=lambda name: bool(html) if name is None else name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def check(text: str) -> None:
    """Raises ValueError, with the line, where a text is no template."""
    from jinja2 import TemplateSyntaxError

    try:
        environment(()).parse(text)
    except TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from error


def _asked(question: Mapping[str, Any]) -> str:
    try:
        answer = json.loads(_helpers().ask(json.dumps(question).encode(), SECONDS))
    except TimeoutError:
        raise TemplateEndlessError(f"did not end within {SECONDS:g} s") from None
    except EOFError:
        raise TemplateEndlessError("took too much memory") from None
    except OSError as error:
        raise TemplateFailedError("cannot be rendered", str(error.strerror or error)) from error
    if "what" in answer:
        why, line = shorten(one_line(answer.get("why", "")), 300), answer.get("line", 0)
        raise TemplateFailedError(answer["what"], why, line)
    return str(answer["text"])


@cache
def _helpers() -> Helpers:
    from feedbot.processes import Helpers

    return Helpers("feedbot.message.helper")


@cache
def _shipped_environment() -> ImmutableSandboxedEnvironment:
    found = environment(())
    found.auto_reload = False  # they do not change while feedbot runs
    return found
