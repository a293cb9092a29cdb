"""The HTTP application: the published feeds, and how the program is doing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from feedbot.engine.subscribing import PATH
from feedbot.web.callback import Callback
from feedbot.web.folder import Folder
from feedbot.web.metrics import Metrics

_PUSHED = f"/{PATH}"

Check = Callable[[], Mapping[str, str]]
"""Answers with what is not well, by its name; nothing where all is."""


def application(
    folder: Folder,
    check: Check,
    callback: Callback | None = None,
    metrics: Metrics | None = None,
    *,
    discreet: bool = False,
) -> ASGIApp:
    """The application. ``check`` is asked at ``/readyz`` and may take its time; ``callback`` is where hubs push to,
    ``metrics`` what Prometheus is answered. ``discreet``: strangers ask, who hear whether it is well and not why."""

    async def healthz(_request: Request) -> Response:
        return _plain(200, "ok")

    def readyz(_request: Request) -> Response:  # in a thread, as it may wait for the disk
        wrong = check()
        if wrong and discreet:
            return _plain(503, "not well")
        if wrong:
            return _plain(503, "\n".join(f"{name}: {text}" for name, text in wrong.items()))
        return _plain(200, "ok")

    routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
    if metrics is not None:
        routes.append(Route("/metrics", metrics.answer))
    paths = frozenset(route.path for route in routes)
    if callback is not None:
        routes.append(Route(f"{_PUSHED}{{token}}", callback.answer, methods=["GET", "POST"]))
    own = Starlette(routes=routes)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        # Nearly all that is asked for is a file, which needs none of the layers of a web framework.
        path = scope["path"]
        ours = path in paths or (callback is not None and path.startswith(_PUSHED))
        await (own if ours else folder)(scope, receive, send)

    return application


def _plain(status: int, text: str) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return PlainTextResponse(text + "\n", status, headers)
