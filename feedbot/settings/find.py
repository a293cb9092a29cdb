"""Where the configuration file is looked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from feedbot.errors import ConfigError

FILE_NAME = "feedbot.toml"


def find_config(explicit: Path | None, env: Mapping[str, str], cwd: Path) -> tuple[Path, str]:
    """The configuration file to use, and what named it ("--config", "$FEEDBOT_CONFIG", ...).

    Raises ConfigError when the named file does not exist, or when none stands in any of the usual places.
    """
    if explicit is not None:
        return _named(explicit, "--config")
    if env.get("FEEDBOT_CONFIG"):
        return _named(Path(env["FEEDBOT_CONFIG"]), "$FEEDBOT_CONFIG")
    places = list(_places(env, cwd))
    for path, why in places:
        if os.path.exists(path):  # noqa: PTH110 (unlike Path.exists, it is False for a forbidden folder)
            return path, why
    looked = "; ".join(["--config (not given)", "$FEEDBOT_CONFIG (not set)", *(str(path) for path, _ in places)])
    raise ConfigError(
        f"no configuration file found; looked at: {looked}",
        "to see feedbot at work: feedbot run --config config.example.toml; for one of your own: feedbot init",
    )


def default_state(env: Mapping[str, str], folder: Path) -> Path:
    """Where the state is kept when the configuration does not say: systemd's, else the user's state folder.

    Follows systemd.exec (STATE_DIRECTORY, the first where several) and the XDG base directory specification.
    """
    if env.get("STATE_DIRECTORY"):
        return Path(env["STATE_DIRECTORY"].split(":")[0]) / "feedbot.db"
    base = _xdg(env, "XDG_STATE_HOME", ".local/state")
    return (base / "feedbot" if base else folder) / "feedbot.db"


def _named(path: Path, why: str) -> tuple[Path, str]:
    try:
        path = path.expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError, RuntimeError):
        hint = "feedbot init writes one" if why == "--config" else f"it is named by {why}"
        raise ConfigError(f"there is no configuration file {path}", hint) from None
    except (OSError, ValueError):
        pass  # whoever reads the file says best what is the matter with it
    return path, why


def _places(env: Mapping[str, str], cwd: Path) -> Iterator[tuple[Path, str]]:
    yield cwd / FILE_NAME, f"./{FILE_NAME}"
    user = _xdg(env, "XDG_CONFIG_HOME", ".config")
    if user:
        yield user / "feedbot" / "config.toml", "the user's configuration"
    yield Path("/etc/feedbot/config.toml"), "the system's configuration"


def _xdg(env: Mapping[str, str], variable: str, below_home: str) -> Path | None:
    """A base directory; a relative one is ignored, as the specification asks. None for a user without a home."""
    given = Path(env.get(variable, ""))
    if given.is_absolute():
        return given
    try:
        return (Path(env["HOME"]) if env.get("HOME") else Path.home()) / below_home
    except RuntimeError:
        return None
