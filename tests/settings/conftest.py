from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from feedbot.errors import ConfigError, ConfigProblem
from feedbot.settings import Configuration, load

STAND_INS = {
    "feedbot.sources": {
        "web": "tests.settings.plugins:WebSource",
        "folder": "tests.settings.plugins:FolderSource",
        "broken": "tests.settings.plugins:Nowhere",
        "faulty": "tests.settings.plugins:FaultySource",
        "moody": "tests.settings.plugins:MoodySource",
    },
    "feedbot.sinks": {
        "hook": "tests.settings.plugins:HookSink",
        "mail": "tests.settings.plugins:MailSink",
        "print": "tests.settings.plugins:PrintSink",
    },
    "feedbot.formats": {
        "atom": "tests.settings.plugins:AtomFormat",
        "json": "tests.settings.plugins:JsonFormat",
        "rss": "tests.settings.plugins:RssFormat",
    },
}


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small plugins of our own in place of the installed ones."""

    def points(group: str) -> tuple[EntryPoint, ...]:
        return tuple(EntryPoint(name, value, group) for name, value in STAND_INS[group].items())

    monkeypatch.setattr("feedbot.plugins._own", lambda: ())
    monkeypatch.setattr("feedbot.plugins._points", points)


@dataclass
class Config:
    """Writes configurations into a folder and reads them."""

    folder: Path

    def write(self, text: str, name: str = "feedbot.toml") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, text: str, **env: str) -> Configuration:
        return load(self.write(text), {"HOME": str(self.folder), **env})

    def problems(self, text: str, **env: str) -> tuple[ConfigProblem, ...]:
        with pytest.raises(ConfigError) as caught:
            self.load(text, **env)
        return caught.value.problems

    def problem(self, text: str, **env: str) -> ConfigProblem:
        """The one problem that there is."""
        found = self.problems(text, **env)
        assert len(found) == 1, [str(one) for one in found]
        return found[0]


@pytest.fixture
def config(tmp_path: Path, stand_ins: None) -> Config:
    return Config(tmp_path)
