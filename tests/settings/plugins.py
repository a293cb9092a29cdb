"""Small plugins for the tests of settings: they have settings and do nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from feedbot.plugins import Allowance, Duration, Place, SinkSettings, Size, SourceSettings


class WebSettings(SourceSettings):
    url: str
    """The address to read."""
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    allow_private: tuple[Allowance, ...] = ()
    verify_tls: bool = True
    max_bytes: Size = 1000


class WebSource:
    Settings = WebSettings


class FolderSettings(SourceSettings):
    path: str
    preset: Literal["auto", "hugo", "jekyll"] = "auto"

    @field_validator("path")
    @classmethod
    def _exists(cls, path: str) -> str:
        if path.startswith("missing"):
            raise ValueError(f"there is no folder {path!r}")
        return path

    def places(self) -> Sequence[Place]:
        return (Place("path", self.path, "folder"),)


class FolderSource:
    Settings = FolderSettings


class FaultySource:
    """Has no settings."""


class MoodySettings(SourceSettings):
    @model_validator(mode="after")
    def _fails(self) -> MoodySettings:
        raise KeyError("moody")


class MoodySource:
    Settings = MoodySettings


class HookSettings(SinkSettings):
    url: SecretStr
    secret: SecretStr | None = None
    wait: Duration | None = None

    @field_validator("url")
    @classmethod
    def _http(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith("http"):
            raise ValueError(f"{url.get_secret_value()!r} is no web address")
        return url


class HookSink:
    Settings = HookSettings


class MailSettings(SinkSettings):
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    sender: str = Field(alias="from")
    to: tuple[str, ...] = Field(min_length=1)
    username: str = ""
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _both(self) -> MailSettings:
        if self.username and self.password is None:
            raise ValueError("a username needs a password")
        return self


class MailSink:
    Settings = MailSettings


class PrintSink:
    Settings = SinkSettings


class AtomFormat:
    extension = "atom"


class JsonFormat:
    extension = "json"


class RssFormat:
    extension = "rss"
