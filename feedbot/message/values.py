"""What templates are given: an entry under the names of the contract, and what messages say beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from feedbot.core.expose import exposed
from feedbot.core.text import one_line, shorten
from feedbot.message.pictures import Images, with_images
from feedbot.message.plain import to_plain
from feedbot.message.terminal import counted, inert
from feedbot.model import ChangeKind, Delivery, Digest, Entry

MAX_DIFF_LINES = 200
MAX_DIFF_LINES_IN_BRIEF = 30
LEADS = {ChangeKind.NEW: "", ChangeKind.UPDATED: "Updated: ", ChangeKind.WITHDRAWN: "Withdrawn: ", ChangeKind.ALERT: ""}
_DIFF_KINDS = {"+": "added", "-": "removed"}
_BEGINNING = 240  # characters


def of_change(delivery: Delivery, images: Images = "keep") -> dict[str, Any]:
    """The values of a change.

    ``title`` is one line and never empty, ``html`` what is shown of the content (nothing of a withdrawn entry),
    ``plain`` the same as text, ``difference`` the lines of the diff with the kind of each.
    """
    values = _brief(delivery)
    entry = delivery.entry
    shown = "" if delivery.change is ChangeKind.WITHDRAWN else with_images(entry.content or entry.summary, images)
    return values | {"html": shown, "plain": to_plain(shown), "difference": _difference(delivery.diff, MAX_DIFF_LINES)}


def of_digest(digest: Digest, images: Images = "keep", bodies: int = 0) -> dict[str, Any]:
    """The values of a digest: those of its entries, of which the first ``bodies`` have their whole content.

    The others have how they begin, and of an update the first lines of what is different.
    """
    entries: list[dict[str, Any]] = []
    for number, delivery in enumerate(digest.deliveries, start=1):
        whole = number <= bodies and delivery.change is not ChangeKind.WITHDRAWN
        values = of_change(delivery, images) if whole else _in_brief(delivery)
        entries.append({**values, "number": number, "whole": whole, "beginning": _beginning(delivery)})
    return {
        "heading": heading(digest.deliveries),
        "entries": entries,
        "whole": [values for values in entries if values["whole"]],
        "date": _day(digest.created),
        "sink": digest.sink,
    }


def heading(deliveries: Sequence[Delivery]) -> str:
    """How much there is: "3 new entries", or "2 new, 1 updated"."""
    kinds = Counter(delivery.change for delivery in deliveries)
    if len(kinds) == 1:
        kind = deliveries[0].change.value
        return counted(len(deliveries), f"{kind} entry", f"{kind} entries")
    return ", ".join(f"{kinds[kind]} {kind.value}" for kind in ChangeKind if kinds[kind])


def title(entry: Entry) -> str:
    """A title to show: one line, never empty."""
    return shorten(inert(one_line(entry.title[:5000])), 500) or entry.url[:500] or "(untitled)"


def line(delivery: Delivery) -> dict[str, Any]:
    """The values of a change for a template of one line, which reads no content."""
    return _brief(delivery)


def _brief(delivery: Delivery) -> dict[str, Any]:
    entry = delivery.entry
    moment = (entry.published or entry.updated or entry.first_seen).astimezone(UTC)
    author = shorten(", ".join(inert(author.name) for author in entry.authors if author.name), 200)
    about = (inert(entry.source), author, f"{_day(moment)}, {moment:%H:%M} UTC")
    values = exposed(entry, delivery.change.value, delivery.diff)
    values["enclosures"] = [{**e, "url": one_line(e["url"])} for e in values["enclosures"]]
    return values | {
        "title": title(entry),
        "url": one_line(entry.url) if entry.url.lower().startswith(("http://", "https://")) else "",
        "author": author,
        "lead": LEADS[delivery.change],
        "about": " · ".join(part for part in about if part),
        "date": _day(moment),
        "language": entry.language if re.fullmatch(r"[A-Za-z0-9-]{1,35}", entry.language) else "",
        "sink": delivery.sink,
    }


def _in_brief(delivery: Delivery) -> dict[str, Any]:
    return {**_brief(delivery), "difference": _difference(delivery.diff, MAX_DIFF_LINES_IN_BRIEF)}


def _beginning(delivery: Delivery) -> str:
    if delivery.change is ChangeKind.WITHDRAWN:
        return ""
    from feedbot.core.html import to_text  # not above: most runs send nothing

    entry = delivery.entry
    return shorten(inert(to_text((entry.summary or entry.content)[:50_000])), _BEGINNING)


def _difference(diff: str, most: int) -> list[tuple[str, str]]:
    """The lines of a unified diff with what each is: added, removed, place or same."""
    lines = diff.split("\n")
    lines = lines[2:] if lines[:2] == ["--- before", "+++ after"] else lines
    lines = lines[1:] if lines[0].startswith("@@") else lines
    shown = [_line_of_diff(line) for line in lines[:most]]
    left = len(lines) - most
    while shown and not shown[-1][1].strip():
        shown.pop()
    return [*shown, ("place", f"… {left} more lines")] if left > 0 else shown


def _line_of_diff(line: str) -> tuple[str, str]:
    if line.startswith("@@"):  # which lines of which text these are tells readers nothing
        return "place", "…"
    return _DIFF_KINDS.get(line[:1], "same"), shorten(line, 900)


def _day(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y}"
