"""Turns a feed's bytes into text that every parser can take.

The order is that of RFC 7303 (byte-order mark, HTTP, declaration), except that bytes which are UTF-8 where
either side says so are UTF-8: servers add a charset to files that they have not looked into.
"""

from __future__ import annotations

import codecs
import re

from feedbot.core.text import storable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"), (b"{\0", "utf-16-le"), (b"\0{", "utf-16-be"))
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED = re.compile(rb"\s*<\?xml[^>]{1,200}?encoding\s*=\s*[\"']([A-Za-z][\w.-]{0,40})[\"']")
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,300}\?>")
# WHATWG Encoding: these labels mean windows-1252, and gb2312 means its superset.
_ALIASES = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
# With nothing in it that tells of another encoding, or is dropped.
_PLAIN_DECLARATION = re.compile(rb"<\?xml[ \t\r\n][\t\r\n -;=?-~]{0,300}\?>")
_MOST_NESTED = 4
_NO_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r")
# Codecs that Python knows and no document is in; some of them take quadratic time.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));")
_PAIR = re.compile(r"&#(?:[xX]0*[dD][89abAB]|0*5[56])[0-9a-fA-F]+;&#(?:[xX]0*[dD][c-fC-F]|0*5[67])[0-9a-fA-F]+;")


def decode(data: bytes, content_type: str = "") -> str:
    """The text of a document. Bytes that are in no known encoding come out as replacement characters."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    for start, encoding in _WIDE:
        if data.startswith(start):
            return data.decode(encoding, "replace")
    named = _named(data, content_type)
    if "utf-8" in named or not named:
        text = _utf8(data)
        if text is not None:
            return text
    for encoding in (*named, "utf-8", "cp1252", "iso8859-1"):
        text = _strictly(data, encoding)
        if text is not None:
            return text
    return data.decode("latin-1")


def as_it_came(data: bytes, content_type: str = "") -> bytes | None:
    """A document without its declaration, where it says to be UTF-8; None where it does not, or is no XML at a glance.

    Whether it is what it says, and without what ``readable_xml`` mends, is not looked at.
    """
    data = data.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    if data[:1] != b"<" or data[1:2] == b"\0" or "utf-8" not in (_named(data, content_type) or ["utf-8"]):
        return None
    if not data.startswith(b"<?xml"):
        return data
    declaration = _PLAIN_DECLARATION.match(data)
    return data[declaration.end() :].lstrip(b" \t\r\n") if declaration else None


def readable_xml(text: str) -> tuple[str, int]:
    """XML without what stops a parser though it means nothing, and how many lines were taken off its head.

    Blank space before the declaration goes, the declaration itself (the text is decoded already), characters
    that XML does not have, and references to such. Halves of a surrogate pair are put together.
    """
    text = text if _is_clean(text) else storable(text)
    start = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    body = _without_bad_references(text)[start:]
    return _DECLARATION.sub("", body, count=1) if body.startswith("<?xml") else body, text.count("\n", 0, start)


def _named(data: bytes, content_type: str) -> list[str]:
    """The encodings that the type of a document, and then its declaration, name."""
    asked = _CHARSET.search(content_type)
    declared = _DECLARED.match(data)
    named = [_codec(asked[1]) if asked else "", _codec(declared[1].decode()) if declared else ""]
    if b"\0" not in data[:8]:  # written out in single bytes, whatever it says
        named = [codec for codec in named if not codec.startswith(("utf-16", "utf-32"))]
    return [codec for codec in named if codec]


def _codec(name: str) -> str:
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return "" if codec in _NO_CHARSETS else _ALIASES.get(codec, codec)


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (ValueError, LookupError):
        return None


def _utf8(data: bytes) -> str | None:
    """The text if the bytes are UTF-8 but for a few; None where they must be something else."""
    whole = _strictly(data, "utf-8")
    if whole is not None:
        return whole
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    # Of a character that was cut off at the very end nothing remains to be read.
    if broken == 1 and text.endswith("\ufffd"):
        return text[:-1]
    foreign = sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", text)))
    return text if foreign > broken else None


def _is_clean(text: str) -> bool:
    """Whether there is nothing to drop, told at a fraction of what looking at each character costs."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return False
    return len(data.translate(None, _CONTROLS)) == len(data) and not any(end in data for end in _NO_CHARACTERS)


def _without_bad_references(text: str) -> str:
    """The text as it is when there is nothing more to mend: what is dropped may leave another reference behind."""
    if "&#" not in text:
        return text
    for _ in range(_MOST_NESTED):
        former, text = text, _REFERENCE.sub(_allowed, _PAIR.sub(_joined, text))
        if text == former:
            return text
    return text.replace("&#", " ")


def _allowed(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    if len(digits) > 8:
        return ""
    number = int(digits, 16 if match[1] else 10)
    return match[0] if number <= 0x10FFFF and number and storable(chr(number)) else ""


def _joined(match: re.Match[str]) -> str:
    high, low = (int(h, 16) if h else int(d) for h, d in _REFERENCE.findall(match[0]))
    if 0xD800 <= high <= 0xDBFF and 0xDC00 <= low <= 0xDFFF:
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    return match[0]
