"""INI files as Python programs keep them, read without what they may ask to be done."""

from __future__ import annotations

import configparser
from collections.abc import Mapping

from feedbot.core.text import one_line
from feedbot.interchange.listing import ListingError


def read(text: str) -> Mapping[str, Mapping[str, str]]:
    """The sections of a file, each with the defaults in it. Raises ListingError."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text.removeprefix("\ufeff"))
    except configparser.MissingSectionHeaderError as error:
        raise ListingError(f"line {error.lineno}: this is no configuration: it has no [section]") from None
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else "?"
        raise ListingError(f"line {line}: this line cannot be read") from None
    except configparser.Error as error:
        raise ListingError(one_line(str(error))) from None
    return {name: {key: unquoted(value) for key, value in parser[name].items()} for name in parser.sections()}


def yes(section: Mapping[str, str], key: str, default: bool = False) -> bool:
    """A switch; what is neither on nor off counts as not given."""
    return configparser.ConfigParser.BOOLEAN_STATES.get(section.get(key, "").lower(), default)


def unquoted(value: str | None) -> str:
    """A value without the quotes that people put around it."""
    text = (value or "").strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
