"""The bare clone on disk: one process at a time has it, and what a killed one left in it is tidied away."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from filelock import FileLock, Timeout

from feedbot.errors import SourceError
from feedbot.sources.posts.git.command import Git

BRANCH = "refs/heads/feedbot"
MAX_PACKS = 64
"""Fetches after which a clone is made anew: each leaves a pack, and they are looked through one by one."""
_LEFTOVERS = ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/tmp_*")


class Clone:
    """The clone in ``folder``, beside its lock and the ssh keys of the hosts it came from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "clone.git"
        self.known_hosts = folder / "known_hosts"
        self.history = folder / "history.json"
        self._lock = FileLock(folder / "clone.lock", mode=0o600)

    @contextlib.contextmanager
    def held(self, git: Git) -> Iterator[None]:
        """Keep other processes out, by a lock that ends with its process. Raises SourceError where it is not had."""
        if self._lock.is_locked:
            yield
            return
        begun = monotonic()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=git.left)
        except Timeout:
            raise SourceError("another feedbot reads this repository", "it is read at the next poll") from None
        except OSError as error:
            raise SourceError(
                f"{error.filename or self.folder}: {error.strerror}", "check the folder of the state"
            ) from error
        finally:
            git.spend(monotonic() - begun)
        try:
            self.tidy()
            yield
        finally:
            self._lock.release()

    def prepare(self, git: Git, object_format: str = "") -> None:
        """Make an empty clone where there is none, or one whose ids are made in another way ("sha1", "sha256")."""
        if (self.path / "HEAD").is_file() and object_format in ("", self._object_format()):
            return
        self.discard()
        branch = BRANCH.removeprefix("refs/heads/")
        arguments = ("--quiet", "--bare", "--template=", f"--initial-branch={branch}")
        done = git.run("init", *arguments, f"--object-format={object_format or 'sha1'}", "--", str(self.path))
        if done.code:
            raise SourceError(f"no clone can be made in {self.folder}", "check the folder of the state, and git's age")

    def discard(self) -> None:
        """Throw the clone away. Raises SourceError where that cannot be done."""
        if self.path.is_dir():
            shutil.rmtree(self.path, ignore_errors=True)
        if self.path.exists():
            raise SourceError(f"{self.path} is damaged and cannot be removed", "check who owns it")

    @property
    def shallow(self) -> bool:
        """Whether commits before the ones fetched are missing."""
        return (self.path / "shallow").exists()

    @property
    def worn(self) -> bool:
        """Whether it has so many packs that a new clone is better."""
        return sum(1 for _ in (self.path / "objects" / "pack").glob("*.pack")) > MAX_PACKS

    def size(self) -> int:
        """Bytes of what was fetched, with what is coming in just now."""
        total = 0
        for file in (self.path / "objects" / "pack").glob("*"):
            with contextlib.suppress(OSError):  # it was renamed just now
                total += file.stat().st_size
        return total

    def tidy(self) -> None:
        """Remove what a git that was killed left: nobody else works here while the lock is held."""
        for pattern in _LEFTOVERS:
            for left in self.path.glob(pattern):
                with contextlib.suppress(OSError):
                    left.unlink()

    def _object_format(self) -> str:
        try:
            return "sha256" if b"sha256" in (self.path / "config").read_bytes() else "sha1"
        except OSError:
            return "none"
