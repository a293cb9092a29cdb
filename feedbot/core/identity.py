"""Which entry an item is: the keys that name it, and how they are matched against what is known.

An entry is found again through any key it ever had. Keys of a source are kept as digests; each names one
entry, or none where two entries share it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct, field

from feedbot.core import fingerprint
from feedbot.core.address import usual_page
from feedbot.core.dates import rfc3339
from feedbot.model import Entry, Item, Known

_TRACKER = re.compile(r"(utm_\w+|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|_hs\w+|at_\w+|ref_src|wt_mc)(=|$)")

Aliases = Mapping[bytes, int | None]
"""Known keys by digest, and the entry each names; None for one that several share."""


class Keys(NamedTuple):
    """What names an item: for certain, by its address, or by what it says."""

    certain: tuple[bytes, ...]
    links: tuple[bytes, ...]
    texts: tuple[bytes, ...] = ()

    @property
    def all(self) -> tuple[bytes, ...]:
        return self.certain + self.links + self.texts


class Matches(Struct):
    """Which items are which entries, by index; ``repeated`` ones are in the document twice."""

    known: dict[int, int] = field(default_factory=dict)
    new: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)


PLACE = b"p"
"""How the digests of ``path:`` keys begin: the place of a file, which at any time is that of one entry."""


LINK = b"l"
"""How the digests of ``link:`` keys begin: an address, which counts together with other evidence only."""


def digest(key: str) -> bytes:
    """The form in which a key is kept: 16 bytes, whatever its length; the first tells the kind of key."""
    return key[:1].encode("ascii", "replace") + blake2b(key.encode("utf-8", "replace"), digest_size=15).digest()


def keys(item: Item) -> Keys:
    """The keys of an item, but for the one made of its text, which takes reading it.

    Those the source gives are certain; without any, the item's id is.
    """
    certain = tuple(dict.fromkeys(digest(key) for key in item.keys or (f"id:{item.id}",)))
    addresses = dict.fromkeys((item.url, item.id, *item.aliases))
    return Keys(certain, tuple(dict.fromkeys(link for address in addresses if (link := link_key(address)))))


def link_key(address: str) -> bytes:
    """The key of an address; empty for what is none."""
    normal = normalised(address)
    return digest(f"link:{normal}") if normal else b""


def with_text(own: Keys, item: Item) -> Keys:
    """The same keys with the one that names a dated item by what it says and when."""
    if item.published is None or not (item.content or item.summary):
        return own
    return Keys(own.certain, own.links, (digest(f"text:{fingerprint.text(item)}:{rfc3339(item.published)}"),))


def across(entry: Entry) -> bytes:
    """Names an entry whatever source has it: by its address, or its id where it has none."""
    return digest(f"across:{normalised(entry.url) or entry.id}")


def normalised(address: str) -> str:
    """An address without what changes when a site moves to https, drops ``www.``, a slash or its trackers."""
    if page := usual_page(address):
        host, path = page
        return f"{host.removeprefix('www.')}{path.rstrip('/')}"
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
        return ""
    host = parts.netloc.lower().removeprefix("www.").removesuffix(":80").removesuffix(":443")
    path = parts.path.rstrip("/")
    kept = "&".join(part for part in parts.query.split("&") if part and not _TRACKER.match(part))
    query = f"?{kept}" if kept else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{host}{path}{query}{fragment}"


def match(
    items: Sequence[Item],
    item_keys: Sequence[Keys],
    aliases: Aliases,
    known: Mapping[int, Known],
    *,
    complete: bool,
    standing: frozenset[int] = frozenset(),
    moved: bool = False,
) -> Matches:
    """Find each item's entry. ``known`` holds every entry that ``aliases`` names.

    Certain keys are followed for all items first, ids before places. What is left may be an entry that nobody
    claimed, whose id changed: a link counts together with the same date or text, a text together with the same
    date. In a complete document an unclaimed entry is one that is not there any more under its old name, so
    that the link, or the text alone, tells that it was renamed. So does the link where the source was ``moved``, say
    from a blog's posts to its feed, which cut texts short and have dates of their own. ``standing`` entries are there,
    though unreadable.
    """
    found = Matches()
    claimed: set[int] = set(standing)
    taken: set[bytes] = set()
    nameless: list[int] = []
    for index, own in enumerate(item_keys):
        entry = _first((key for key in own.certain if not key.startswith(PLACE)), aliases)
        if taken.intersection(own.certain) or entry in claimed:
            found.repeated.append(index)
        elif entry is None:
            nameless.append(index)
        else:
            claimed.add(entry)
            found.known[index] = entry
        taken.update(own.certain)
    if not known:
        found.new = nameless
        return found
    rest: list[int] = []
    for index in nameless:
        own = item_keys[index]
        entry = _first(own.certain, aliases)
        if entry is None or entry in claimed or _another_in_its_place(items[index], own, known[entry], aliases):
            rest.append(index)
        else:
            claimed.add(entry)
            found.known[index] = entry
    if complete and rest:
        rest = _moved_away(items, found, rest, known)

    shared = Counter(key for own in item_keys for key in own.links)
    renamed = _by_text(known, claimed) if complete else {}
    for index in rest:
        item, own = items[index], item_keys[index]
        candidates = [
            entry
            for key in own.links
            if shared[key] == 1 and (entry := aliases.get(key)) is not None and entry not in claimed
        ]
        entry = next((c for c in candidates if complete or moved or _same(item, known[c])), None)
        if entry is None:
            entry = next((e for k in own.texts if (e := aliases.get(k)) is not None and e not in claimed), None)
        if entry is None and complete:
            entry = next((e for e in renamed.get(fingerprint.text(item), ()) if e not in claimed), None)
        if entry is None:
            found.new.append(index)
        else:
            claimed.add(entry)
            found.known[index] = entry
    return found


def mint(wanted: str, taken: set[str]) -> str:
    """An id for a new entry: the one wanted, or one made of it where another entry has that already."""
    minted, number = wanted, 1
    while minted in taken:
        number += 1
        minted = f"{wanted}#{number}"
    return minted


def same_moment(one: datetime | None, other: datetime | None) -> bool:
    """Whether two dates are there and equal, to the second."""
    return one is not None and other is not None and abs((one - other).total_seconds()) < 1


def _first(own: Iterable[bytes], aliases: Aliases) -> int | None:
    return next((entry for key in own if (entry := aliases.get(key)) is not None), None)


def _same(item: Item, known: Known) -> bool:
    if same_moment(item.published, known.published):
        return True
    return fingerprint.text(item) == known.fingerprints.text


def _another_in_its_place(item: Item, own: Keys, known: Known, aliases: Aliases) -> bool:
    """Whether an item has only the place of a withdrawn entry in common with it: no text, date or address."""
    if not known.withdrawn or own.certain[0][:1] != PLACE:
        return False
    return not _same(item, known) and all(aliases.get(key) != known.pk for key in own.links)


def _moved_away(items: Sequence[Item], found: Matches, rest: Sequence[int], known: Mapping[int, Known]) -> list[int]:
    """Give entries to items that carry their text under a new name, where another post has taken the old one.

    Gives the items that are left without an entry then.
    """
    by_text: dict[str, int] = {}
    for index, pk in found.known.items():
        text = known[pk].fingerprints.text
        if fingerprint.text(items[index]) != text:
            by_text[text] = index
    left: list[int] = []
    for index in rest:
        other = by_text.pop(fingerprint.text(items[index]), None)
        if other is None:
            left.append(index)
        else:
            found.known[index] = found.known.pop(other)
            left.append(other)
    return left


def _by_text(known: Mapping[int, Known], claimed: set[int]) -> Mapping[str, list[int]]:
    missing: defaultdict[str, list[int]] = defaultdict(list)
    for entry in known.values():
        if entry.pk not in claimed:
            missing[entry.fingerprints.text].append(entry.pk)
    return missing
