from __future__ import annotations

from pathlib import Path

import pytest

from feedbot.errors import ConfigError
from feedbot.settings import find_config
from feedbot.settings.find import default_state


def touched(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", encoding="utf-8")
    return path


def test_the_option_wins_over_everything_else(tmp_path: Path) -> None:
    named, other = touched(tmp_path / "a.toml"), touched(tmp_path / "feedbot.toml")

    assert find_config(named, {"FEEDBOT_CONFIG": str(other)}, tmp_path) == (named, "--config")


def test_the_environment_variable_comes_next(tmp_path: Path) -> None:
    named = touched(tmp_path / "a.toml")
    touched(tmp_path / "feedbot.toml")

    assert find_config(None, {"FEEDBOT_CONFIG": str(named)}, tmp_path) == (named, "$FEEDBOT_CONFIG")


def test_the_current_folder_comes_before_the_users_configuration(tmp_path: Path) -> None:
    here = touched(tmp_path / "here" / "feedbot.toml")
    user = touched(tmp_path / "xdg" / "feedbot" / "config.toml")
    env = {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "FEEDBOT_CONFIG": ""}

    assert find_config(None, env, tmp_path / "here") == (here, "./feedbot.toml")
    assert find_config(None, env, tmp_path)[0] == user


def test_without_a_variable_the_users_configuration_is_below_the_home_folder(tmp_path: Path) -> None:
    user = touched(tmp_path / ".config" / "feedbot" / "config.toml")

    assert find_config(None, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "relative"}, tmp_path)[0] == user


def test_where_there_is_none_all_places_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_config(None, {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}, tmp_path)

    for place in ("--config", "$FEEDBOT_CONFIG", f"{tmp_path}/feedbot.toml", f"{tmp_path}/xdg/feedbot/config.toml"):
        assert place in caught.value.message
    assert "feedbot init" in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("by_option", [True, False])
def test_a_named_file_that_does_not_exist_is_not_passed_over(tmp_path: Path, by_option: bool) -> None:
    touched(tmp_path / "feedbot.toml")
    missing = tmp_path / "other.toml"
    explicit, env = (missing, {}) if by_option else (None, {"FEEDBOT_CONFIG": str(missing)})

    with pytest.raises(ConfigError, match=r"there is no configuration file .*other\.toml"):
        find_config(explicit, env, tmp_path)


@pytest.mark.parametrize(
    ("env", "config", "state"),
    [
        ({"STATE_DIRECTORY": "/var/lib/f:/var/lib/g"}, "/etc/feedbot/config.toml", "/var/lib/f/feedbot.db"),
        ({"STATE_DIRECTORY": "/var/lib/f"}, "/srv/blog/feedbot.toml", "/var/lib/f/feedbot.db"),
        ({"XDG_STATE_HOME": "/x"}, "/etc/feedbot/config.toml", "/x/feedbot/feedbot.db"),
        ({"XDG_STATE_HOME": "x"}, "/etc/feedbot/config.toml", "/home/me/.local/state/feedbot/feedbot.db"),
        ({}, "/home/me/.config/feedbot/config.toml", "/home/me/.local/state/feedbot/feedbot.db"),
        ({}, "/home/me/.config/feedbot/work.toml", "/home/me/.local/state/feedbot/work.db"),
        ({"XDG_CONFIG_HOME": "/c"}, "/c/feedbot/config.toml", "/home/me/.local/state/feedbot/feedbot.db"),
        ({"XDG_STATE_HOME": "/x"}, "/srv/blog/feedbot.toml", "/srv/blog/feedbot.db"),
        ({}, "/srv/blog/config.toml", "/srv/blog/feedbot.db"),
        ({}, "/srv/blog/work.toml", "/srv/blog/work.db"),
    ],
)
def test_the_state_stands_where_the_system_wants_it_else_beside_its_configuration(
    env: dict[str, str], config: str, state: str
) -> None:
    assert default_state({"HOME": "/home/me", **env}, Path(config)) == Path(state)
