"""Renders the operator's own templates, as a process of its own within limits: ``python -m feedbot.message.helper``."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError

from feedbot.message.templates import MAX_TEXT, environment
from feedbot.processes import serve

_MEMORY = 1_000_000_000  # bytes of addresses


def answer(question: bytes) -> bytes:
    """The text that a template makes, or what is wrong with it, as a JSON object."""
    asked = json.loads(question)
    try:
        said = {"text": _text(asked["text"], asked["html"], asked["folders"], asked["values"])}
    except TemplateSyntaxError as error:
        said = {"error": f"is no template: line {error.lineno}: {error.message}"}
    except TemplateError as error:
        said = {"error": f"fails: {error.message or type(error).__name__}"}
    except MemoryError:
        said = {"error": "takes too much memory"}
    except Exception as error:  # whatever an expression in it may raise
        said = {"error": f"fails: {type(error).__name__}: {error}"}
    return json.dumps(said).encode()


def _text(text: str, html: bool, folders: list[str], values: dict[str, Any]) -> str:
    parts: list[str] = []
    length = 0
    for part in environment(folders, html=html).from_string(text).generate(values):
        length += len(part)
        if length > MAX_TEXT:
            raise ValueError(f"it makes more than {MAX_TEXT} characters")
        parts.append(part)
    return "".join(parts)


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
