"""How log lines are written: for a person, as JSON, or for the journal of systemd."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Redact = Callable[[str], str]

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))  # of syslog (RFC 5424, 6.2.1)
_DEBUG = 7


def formatter(log_format: str, run: str, redact: Redact, *, timed: bool = False) -> logging.Formatter:
    """What writes log lines in a format: "text", "json", "journal"; or "auto", as stderr is read by.

    ``redact`` takes secrets out of all that is written; ``run`` tells this process from others, where there are fields
    for it; ``timed``: a line for a person begins with its time.
    """
    if log_format == "json":
        return _json(run, redact)
    return _Journal(redact) if is_read_by_programs(log_format) else _Text(redact, timed=timed)


def is_read_by_programs(log_format: str) -> bool:
    """Whether each line on stderr has to be one of the log, as what reads it knows no other."""
    return log_format in ("json", "journal") or (log_format == "auto" and _is_journal())


class _Text(logging.Formatter):
    def __init__(self, redact: Redact, *, timed: bool) -> None:
        super().__init__(f"{'%(asctime)s ' if timed else ''}%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


class _Journal(logging.Formatter):
    """Lines with the priority in front, as sd-daemon(3) has it: the journal knows time and process itself."""

    def __init__(self, redact: Redact) -> None:
        super().__init__("%(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), _DEBUG)
        lines = self._redact(super().format(record)).splitlines() or [""]
        return "\n".join(f"<{priority}>{line}" for line in lines)


def _json(run: str, redact: Redact) -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    class Lines(JsonFormatter):
        def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
            log_data["level"] = str(log_data["level"]).lower()
            return {name: redact(value) if isinstance(value, str) else value for name, value in log_data.items()}

    return Lines(
        "%(levelname)s %(message)s",
        timestamp="time",
        rename_fields={"levelname": "level", "exc_info": "exception"},
        static_fields={"run": run},
        json_ensure_ascii=False,
    )


def _is_journal() -> bool:
    """Whether stderr is the journal's: systemd says which file that is (systemd.exec(5), JOURNAL_STREAM)."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))
