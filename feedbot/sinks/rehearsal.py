"""Plays the part of every receiver, so that a message can be looked at which is not sent."""

from __future__ import annotations

import json
from datetime import datetime

from feedbot.http import Request, Response
from feedbot.http.target import parse_target

_YES = json.dumps({"ok": True, "did": "did:plc:preview", "accessJwt": "preview"}).encode()


class Rehearsal:
    """An HTTP client that asks nobody: it keeps the last request, and says yes as any service would."""

    def __init__(self) -> None:
        self._last: Request | None = None

    def send(self, request: Request, now: datetime) -> Response:
        """Keep a request in place of sending it."""
        self._last = request
        return Response(status=200, url=request.url, headers={}, body=_YES)

    def close(self) -> None:
        """Nothing to let go of."""

    @property
    def text(self) -> str:
        """The last request as a person reads it: where to, headers that are no secret, the body laid out."""
        if self._last is None:
            return ""
        # The path may be the secret of a webhook.
        place = parse_target(self._last.url, secret_path=True).place
        shown = {name: "***" if "signature" in name else value for name, value in self._last.headers.items()}
        headers = [f"{name}: {value}" for name, value in shown.items()]
        headers += [f"{name}: ***" for name in self._last.secret_headers]
        return "\n".join([f"{self._last.method} {place}", *headers, "", laid_out(self._last.body or b"")])


def laid_out(body: bytes) -> str:
    """JSON as lines for people."""
    return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
