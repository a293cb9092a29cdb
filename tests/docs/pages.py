"""What the pages of the documentation show: blocks, commands and links, with where they stand.

A block may be marked by a comment on the line before it: ``<!-- needs: systemd -->`` says that its commands take what a
test does not have. These are parsed only; all others are run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import PROJECT

PAGES = (PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md")))
GENERATED = PROJECT / "docs" / "configuration.md"

_FENCE = re.compile(r"^( *)```(\w*)\s*$")
_NEEDS = re.compile(r"^<!-- needs: (.+) -->$")
_COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ |[*/\d, -]+ )*feedbot (?P<rest>.*)$")
_SHELLS = ("", "sh", "console")


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    text: str
    needs: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A call of feedbot: its arguments, without its name."""

    where: str
    arguments: list[str] = field(hash=False)
    needs: str = ""

    def __str__(self) -> str:
        return f"{self.where} feedbot {shlex.join(self.arguments)}"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, fenced or indented."""
    found: list[Block] = []
    needs, indent, opened, lines = "", "", None, page.read_text("utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        fence = _FENCE.match(line)
        if opened is not None:
            if line.strip() == "```":
                found.append(Block(page, opened[0], opened[1], "".join(opened[2]), needs))
                needs, opened = "", None
            else:
                opened[2].append(f"{line.removeprefix(indent)}\n")
        elif fence:
            opened, indent = (number + 1, fence[2], list[str]()), fence[1]
        elif line.startswith("    ") and (number == 1 or not lines[number - 2].startswith(("*", "-", " *"))):
            found.append(Block(page, number, "", f"{line[4:]}\n", needs))
        elif line.strip():
            marked = _NEEDS.match(line)
            needs = marked[1] if marked else ""
    assert opened is None, f"{page}: a block without an end"
    return found


def commands(block: Block) -> Iterator[Command]:
    """The calls of feedbot in a block of shell."""
    if block.language not in _SHELLS:
        return
    for number, line in enumerate(block.text.splitlines(), block.line):
        found = _COMMAND.match(line.strip())
        if found:
            where = f"{block.page.relative_to(PROJECT)}:{number}"
            yield Command(where, _arguments(found["rest"]), block.needs)


def spans(page: Path) -> Iterator[Command]:
    """The calls of feedbot in the prose of a page."""
    inside = False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        inside ^= _FENCE.match(line) is not None
        if not inside and not line.startswith("    "):
            for text in re.findall(r"`feedbot ([^`]+)`", line):
                yield Command(f"{page.relative_to(PROJECT)}:{number}", _arguments(text))


def links(page: Path) -> Iterator[tuple[int, str, str]]:
    """The links of a page within the project: line, path and anchor."""
    inside = False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        inside ^= _FENCE.match(line) is not None
        for target in () if inside else re.findall(r"\]\(([^)\s]+)\)", line):
            if "://" not in target and not target.startswith("mailto:"):
                path, _, anchor = target.partition("#")
                yield number, path, anchor


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page make."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _arguments(text: str) -> list[str]:
    """The words of a command, without optional ones, what a shell does with its output, and what is said of it."""
    said = re.split(r"\s{2,}", text.strip())[0]
    words = shlex.split(re.sub(r"\[[^\]]*\](\.\.\.)?", "", said), comments=True)
    ends = [words.index(sign) for sign in ("|", ">", "&&") if sign in words]
    return words[: min(ends)] if ends else words
