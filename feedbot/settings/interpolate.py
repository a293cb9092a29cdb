"""References in string values: ``${VAR}``, ``${VAR:-default}``, ``${file:/path}``, ``${cred:name}``, ``$$``."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from feedbot.paths import located

SECRET_NAME = re.compile(r"auth(?!or)|cookie|cred|key|pass|secret|token|webhook", re.IGNORECASE)
"""Names of variables and headers whose values nobody should read."""

_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_CREDENTIAL = re.compile(r"(?!\.\.?$)[^/\0]+")
_MAX_SECRET = 64 * 1024


class BadReference(ValueError):  # noqa: N818 (what it is, not an error of the program)
    """A reference that leads nowhere: a sentence, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Expanded(NamedTuple):
    """A string with its references replaced; ``secrets`` are the replacements not to be shown to anyone."""

    text: str
    secrets: tuple[str, ...] = ()
    bad: tuple[BadReference, ...] = ()


def expand(text: str, env: Mapping[str, str], folder: Path) -> Expanded:
    """Replace all references in ``text``; paths are relative to ``folder``. Bad ones are left out and listed."""
    done: list[str] = []
    secrets: list[str] = []
    bad: list[BadReference] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        done.append(text[at:dollar])
        if text.startswith("${", dollar):
            end = _closing(text, dollar + 2)
            if end < 0:
                start = text[dollar : dollar + 20]
                bad.append(
                    BadReference(
                        f'"{start}" opens a reference that is not closed',
                        'add the "}", or write "$$" where a dollar sign is meant',
                    )
                )
                return Expanded("".join(done), tuple(secrets), tuple(bad))
            value = _resolve(text[dollar + 2 : end], env, folder)
            done.append(value.text)
            secrets += value.secrets
            bad += value.bad
            at = end + 1
        else:
            done.append("$")
            at = dollar + (2 if text.startswith("$$", dollar) else 1)
    return Expanded("".join([*done, text[at:]]), tuple(secrets), tuple(bad))


def read_secret(path: str, folder: Path) -> str:
    """The text of a file without its last line break. Raises BadReference where it cannot be read."""
    try:
        full = located(folder, path)
        if not stat.S_ISREG(full.stat().st_mode):
            raise BadReference(f"{full} is not a file")
        with full.open("rb") as file:
            data = file.read(_MAX_SECRET + 1)
    except FileNotFoundError:
        hint = "make it, with the secret as its only line, so that you alone may read it (chmod 600)"
        raise BadReference(f"the file {full} does not exist", hint) from None
    except OSError as error:
        raise BadReference(f"the file {full} cannot be read: {error.strerror}") from None
    except (ValueError, RuntimeError) as error:
        if isinstance(error, BadReference):
            raise
        raise BadReference(f"{json.dumps(path)} is not the path of a file") from None
    if len(data) > _MAX_SECRET:
        raise BadReference(f"the file {full} is larger than {_MAX_SECRET // 1024} KiB", "is it the right one?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadReference(f"the file {full} is not text in UTF-8", "is it the right one?") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise BadReference(f"the file {full} is empty")
    return text


def _closing(text: str, start: int) -> int:
    """Where the brace stands that closes a reference, with references in its default skipped; -1 for none."""
    depth, at = 1, start
    while at < len(text):
        if text.startswith("$$", at):
            at += 2
            continue
        if text.startswith("${", at):
            depth += 1
            at += 2
            continue
        if text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return -1


def _resolve(body: str, env: Mapping[str, str], folder: Path) -> Expanded:
    kind, _, rest = body.partition(":")
    try:
        if kind == "file":
            secret = read_secret(rest, folder)
            return Expanded(secret, (secret,))
        if kind == "cred":
            secret = _credential(rest, env)
            return Expanded(secret, (secret,))
        return _variable(body, env, folder)
    except BadReference as error:
        return Expanded("", (), (error,))


def _credential(name: str, env: Mapping[str, str]) -> str:
    if not _CREDENTIAL.fullmatch(name):
        raise BadReference(f'"${{cred:{name}}}" names no credential', "write its name only, such as ${cred:smtp}")
    folder = env.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise BadReference(
            f'"${{cred:{name}}}" needs $CREDENTIALS_DIRECTORY, which is not set',
            f"systemd sets it for a service with LoadCredential={name}:PATH",
        )
    return read_secret(name, Path(folder))


def _variable(body: str, env: Mapping[str, str], folder: Path) -> Expanded:
    match = _VARIABLE.fullmatch(body)
    if match is None:
        raise BadReference(
            f'"${{{body[:40]}}}" is not a reference',
            "write ${VAR}, ${VAR:-default}, ${file:/path} or ${cred:name}; $$ stands for a $",
        )
    name, default = match[1], match[2]
    value = env.get(name)
    if default is not None and not value:
        return expand(default, env, folder)
    if value is None:
        raise BadReference(f"the environment variable {name} is not set", f"set it, or write ${{{name}:-default}}")
    if not value.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadReference(f"the environment variable {name} is not text in UTF-8")
    return Expanded(value, (value,) if value and SECRET_NAME.search(name) else ())
