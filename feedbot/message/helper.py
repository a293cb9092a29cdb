"""Renders the operator's own templates, as a process of its own within limits: ``python -m feedbot.message.helper``."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from traceback import walk_tb
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError

from feedbot.message.templates import MAX_TEXT, environment
from feedbot.processes import serve

_MEMORY = 1_000_000_000  # bytes of addresses


def answer(question: bytes) -> bytes:
    """The text that a template makes, or what is wrong with it and in which line, as a JSON object."""
    asked = json.loads(question)
    said: dict[str, Any]
    try:
        said = {"text": _text(_template(asked["text"], asked["html"], tuple(asked["folders"])), asked["values"])}
    except TemplateSyntaxError as error:
        where = f"{error.name}: line {error.lineno}: " if error.name else ""  # in a file that it includes
        said = {"what": "is no template", "why": f"{where}{error.message}", "line": 0 if where else error.lineno}
    except TemplateError as error:
        said = {"what": "fails", "why": error.message or type(error).__name__, "line": _line(error)}
    except MemoryError:
        said = {"what": "takes too much memory"}
    except Exception as error:  # whatever an expression in it may raise
        said = {"what": "fails", "why": f"{type(error).__name__}: {error}", "line": _line(error)}
    return json.dumps(said).encode()


@lru_cache(maxsize=16)  # compiled once for many messages
def _template(text: str, html: bool, folders: tuple[str, ...]) -> Template:
    return environment(folders, html=html).from_string(text)


def _text(template: Template, values: dict[str, Any]) -> str:
    parts: list[str] = []
    length = 0
    for part in template.generate(values):
        length += len(part)
        if length > MAX_TEXT:
            raise ValueError(f"it makes more than {MAX_TEXT} characters")
        parts.append(part)
    return "".join(parts)


def _line(error: Exception) -> int:
    """The line of the template at which it failed, 0 where that is not known."""
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == "<template>"]
    return lines[-1] if lines else 0


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # on Windows
        return
    with suppress(ValueError, OSError):  # macOS refuses it; there time alone is the limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


if __name__ == "__main__":
    _limit_memory()
    serve(answer)
