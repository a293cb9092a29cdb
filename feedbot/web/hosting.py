"""Serves the feeds of a configuration: what stands where, to whom, and on which address."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from feedbot import plugins
from feedbot.errors import UsageError
from feedbot.settings import Configuration
from feedbot.web.application import application
from feedbot.web.callback import Callback
from feedbot.web.folder import Folder, Site
from feedbot.web.server import Server, is_loopback

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8737


class Hosting:
    """The HTTP server of an installation, whose configuration may be replaced while it runs.

    Raises UsageError where it may not or cannot listen. ``check`` answers at ``/readyz`` with what is not well.
    """

    def __init__(
        self,
        configuration: Configuration,
        host: str,
        port: int,
        check: Callable[[], Mapping[str, str]] = dict,
        callback: Callback | None = None,
    ) -> None:
        if configuration.feedbot.token is None and not is_loopback(host):
            raise UsageError(
                f"anybody could reach {host}, and no token guards what is not for everybody",
                "set token (or token_file) in [feedbot], or listen on 127.0.0.1 behind a proxy",
            )
        self._check = check
        self._folder = Folder(site(configuration))
        self.server = Server(application(self._folder, self._wrong, callback), host, port)

    def replace(self, configuration: Configuration) -> None:
        """Go on with the feeds of another configuration."""
        self._folder.site = site(configuration)

    def _wrong(self) -> Mapping[str, str]:
        output = self._folder.site.folder
        missing = {} if os.access(output, os.R_OK | os.X_OK) else {"output": f"{output} cannot be read"}
        return {**missing, **self._check()}


def site(configuration: Configuration) -> Site:
    """What the output folder of a configuration holds."""
    types: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for settings in configuration.feeds.values():
        formats = [plugins.load(plugins.FORMATS, kind) for kind in settings.formats]
        types |= {form.extension: form.media_type for form in formats}
        aliases |= dict.fromkeys(settings.aliases, formats[0].media_type)
    return Site(
        folder=configuration.output_path,
        types=types,
        aliases=aliases,
        tokens={
            name: settings.token.get_secret_value()
            for name, settings in configuration.feeds.items()
            if settings.token is not None
        },
        hubs={name: settings.hub for name, settings in configuration.feeds.items() if settings.hub},
        base_url=configuration.feedbot.base_url,
    )
