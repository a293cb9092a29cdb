"""What services are sent of a change or of many, by the plain functions that sinks make it with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from feedbot.model import Delivery, Digest
from feedbot.plugins import SINKS, load

_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "bluesky": {"handle": "me.example", "password": "p"},
    "mastodon": {"server": "https://m.example", "token": "t"},
    "ntfy": {"topic": "t", "tags": ("loudspeaker",)},
}
"""Of those whose messages hang on them."""


def message(name: str, told: Delivery | Digest) -> Any:
    """What the service of that name is sent."""
    sink = load(SINKS, name)
    module = sys.modules[sink.__module__]
    make = module.digest_payload if isinstance(told, Digest) else module.payload
    if name not in _SETTINGS:
        return make(told)
    return make(told, sink.Settings.model_validate({"type": name, **_SETTINGS[name]}))
