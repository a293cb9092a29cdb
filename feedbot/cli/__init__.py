"""The command line. Each command stands in a file of its own, which imports what it needs when it runs."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run feedbot with the arguments of the process, and leave with its exit code.

    0 ran; 1 a bug, or the output cannot be written; 2 usage or configuration; 3 some source failed, 4 some
    delivery failed (both with ``--strict`` only); 5 state not usable; 6 another run holds the lock; 128+n a
    signal.
    """
    # Imports make a great many objects that stay: looking for garbage among them takes an eighth of the start. What
    # works for longer than it imports begins to look when it knows its configuration (see Context.load).
    gc.set_threshold(1_000_000, 20, 20)
    # pydantic would look for plugins of its own in the metadata of every package that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from feedbot.cli.entrance import enter
    from feedbot.cli.output import prepare

    prepare()
    code = enter(sys.argv[1:])
    gc.freeze()  # nor is there a reason to look for any among what ends with the process
    sys.exit(code)
