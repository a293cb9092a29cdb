"""Digests that tell what kind of edit was made to an entry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from msgspec.structs import replace

from feedbot.core.address import ASSET_SCHEME
from feedbot.core.expose import plain
from feedbot.core.text import one_line
from feedbot.model import Content, EditKind, Fingerprints

# Reading the text of HTML is slow, and done for the same entry when it is matched and when it is compared.
_texts: dict[tuple[str, int, int], str] = {}
_MAX_TEXTS = 20_000
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def fingerprints(content: Content, trusted_dates: bool) -> Fingerprints:
    """All digests of an entry's content. Without ``trusted_dates`` its ``updated`` counts for nothing."""
    beside = metadata(content, trusted_dates)
    return Fingerprints(text(content), beside, _whole(content, beside))


def text(content: Content) -> str:
    """Digest of what a reader sees: the title and the text, however it is marked up."""
    key = _text_key(content)
    if key not in _texts:
        from feedbot.core import html  # of which a run with nothing new has no need

        known_text(content, _digest(one_line(content.title), html.to_text(content.content or content.summary)))
    return _texts[key]


def known_text(content: Content, digest: str) -> None:
    """Have ``text`` answer with what another process has found for the same content."""
    if len(_texts) >= _MAX_TEXTS:
        _texts.clear()
    _texts[_text_key(content)] = digest


def markup(content: Content) -> str:
    """Digest of links, images and formatting; white space counts within ``pre`` only."""
    from feedbot.core import html

    clean = html.clean(content.content or content.summary, content.base, _named_by_content)
    return _digest(html.folded(clean), content.image, _enclosed(content))


def metadata(content: Content, trusted_dates: bool) -> str:
    """Digest of everything beside title and content."""
    return _digest(
        content.url,
        _listed([[a.name, a.url, a.email] for a in content.authors]),
        str(content.published),
        str(content.updated) if trusted_dates else "",
        _listed(content.tags),
        one_line(content.summary) if content.content else "",
        content.language,
        _listed(content.aliases),
        _listed(plain(content.extra)),
    )


def whole(content: Content, trusted_dates: bool) -> str:
    """Digest of everything as it came."""
    return _whole(content, metadata(content, trusted_dates))


def edit_kind(before: Fingerprints, after: Fingerprints, old: Content, new: Content) -> EditKind:
    """The deepest part that differs, from what a reader sees down to nothing.

    The markup of ``old`` and ``new`` is looked at only where it decides: cleaning HTML is slow, and edits are rare.
    """
    if not before.whole:  # an older feedbot made its digests in another way
        return difference(old, new)
    if before.whole == after.whole:
        return EditKind.NONE
    if before.text != after.text:
        return EditKind.TEXT
    if markup(old) != markup(new):
        return EditKind.MARKUP
    return EditKind.NONE if before.metadata == after.metadata else EditKind.METADATA


def difference(old: Content, new: Content) -> EditKind:
    """What kind of edit leads from one state of an entry to another, whose own dates and former addresses aside."""
    old = replace(old, updated=new.updated, aliases=new.aliases)
    return edit_kind(fingerprints(old, trusted_dates=False), fingerprints(new, trusted_dates=False), old, new)


def _text_key(content: Content) -> tuple[str, int, int]:
    """Stands for title and text without keeping the text; the hash of a text is another one in each process."""
    body = content.content or content.summary
    return content.title, hash(body), len(body)


def _named_by_content(address: str) -> str:
    """A file's name holds the hash of its content, so that a replaced image is seen as a change."""
    return address.replace(f"{ASSET_SCHEME}:", "https://asset.invalid/")


def _whole(content: Content, beside: str) -> str:
    parts = (content.title, content.content, content.summary, content.base, content.image)
    return _digest(*parts, _enclosed(content), beside)


def _enclosed(content: Content) -> str:
    return _listed([[e.url, e.type, e.length] for e in content.enclosures])


def _listed(values: Sequence[object] | Mapping[str, object]) -> str:
    """Values as text, "" for none."""
    return _ENCODER.encode(values) if values else ""


def _digest(*texts: str) -> str:
    """Names a row of texts; each goes with its length, so that none runs into the next."""
    digest = blake2b(digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "replace")
        digest.update(b"%d:%b" % (len(data), data) if data else b"0:")
    return digest.hexdigest()
