"""Durations and sizes as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}


def parse_duration(text: str) -> timedelta:
    """Read "90s", "30m", "2h", "1d", "1h 30m". Raises ValueError with what would be right."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip().lower())
    rest = re.sub(r"(\d+(?:\.\d+)?)\s*([a-z]+)", "", text.strip().lower())
    if not parts or rest.strip() or any(unit not in _SECONDS for _, unit in parts):
        raise ValueError(f'{text!r} is no duration; write a number with s, m, h or d, such as "30m"')
    total = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if total > 3650 * 86400:
        raise ValueError(f"{text!r} is longer than ten years")
    return timedelta(seconds=total)


def format_duration(span: timedelta) -> str:
    """Write a duration with the largest unit that divides it: "30m", "2h", "90s"."""
    seconds = span.total_seconds()
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds // _SECONDS[unit])}{unit}"
    return f"{seconds:g}s"


def parse_size(text: str) -> int:
    """Read "10MB", "512 KiB", "1000" as bytes. Raises ValueError with what would be right."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if match is None or (match[2] or "b") not in _BYTES:
        raise ValueError(f'{text!r} is no size; write a number with KB or MB, such as "10MB"')
    return int(float(match[1]) * _BYTES[match[2] or "b"])
