"""The HTTP application: the published feeds, and how the program is doing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from feedbot.web.folder import Folder

Check = Callable[[], Mapping[str, str]]
"""Answers with what is not well, by its name; nothing where all is."""


def application(folder: Folder, check: Check) -> Starlette:
    """The application. ``check`` is asked at ``/readyz`` and may take its time."""

    async def healthz(_request: Request) -> Response:
        return _plain(200, "ok")

    def readyz(_request: Request) -> Response:  # in a thread, as it may wait for the disk
        wrong = check()
        if wrong:
            return _plain(503, "\n".join(f"{name}: {text}" for name, text in wrong.items()))
        return _plain(200, "ok")

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Mount("/", folder)])


def _plain(status: int, text: str) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return PlainTextResponse(text + "\n", status, headers)
