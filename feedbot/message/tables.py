"""Tables of HTML as lines of text: columns where they fit, else a line a cell."""

from __future__ import annotations

import textwrap

from feedbot.message.terminal import fit, width

_MAX_LABEL = 40


class Table:
    """Takes the cells of a table in the order in which they come."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._header_cells = 0

    def start_row(self) -> None:
        self.rows.append([])

    def add(self, text: str, heading: bool) -> None:
        """Add a cell to the last row; ``heading`` is for a ``th``."""
        if not self.rows:
            self.start_row()
        self.rows[-1].append(text)
        self._header_cells += heading and len(self.rows) == 1

    def lines(self, room: int) -> list[str]:
        """The table in lines of ``room`` columns (longer only where a word is)."""
        headed = bool(self.rows) and 1 < len(self.rows[0]) == self._header_cells
        rows = [row for row in self.rows if any(row)]
        if max(map(len, rows), default=0) < 2:
            return [line for row in rows for line in _wrapped(row[0], room)]
        widths = _widths(rows)
        if sum(widths) + 2 * (len(widths) - 1) <= room:
            return _aligned(rows, widths, headed)
        return _labelled(rows, room, headed)


def _widths(rows: list[list[str]]) -> list[int]:
    widths = [1] * max(map(len, rows))
    for row in rows:
        for column, cell in enumerate(row):
            widths[column] = max(widths[column], width(cell))
    return widths


def _aligned(rows: list[list[str]], widths: list[int], headed: bool) -> list[str]:
    lines = ["  ".join(fit(cell, columns) for cell, columns in zip(row, widths, strict=False)) for row in rows]
    if headed:
        lines.insert(1, "  ".join("-" * columns for columns in widths))
    return lines


def _labelled(rows: list[list[str]], room: int, headed: bool) -> list[str]:
    labels = [fit(cell, min(width(cell), _MAX_LABEL)) for cell in rows[0]] if headed else []
    lines: list[str] = []
    for row in rows[headed:]:
        if lines:
            lines.append("")
        for column, cell in enumerate(row):
            label = f"{labels[column]}: " if column < len(labels) and labels[column] else ""
            lines += _wrapped(label + cell, room) if cell else []
    return lines


def _wrapped(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, max(room, 30), break_long_words=False, break_on_hyphens=False)
