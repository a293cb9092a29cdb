"""Digests that tell what kind of edit was made to an entry."""

from __future__ import annotations

import json
from hashlib import blake2b

from feedbot.core import html
from feedbot.core.expose import plain
from feedbot.core.text import one_line
from feedbot.model import Content, EditKind, Fingerprints

# Reading the text of HTML is slow, and done for the same entry when it is matched and when it is compared.
_texts: dict[bytes, str] = {}
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
        known_text(content, _digest([one_line(content.title), html.to_text(content.content or content.summary)]))
    return _texts[key]


def known_text(content: Content, digest: str) -> None:
    """Have ``text`` answer with what another process has found for the same content."""
    if len(_texts) >= _MAX_TEXTS:
        _texts.clear()
    _texts[_text_key(content)] = digest


def markup(content: Content) -> str:
    """Digest of links, images and formatting; white space counts within ``pre`` only."""
    clean = html.clean(content.content or content.summary, content.base, _named_by_content)
    return _digest([html.folded(clean), content.image, [[e.url, e.type, e.length] for e in content.enclosures]])


def metadata(content: Content, trusted_dates: bool) -> str:
    """Digest of everything beside title and content."""
    return _digest(
        [
            content.url,
            [[a.name, a.url, a.email] for a in content.authors],
            str(content.published),
            str(content.updated) if trusted_dates else "",
            content.tags,
            one_line(content.summary) if content.content else "",
            content.language,
            content.aliases,
            plain(content.extra),
        ]
    )


def whole(content: Content, trusted_dates: bool) -> str:
    """Digest of everything as it came."""
    return _whole(content, metadata(content, trusted_dates))


def edit_kind(before: Fingerprints, after: Fingerprints, old: Content, new: Content) -> EditKind:
    """The deepest part that differs, from what a reader sees down to nothing.

    The markup of ``old`` and ``new`` is looked at only where it decides: cleaning HTML is slow, and edits are rare.
    """
    if before.whole == after.whole:
        return EditKind.NONE
    if before.text != after.text:
        return EditKind.TEXT
    if markup(old) != markup(new):
        return EditKind.MARKUP
    return EditKind.NONE if before.metadata == after.metadata else EditKind.METADATA


def _text_key(content: Content) -> bytes:
    body = content.content or content.summary
    return blake2b(f"{content.title}\0{body}".encode("utf-8", "replace"), digest_size=16).digest()


def _named_by_content(address: str) -> str:
    """A file's name holds the hash of its content, so that a replaced image is seen as a change."""
    return address.replace(f"{html.ASSET_SCHEME}:", "https://asset.invalid/")


def _whole(content: Content, beside: str) -> str:
    enclosures = [[e.url, e.type, e.length] for e in content.enclosures]
    parts = [content.title, content.content, content.summary, content.base, content.image, enclosures, beside]
    return _digest(parts)


def _digest(value: object) -> str:
    return blake2b(_ENCODER.encode(value).encode("utf-8", "replace"), digest_size=16).hexdigest()
