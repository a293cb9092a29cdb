"""Remembers cleaned HTML from run to run: cleaning is most of what making a feed anew would cost.

Each text is a file named by a digest of all that its cleaning depends on, so that a wrong one is never found and all
of them may be removed at any time. There is no more of them than fits.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from feedbot.core import present

_WORTH_IT = 1500  # characters; less is cleaned as fast as a file is read
_SHARE = 500_000  # bytes that each of the 256 folders may hold
_DIGEST = 16


class Cleaning:
    """Cleans as ``core.present.clean`` does, each text once as long as it is remembered in ``folder``.

    What another version of the cleaner has left there is removed. Where the folder cannot be used, all is cleaned
    each time. May be called from several threads and processes.
    """

    def __init__(self, folder: Path) -> None:
        self._all = folder

    def clean(self, content: str, base: str, base_url: str) -> str:
        """Stored HTML as it may be published; see ``core.present.clean``."""
        if len(content) < _WORTH_IT:
            return present.clean(content, base, base_url)
        made_of = f"{base}\0{base_url if present.ASSET in content else ''}\0{content}"
        name = blake2b(made_of.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).hexdigest()
        path = f"{self._folder}/{name[:2]}/{name[2:]}"  # a Path costs as much as reading it
        found = _read(path)
        if found is None:
            found = present.clean(content, base, base_url)
            with contextlib.suppress(OSError):  # a full disk, a folder that may only be read: cleaned again next time
                self._remember(Path(path), found)
        return found

    @cached_property
    def _folder(self) -> Path:
        import nh3

        # The metadata of the installation take fifty times as long to import and to search.
        return self._all / f"{present.VERSION}-{nh3.__version__}"  # type: ignore[attr-defined]

    def _remember(self, path: Path, text: str) -> None:
        data = text.encode()
        if len(data) > _SHARE // 2:
            return
        if not self._folder.is_dir():
            shutil.rmtree(self._all, ignore_errors=True)
            self._all.mkdir(mode=0o700, parents=True, exist_ok=True)  # no more open to others than the state itself
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_room(path.parent, len(data))
        # Neither synced nor renamed into place: one that is not whole does not match its digest.
        path.write_bytes(_digest(data) + data)


def _read(path: str) -> str | None:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            stored = file.read()
    except OSError:
        return None
    data = stored[_DIGEST:]
    return data.decode() if stored[:_DIGEST] == _digest(data) else None


def _make_room(folder: Path, size: int) -> None:
    """Remove the texts that were remembered first, until another one fits."""
    with os.scandir(folder) as there:
        known = sorted((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in there)
    held = sum(one[1] for one in known)
    for _, freed, path in known:
        if held + size <= _SHARE:
            return
        Path(path).unlink(missing_ok=True)
        held -= freed


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=_DIGEST).digest()
