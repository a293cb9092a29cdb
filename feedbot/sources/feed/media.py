"""Which files an entry brings with it, and which picture stands for it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from feedbot.core.text import one_line
from feedbot.model import Enclosure
from feedbot.sources.feed.address import Bases, host
from feedbot.sources.feed.fields import Fields
from feedbot.sources.feed.parsed import length_in_bytes

# Not those of the system, which are not the same everywhere.
_TYPES = {
    "aac": "audio/aac", "flac": "audio/flac", "m4a": "audio/mp4", "m4b": "audio/mp4", "mp3": "audio/mpeg",
    "oga": "audio/ogg", "ogg": "audio/ogg", "opus": "audio/ogg", "wav": "audio/wav",
    "avi": "video/x-msvideo", "m4v": "video/mp4", "mkv": "video/x-matroska", "mov": "video/quicktime",
    "mp4": "video/mp4", "mpeg": "video/mpeg", "mpg": "video/mpeg", "ogv": "video/ogg", "webm": "video/webm",
    "wmv": "video/x-ms-wmv",
    "avif": "image/avif", "gif": "image/gif", "jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png",
    "svg": "image/svg+xml", "webp": "image/webp",
    "epub": "application/epub+zip", "pdf": "application/pdf",
}  # fmt: skip
_PLAYED = ("audio", "video")


def enclosures_of(entry: Fields, bases: Bases) -> tuple[Enclosure, ...]:
    """The files that an entry encloses; where it encloses nothing to hear or see, the first of the media beside it.

    Several media are renditions of the same thing, as a rule: other sizes, codecs, languages. Pictures are no
    files to fetch unless the feed itself encloses them.
    """
    files: dict[str, Enclosure] = {}
    for link in entry.many("links"):
        if link.text("rel") == "enclosure" and (file := _file(link, bases)):
            files.setdefault(file.url, file)
    if not any(_kind(file.type) in _PLAYED for file in files.values()):
        renditions = [media for media in entry.many("media_content") if _is(media, *_PLAYED)]
        renditions.sort(key=lambda media: media.text("isdefault").lower() != "true")  # stable: else the first
        playable = [file for media in renditions if (file := _file(media, bases))]
        files |= {file.url: file for file in playable[:1]}
    return tuple(files.values())


def image_of(entry: Fields, enclosures: Iterable[Enclosure], bases: Bases) -> str:
    """The address of an entry's picture: the one that is said to be its image, else the largest, else the first."""
    media = [one for one in entry.many("media_content") if _is(one, "image")]
    shown = [*entry.many("media_thumbnail"), *media]
    shown.sort(key=lambda one: (_is_portrait(one), -(length_in_bytes(one.text("width")) or 0)))
    addresses = [
        entry.one("image").text("href"),
        *(one.text("url") or one.text("href") for one in shown),
        *(enclosure.url for enclosure in enclosures if _kind(enclosure.type) == "image"),
    ]
    return next((address for url in addresses if (address := bases.absolute(url))), "")


def _file(values: Fields, bases: Bases) -> Enclosure | None:
    url = bases.absolute(_address(values))
    if not url:
        return None
    size = length_in_bytes(values.text("length") or values.text("filesize"))
    return Enclosure(url, _type(values, url), size)


def _address(values: Fields) -> str:
    return values.text("href") or values.text("url")


def _type(values: Fields, url: str) -> str:
    """The type that is stated, else the one that files with such a name have."""
    stated = one_line(values.text("type"))
    if "/" in stated:
        return stated
    try:
        ending = urlsplit(url).path.rpartition(".")[2].lower()
    except ValueError:
        return stated
    return _TYPES.get(ending, stated)


def _is(media: Fields, *kinds: str) -> bool:
    if "/" in media.text("type"):
        return _kind(media.text("type")) in kinds
    return (media.text("medium") or _kind(_type(media, _address(media)))) in kinds


def _kind(media_type: str) -> str:
    return media_type.partition("/")[0].lower()


def _is_portrait(media: Fields) -> bool:
    """Whether it shows the author: WordPress lists portraits among the pictures of a post."""
    return host(_address(media)).endswith("gravatar.com")
