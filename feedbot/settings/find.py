"""Where the configuration file is looked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from feedbot.errors import ConfigError

FILE_NAME = "feedbot.toml"
_USUAL_NAMES = (FILE_NAME, "config.toml")


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
        "feedbot init writes one for the blog in this folder, feedbot init URL for a feed; --config FILE names another",
    )


def default_state(env: Mapping[str, str], config: Path) -> Path:
    """Where the state is kept when the configuration at ``config`` (absolute) does not say.

    Below systemd's $STATE_DIRECTORY (systemd.exec; the first where several). Else, for a configuration in the
    user's or the system's folder, below the user's state folder (XDG base directory specification). Else beside
    the configuration, so that no two of them share what they have seen. A file of another name than the usual
    ones has a state of that name.
    """
    name = "feedbot.db" if config.name in _USUAL_NAMES else f"{config.stem}.db"
    if env.get("STATE_DIRECTORY"):
        return Path(env["STATE_DIRECTORY"].split(":")[0]) / name
    base = _xdg(env, "XDG_STATE_HOME", ".local/state")
    if base and any(_same(config.parent, folder) for folder in _config_folders(env)):
        return base / "feedbot" / name
    return config.parent / name


def _named(path: Path, why: str) -> tuple[Path, str]:
    try:
        path = path.expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError, RuntimeError):
        hint = "" if why == "--config" else f"it is named by {why}"
        raise ConfigError(f"there is no configuration file {path}", hint) from None
    except (OSError, ValueError):
        pass  # whoever reads the file says best what is the matter with it
    return path, why


def _places(env: Mapping[str, str], cwd: Path) -> Iterator[tuple[Path, str]]:
    yield cwd / FILE_NAME, f"./{FILE_NAME}"
    for folder, why in _config_folders(env).items():
        yield folder / "config.toml", why


def _config_folders(env: Mapping[str, str]) -> dict[Path, str]:
    user = _xdg(env, "XDG_CONFIG_HOME", ".config")
    own = {user / "feedbot": "the user's configuration"} if user else {}
    return {**own, Path("/etc/feedbot"): "the system's configuration"}


def _same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


def _xdg(env: Mapping[str, str], variable: str, below_home: str) -> Path | None:
    """A base directory; a relative one is ignored, as the specification asks. None for a user without a home."""
    given = Path(env.get(variable, ""))
    if given.is_absolute():
        return given
    try:
        return (Path(env["HOME"]) if env.get("HOME") else Path.home()) / below_home
    except RuntimeError:
        return None
