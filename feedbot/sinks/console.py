"""Prints what is new where feedbot runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from feedbot.errors import DeliveryError
from feedbot.message.terminal import fit, inert
from feedbot.message.values import heading
from feedbot.model import Delivery, Digest
from feedbot.plugins import Preview, SinkContext, SinkSettings

_LEFT = 46  # columns of title and summary
_SOURCE = 14
_SUMMARY = 200


class ConsoleSink:
    """Two lines a change: what, from where and when; then how it begins, and its address."""

    class Settings(SinkSettings):
        """A sink of type ``console`` has no keys of its own."""

    prints: ClassVar[bool] = True

    def __init__(self, settings: Settings, context: SinkContext) -> None:
        self._out = context.out

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Print a change. A closed pipe or a full disk behind it is a receiver that is down."""
        self._print(_lines(delivery))

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Print many changes under a heading, likewise."""
        self._print([f"  {heading(digest.deliveries)}", *(line for one in digest.deliveries for line in _lines(one))])

    def preview(self, delivery: Delivery, now: datetime) -> Preview:
        """The lines of a change."""
        return Preview("\n".join(line.rstrip() for line in _lines(delivery)))

    def _print(self, lines: Sequence[str]) -> None:
        text = "".join(f"{line.rstrip()}\n" for line in lines)
        encoding, errors = self._out.encoding or "utf-8", self._out.errors or "strict"
        if errors == "strict":  # a letter that the terminal lacks is no reason to fail
            text = text.encode(encoding, "replace").decode(encoding)
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError) as error:
            raise DeliveryError(f"the terminal cannot be written to: {_reason(error)}", sink_down=True) from error

    def close(self) -> None:
        """Nothing to let go of: what it writes to is not its own."""


def _lines(delivery: Delivery) -> tuple[str, str]:
    from feedbot.core.html import to_text  # not above: most runs print nothing

    entry = delivery.entry
    moment = (entry.published or entry.updated or entry.first_seen).astimezone(UTC)
    summary = inert(to_text(entry.summary or entry.content)[:_SUMMARY])
    title = f"  {delivery.change.value.upper()}  {inert(entry.title) or summary or '(untitled)'}"
    first = f"{fit(title, _LEFT)}  {fit(inert(entry.source), _SOURCE)} {moment.day} {moment:%b %Y}"
    return first, f"       {fit(summary, _LEFT - 7)}  {inert(entry.url)}"


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it is closed"
