"""The things that feedbot doctor looks at: each an examination of its own, which changes nothing and sends nothing."""

from __future__ import annotations

import getpass
import io
import os
import platform
import queue
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import metadata, util
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from msgspec.structs import replace

from feedbot import __version__
from feedbot.core.checkup import (
    CONFIGURATION,
    SOURCES,
    STATE,
    Finding,
    clock,
    disk,
    problem,
    proxies,
    punctual,
    warning,
)
from feedbot.errors import FeedbotError

if TYPE_CHECKING:
    from feedbot.model import SourceState
    from feedbot.settings import Configuration

Examination = Callable[[], Iterable[Finding]]

_LIBRARIES = ("sqlalchemy", "requests", "urllib3", "feedparser", "lxml", "nh3", "pydantic")
_EXTRAS = {"apprise": ("apprise", "apprise"), "mqtt": ("paho", "mqtt")}
"""What a type of sink takes beside feedbot: a module, and the extra that brings it."""
_OLDEST_GIT = (2, 31)
_OPEN_TO_OTHERS = 0o002
_READ_BY_OTHERS = 0o005


def side_by_side(examinations: Mapping[str, Examination], seconds: float) -> list[Finding]:
    """Make examinations at the same time; gives what each found, in their order. One that takes longer is left."""
    done: queue.SimpleQueue[tuple[str, list[Finding]]] = queue.SimpleQueue()

    def make(name: str, examination: Examination) -> None:
        try:
            done.put((name, list(examination())))
        except FeedbotError as error:
            done.put((name, [problem(name, error.message, error.hint, error.exit_code)]))
        except OSError as error:
            text = f"{error.filename or name}: {error.strerror or error}"
            done.put((name, [problem(name, text, f"check who may read it; feedbot runs as {_user()}", STATE)]))
        except Exception as fault:  # one examination must not hide what the others found
            text = f"it could not be looked at: {type(fault).__name__}: {fault}"
            done.put((name, [warning(name, text, "please report this")]))

    for name, examination in examinations.items():  # which nothing waits for at the end of the program
        threading.Thread(target=make, args=(name, examination), name=f"doctor {name}", daemon=True).start()
    until = monotonic() + seconds
    found: dict[str, list[Finding]] = {}
    while len(found) < len(examinations):
        try:
            name, findings = done.get(timeout=max(0.0, until - monotonic()))
        except queue.Empty:
            break
        found[name] = findings
    late = f"it was not finished within {seconds:g} s"
    return [finding for name in examinations for finding in found.get(name, [warning(name, late)])]


