"""Filters: Jinja2 expressions over an entry, sandboxed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from feedbot.core.expose import NAMES

Filter = Callable[[Mapping[str, Any]], bool]


class FilterFailedError(Exception):
    """The expression does not work on this entry; the message says why."""


def compile_filter(text: str) -> Filter:
    """Make a test of an expression such as ``'releases' in tags``, to be called with an exposed entry.

    Raises ValueError with a sentence where it is no expression or names what entries do not have; the test
    itself raises FilterFailedError where the expression fails on an entry.
    """
    from jinja2 import ChainableUndefined, TemplateError, meta
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=ChainableUndefined)
    try:
        tree = environment.parse("{{ (" + text + ") }}")
        compiled = environment.compile_expression(text, undefined_to_none=False)
    except TemplateError as error:
        raise ValueError(f"the filter {text!r} is no expression: {error}") from error
    unknown = sorted(meta.find_undeclared_variables(tree) - NAMES - set(environment.globals))
    if unknown:
        known = ", ".join(sorted(NAMES))
        raise ValueError(
            f"the filter {text!r} names {', '.join(unknown)}, which entries do not have; they have {known}"
        )

    def test(entry: Mapping[str, Any]) -> bool:
        try:
            return bool(compiled(**entry))
        except Exception as error:  # an operator's expression may fail in any way
            raise FilterFailedError(f"the filter {text!r} fails: {error}") from error

    return test
