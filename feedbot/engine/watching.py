"""Watches folders, and tells as soon as something in one of them changed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path, PurePath

LOOK = 1.5
"""Seconds between two looks at folders that the system does not watch for us."""
_PULSE_MS = 500  # between two checks whether the folders are still the same ones
_QUIET_MS, _MOST_MS = 100, 1000  # a change is told when it was quiet for so long, a steady stream of them so often
_UNSEEN = frozenset({"node_modules", "__pycache__"})

log = logging.getLogger(__name__)

_Identity = tuple[int, int] | None
_Changes = Iterator[Collection[tuple[object, str]]]


def told_by_system(folders: Sequence[Path], stop: threading.Event) -> _Changes:
    """What the operating system tells of changes, with nothing now and then. Raises OSError where it cannot."""
    import watchfiles
    from watchfiles._rust_notify import WatchfilesRustInternalError

    try:
        yield from watchfiles.watch(
            *folders,
            watch_filter=None,
            debounce=_MOST_MS,
            step=_QUIET_MS,
            rust_timeout=_PULSE_MS,
            yield_on_timeout=True,
            stop_event=stop,
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
    except WatchfilesRustInternalError as error:
        raise OSError(str(error)) from error


class Watcher:
    """Tells ``touched`` the names of places that changed, in a thread of its own.

    A place that is not there, that vanishes or becomes another one is told as changed, too; so is each place at
    first, as nobody has watched it until then. Where the system cannot watch, it looks itself every few seconds.
    """

    def __init__(
        self,
        touched: Callable[[Collection[str]], None],
        told: Callable[[Sequence[Path], threading.Event], _Changes] = told_by_system,
    ) -> None:
        self._touched = touched
        self._told = told
        self._stop = threading.Event()
        self._places: Mapping[str, Sequence[Path]] = {}
        self._own: tuple[Path, ...] = ()
        self._complained = False

    def watch(self, places: Mapping[str, Sequence[Path]], own: Sequence[Path] = ()) -> None:
        """Watch these places, by name, instead of those before.

        What changes in ``own`` folders and files is the program's own work.
        """
        places = {name: paths for name, paths in places.items() if paths}
        real = tuple(path.resolve() for path in own)
        if (places, real) == (self._places, self._own):
            return
        self.close()
        self._stop, self._places, self._own = threading.Event(), places, real
        if places:
            threading.Thread(target=self._run, args=(places, self._stop), name="watch", daemon=True).start()

    def close(self) -> None:
        """Watch nothing any more."""
        self._stop.set()

    def _run(self, places: Mapping[str, Sequence[Path]], stop: threading.Event) -> None:
        paths = sorted({path for each in places.values() for path in each})
        while not stop.is_set():
            identities = {path: _identity(path) for path in paths}
            self._touched(places.keys())
            try:
                self._follow(places, identities, stop)
            except OSError as error:
                if identities != {path: _identity(path) for path in paths}:
                    continue  # one vanished before it could be watched
                self._complain(error)
                self._look(places, stop)

    def _follow(
        self, places: Mapping[str, Sequence[Path]], before: Mapping[Path, _Identity], stop: threading.Event
    ) -> None:
        """Pass on what the system tells, until the folders are not the same ones any more."""
        there = [path for path, identity in before.items() if identity is not None]
        if not there:
            stop.wait(_PULSE_MS / 1000)
            while not stop.is_set() and before == {path: _identity(path) for path in before}:
                stop.wait(_PULSE_MS / 1000)
            return
        roots = [(path, path.resolve()) for path in there]
        for changes in self._told(there, stop):
            changed = {path for _, name in changes for path, real in roots if self._counts(name, path, real)}
            names = [name for name, paths in places.items() if changed.intersection(paths)]
            if names:
                self._touched(names)
            if before != {path: _identity(path) for path in before}:
                return

    def _look(self, places: Mapping[str, Sequence[Path]], stop: threading.Event) -> None:
        """Look every few seconds whether something changed."""
        before = {name: self._digest(paths) for name, paths in places.items()}
        while not stop.wait(LOOK):
            after = {name: self._digest(paths) for name, paths in places.items()}
            names = [name for name in places if before[name] != after[name]]
            if names:
                self._touched(names)
            before = after

    def _counts(self, name: str, path: Path, real: Path) -> bool:
        """Whether a change of this file is one of the place; hidden folders, as those of git, change without cause."""
        for root in (path, real):
            try:
                inside = PurePath(name).relative_to(root)
            except ValueError:
                continue
            hidden = any(part.startswith(".") or part in _UNSEEN for part in inside.parts[:-1])
            return not hidden and not any((real / inside).is_relative_to(own) for own in self._own)
        return False

    def _digest(self, paths: Sequence[Path]) -> bytes:
        """What is another one when a file below one of the paths is."""
        found = blake2b(digest_size=16)
        for path in paths:
            real = path.resolve()
            for name, stamp in sorted(_stamps(real)):
                if self._counts(name, path, real):
                    found.update(f"{name}\0{stamp}\0".encode(errors="surrogateescape"))
        return found.digest()

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "folders cannot be watched (%s): feedbot looks at them every %g s instead; on Linux, raising "
                "fs.inotify.max_user_watches or fs.inotify.max_user_instances helps",
                error.strerror or error,
                LOOK,
            )


def _identity(path: Path) -> _Identity:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _stamps(path: Path) -> Iterator[tuple[str, str]]:
    """The files below a path, which may be one itself, with when and how they last changed."""
    folders = [str(path)]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as found:
                for entry in found:
                    if not entry.is_dir(follow_symlinks=False):
                        status = entry.stat(follow_symlinks=False)
                        yield entry.path, f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"
                    elif not entry.name.startswith(".") and entry.name not in _UNSEEN:
                        folders.append(entry.path)
        except NotADirectoryError:
            status = path.stat()
            yield folder, f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"
        except OSError:  # gone meanwhile, or not for us
            yield folder, "gone"