def program(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Versions, and what of the environment is not heeded."""
    yield Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    versions = []
    for name in _LIBRARIES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            yield problem(name, "it is not installed", "install feedbot anew, with pip", CONFIGURATION)
    yield Finding("feedbot", f"{__version__} ({', '.join(versions)})")
    told = proxies(environment)
    if told is not None:
        yield told


def extras(configuration: Configuration) -> Iterator[Finding]:
    """Whether what the configuration asks for is installed."""
    wanted = [_EXTRAS[settings.type] for settings in configuration.sinks.values() if settings.type in _EXTRAS]
    if configuration.feedbot.callback:
        wanted.append(("starlette", "web"))
    if not isinstance(configuration.state, Path):
        wanted.append(("psycopg", "scale"))
    for module, extra in dict.fromkeys(wanted):
        if util.find_spec(module) is None:
            hint = f"pip install 'feedbot[{extra}]'"
            yield problem("extras", f"the configuration takes {module}, which is not installed", hint, CONFIGURATION)


def state(configuration: Configuration) -> Iterator[Finding]:
    """Whether the state can be used, and is sound."""
    from feedbot.store.store import Store

    place = configuration.state
    if isinstance(place, Path):
        yield from _writable("state", place.parent, STATE)
        size = place.stat().st_size if place.exists() else 0
        yield disk("disk", shutil.disk_usage(_standing(place.parent)).free, size)
        if not place.exists():
            yield Finding("state", f"there is none at {place} yet; the first run makes it")
            return
        if not os.access(place, os.W_OK):
            yield problem("state", f"{place} cannot be written", "check who owns it", STATE)
        if place.stat().st_mode & _OPEN_TO_OTHERS:
            yield warning("state", f"{place} can be written by anybody", f"chmod o-w {place}")
    Store.open_to_read(place).close()
    yield from _sound(configuration)


def output(configuration: Configuration) -> Iterator[Finding]:
    """Whether feeds can be written, and read by who serves them."""
    if configuration.bucket is not None:
        yield from _bucket(configuration)
        return
    folder = configuration.output_path
    yield from _writable("output", folder, STATE)
    room = disk("output", shutil.disk_usage(_standing(folder)).free)
    yield replace(room, text=f"{folder}: {room.text}")
    if folder.is_dir() and not folder.stat().st_mode & _READ_BY_OTHERS:
        yield warning("output", f"other users may not read {folder}", f"chmod o+rx {folder}, if a server serves it")


def _bucket(configuration: Configuration) -> Iterator[Finding]:
    from feedbot.engine.output import OutputError
    from feedbot.parts import Parts

    parts = Parts(configuration, out=io.StringIO())
    try:
        parts.output(lambda: datetime.now(UTC)).look()
    except OutputError as error:
        yield problem("output", str(error.strerror), error.hint, STATE)
    else:
        yield Finding("output", f"{configuration.bucket} can be listed")
    finally:
        parts.close()


def tls(configuration: Configuration) -> Iterator[Finding]:
    """Whether there are authorities to trust."""
    import certifi

    bundle = Path(certifi.where())
    try:
        context = ssl.create_default_context(cafile=str(bundle))
    except (OSError, ValueError) as error:
        yield problem("tls", f"the authorities in {bundle} cannot be read: {error}", "pip install certifi", SOURCES)
        return
    if configuration.ca_path is not None:
        try:
            context.load_verify_locations(configuration.ca_path)
        except (OSError, ValueError):
            text = f"the ca_file {configuration.ca_path} holds no certificates that can be read"
            yield problem("tls", text, "check ca_file in [feedbot]: it is PEM", SOURCES)
    count = context.cert_store_stats()["x509_ca"]
    yield Finding("tls", f"{ssl.OPENSSL_VERSION}, {count} authorities are trusted")


def git(configuration: Configuration) -> Iterator[Finding]:
    """Whether git is there, where a source takes it."""
    if not any(getattr(settings, "git", "") for settings in configuration.sources.values()):
        return
    path = shutil.which("git")
    if path is None:
        yield problem("git", "it is not installed, and a source is a repository", "apt install git", SOURCES)
        return
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603
    found = re.search(r"(\d+)\.(\d+)\S*", said)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST_GIT:
        yield problem("git", f"{said.strip() or 'it does not run'}", "2.31 or newer is needed", SOURCES)
    else:
        yield Finding("git", found[0])


def schedule(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Whether feedbot is run by something."""
    polls = [state.last_poll for state in _states(configuration) if state.last_poll is not None]
    intervals = [
        s.interval if s.interval != "auto" else s.max_interval for s in configuration.sources.values() if not s.paused
    ]
    told = punctual(polls, min(intervals), now) if intervals else None
    if told is not None:
        yield told


def time(configuration: Configuration, now: datetime, ahead: Sequence[timedelta]) -> Finding:
    """Whether the clock can be right; ``ahead`` is by how much it is so of each server that was asked."""
    written = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    polls = [state.last_poll for state in _states(configuration) if state.last_poll is not None]
    return clock(now, ahead, max((written, *polls)))


def _writable(topic: str, folder: Path, code: int) -> Iterator[Finding]:
    """Whether files can be made in a folder, which is made itself when that is needed."""
    there = _standing(folder)
    if not there.is_dir():
        yield problem(topic, f"{there} is no folder", "give another path in [feedbot]", code)
    elif not os.access(there, os.W_OK | os.X_OK):
        yield problem(topic, f"{there} cannot be written to", f"check who owns it; feedbot runs as {_user()}", code)


def _standing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container gives it any number
        return f"user {os.getuid()}"


def _sound(configuration: Configuration) -> Iterator[Finding]:
    from feedbot.store.schema import REVISION
    from feedbot.store.upkeep import faults

    place = configuration.state
    if not isinstance(place, Path):
        yield Finding("state", f"{place}")
        return
    found = faults(place)
    for line in found:
        yield problem("state", line, "restore a backup; what can be read is not lost (feedbot entry list)", STATE)
    if not found:
        size = place.stat().st_size / 1e6
        yield Finding("state", f"{place}: sound, {size:.1f} MB, schema {REVISION}")


def _states(configuration: Configuration) -> list[SourceState]:
    """What is known of sources; nothing where the state cannot be read, which is told elsewhere."""
    from feedbot.store.store import Store

    try:
        store = Store.open_to_read(configuration.state)
    except FeedbotError:
        return []
    try:
        return [state for name, state in store.sources.states().items() if name in configuration.sources]
    finally:
        store.close()
