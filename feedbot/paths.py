"""The paths that a configuration names, which start from its folder."""

from __future__ import annotations

import os
from pathlib import Path


def located(folder: Path, named: str) -> Path:
    """Where a path leads to that a configuration in ``folder`` names, as a person is to read it.

    Raises RuntimeError where it begins with the home of a user that there is not.
    """
    return plain(folder / Path(named).expanduser())


def plain(path: Path) -> Path:
    """A path without ``..``, unless a link on the way makes that another place."""
    if ".." not in path.parts:
        return path
    shorter = Path(os.path.normpath(path))
    return shorter if os.path.realpath(shorter) == os.path.realpath(path) else path
