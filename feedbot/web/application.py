"""The HTTP application: the published feeds, and how the program is doing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from feedbot.web.folder import Folder

Check = Callable[[], Mapping[str, str]]
"""Answers with what is not well, by its name; nothing where all is."""


def application(folder: Folder, check: Check) -> ASGIApp:
    """The application. ``check`` is asked at ``/readyz`` and may take its time."""

    async def healthz(_request: Request) -> Response:
        return _plain(200, "ok")

    def readyz(_request: Request) -> Response:  # in a thread, as it may wait for the disk
        wrong = check()
        if wrong:
            return _plain(503, "\n".join(f"{name}: {text}" for name, text in wrong.items()))
        return _plain(200, "ok")

    routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
    own = Starlette(routes=routes)
    paths = frozenset(route.path for route in routes)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        # Nearly all that is asked for is a file, which needs none of the layers of a web framework.
        await (own if scope["path"] in paths else folder)(scope, receive, send)

    return application


def _plain(status: int, text: str) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return PlainTextResponse(text + "\n", status, headers)
