"""Serves the feeds of a configuration: what stands where, to whom, and on which address."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from starlette.types import ASGIApp

from feedbot import plugins
from feedbot.core.uri import as_uri
from feedbot.errors import UsageError
from feedbot.metrics import has_client, require_client
from feedbot.settings import Configuration
from feedbot.web.application import application
from feedbot.web.callback import Callback
from feedbot.web.folder import Folder, Site
from feedbot.web.metrics import Metrics
from feedbot.web.server import Server, is_loopback


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
        gather: Callable[[Configuration], bytes] | None = None,
    ) -> None:
        _demand_token(configuration, host)
        self._host = host
        self._check = check
        self._configuration = configuration
        self._private = is_loopback(host)
        self._folder = Folder(site(configuration))
        self.server = Server(self._application(callback, gather), host, port)

    def replace(self, configuration: Configuration) -> None:
        """Go on with the feeds of another configuration.

        Raises UsageError, and goes on with the former, where the other has no token and the address demands one.
        """
        _demand_token(configuration, self._host)
        self._folder.replace(site(configuration))
        self._configuration = configuration

    def _application(self, callback: Callback | None, gather: Callable[[Configuration], bytes] | None) -> ASGIApp:
        metrics = None
        if gather is not None and self._configuration.feedbot.metrics is not False:
            wanted = self._configuration.feedbot.metrics
            if wanted:
                require_client()
            if wanted or (self._private and has_client()):
                metrics = Metrics(partial(self._gather, gather), self._token)
        return application(self._folder, self._wrong, callback, metrics, discreet=not self._private)

    def _gather(self, gather: Callable[[Configuration], bytes]) -> bytes:
        return gather(self._configuration)

    def _token(self) -> str | None:
        token = self._configuration.feedbot.token
        return None if token is None else token.get_secret_value()

    def _wrong(self) -> Mapping[str, str]:
        output = self._folder.site.folder
        missing = {} if os.access(output, os.R_OK | os.X_OK) else {"output": f"{output} cannot be read"}
        return {**missing, **self._check()}


def _demand_token(configuration: Configuration, host: str) -> None:
    if configuration.feedbot.token is None and not is_loopback(host):
        raise UsageError(
            f"anybody could reach {host}, and no token guards what is not for everybody",
            "set token (or token_file) in [feedbot], or listen on 127.0.0.1 behind a proxy",
        )


def site(configuration: Configuration) -> Site:
    """What the output folder of a configuration holds. Raises UsageError where feeds are in a bucket."""
    if configuration.bucket is not None:
        raise UsageError(
            f"feeds are published to {configuration.bucket}, not to a folder that could be served",
            "let the bucket, or what stands before it, serve them",
        )
    types: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for name, settings in configuration.feeds.items():
        formats = [plugins.load(plugins.FORMATS, kind) for kind in settings.formats]
        types |= {form.extension: form.media_type for form in formats}
        aliases |= dict.fromkeys(map(str.casefold, settings.aliases), f"{name}.{formats[0].extension}")
    return Site(
        folder=configuration.output_path,
        types=types,
        aliases=aliases,
        tokens={
            name: settings.token.get_secret_value()
            for name, settings in configuration.feeds.items()
            if settings.token is not None
        },
        hubs={name: as_uri(settings.hub) for name, settings in configuration.feeds.items() if settings.hub},
        base_url=configuration.feedbot.base_url,
    )
