"""Posts what is new to a Slack channel, through an incoming webhook or as an app (docs.slack.dev, Block Kit)."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import model_validator

from feedbot.errors import DeliveryError
from feedbot.message.chat import Notice, Tell, fit, notice
from feedbot.message.listing import linked, listing, sources, titled
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.editing import EditingSettings, EditingSink
from feedbot.sinks.posting import Said, SecretUrl, Server, Token, text_of

_HEADER, _SUMMARY, _CONTEXT, _FALLBACK, _ALT = 150, 600, 300, 600, 200
_URL = 3000
_LIST = 2900  # of the 3000 that a section may have
_PASSING = frozenset("ratelimited rate_limited internal_error fatal_error request_timeout service_unavailable".split())
_HINTS = {
    "channel_not_found": "check channel, and invite the app to it",
    "not_in_channel": "invite the app to the channel",
    "invalid_auth": "check token",
    "missing_scope": "give the app the scope chat:write",
}


class SlackSettings(EditingSettings):
    """Keys of a sink of type ``slack``: either ``url``, or ``token`` and ``channel``."""

    url: SecretUrl | None = None
    """The address of an incoming webhook, kept secret."""
    token: Token | None = None
    """The token of an app ("xoxb-..."), in place of a webhook."""
    channel: str = ""
    """The channel that the app posts to: its id, or "#name"."""
    server: Server = "https://slack.com"
    """Where Slack's interface for apps is."""
    images: bool = True
    """Whether the image of an entry is shown."""

    @model_validator(mode="after")
    def _fits_together(self) -> SlackSettings:
        if (self.url is None) == (self.token is None):
            raise ValueError("give either url, of an incoming webhook, or token and channel, of an app")
        if (self.token is None) != (not self.channel):
            raise ValueError("token and channel need each other")
        if self.on_update == "edit" and self.token is None:
            raise ValueError('on_update = "edit" needs token and channel: an incoming webhook cannot edit')
        return self


class SlackSink(EditingSink):
    """One message a change: a header, how it begins, where it is from, a button that leads there."""

    Settings = SlackSettings

    def __init__(self, settings: SlackSettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.url, settings.token))
        self._images = settings.images
        self._channel = settings.channel
        if settings.url is not None:
            self._url, self._login = settings.url.get_secret_value(), {}
        else:
            token = settings.token.get_secret_value() if settings.token else ""
            self._url = f"{settings.server}/api/chat.postMessage"
            self._login = {"Authorization": f"Bearer {token}"}
        self._place = {"channel": settings.channel} if settings.channel else {}
        self._update_url = f"{settings.server}/api/chat.update"

    def publish(self, delivery: Delivery, now: datetime) -> str:
        """Post a change. The receipt is the channel as it is configured, its id and the time of the message."""
        answer = self._tell(delivery, self._url, self._place, now)
        channel, moment = text_of(answer, "channel"), text_of(answer, "ts")
        return f"{self._channel} {channel} {moment}" if channel and moment else ""

    def edit(self, delivery: Delivery, receipt: str, now: datetime) -> bool:
        """Change a message of the channel (chat.update)."""
        parts = receipt.rsplit(" ", 2)
        if len(parts) != 3 or parts[0] != self._channel:
            return False
        self._tell(delivery, self._update_url, {"channel": parts[1], "ts": parts[2]}, now)
        return True

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Post many changes as one list."""
        self._post(self._url, {**digest_payload(digest, self.tell), **self._place}, now)

    def _tell(self, delivery: Delivery, url: str, place: Mapping[str, str], now: datetime) -> Any:
        """Ask with a change. Slack refuses whole messages for an image that it cannot load: then it goes without."""
        try:
            return self._post(url, {**payload(delivery, self.tell, images=self._images), **place}, now)
        except DeliveryError as error:
            if not (self._images and self.tell(delivery).image and "invalid_blocks" in error.message):
                raise
        return self._post(url, {**payload(delivery, self.tell, images=False), **place}, now)

    def _post(self, url: str, message: Mapping[str, Any], now: datetime) -> Any:
        answer = self.post(url, message, now, read=_said, secret_headers=self._login)
        if isinstance(answer, dict) and answer.get("ok") is False:
            raise self._refusal(text_of(answer, "error"))
        return answer

    def _refusal(self, code: str) -> DeliveryError:
        """Slack answers apps 200 in any case, with its no in the body."""
        text = f"Slack did not take the message: {self.excuse(self._url, code) or 'no reason given'}"
        passing = code in _PASSING
        return DeliveryError(text, _HINTS.get(code, ""), refused=not passing, sink_down=passing)


def payload(delivery: Delivery, tell: Tell = notice, *, images: bool = True) -> dict[str, Any]:
    """The message of a change. ``text`` is what notifications show; ``verbatim`` keeps names from becoming links."""
    told = tell(delivery)
    title = fit(told.title, _HEADER)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}]
    image = {"type": "image", "image_url": told.image, "alt_text": title[:_ALT]}
    pictured = images and 0 < len(told.image) <= _URL
    summary = fit(told.text, _SUMMARY, _escaped)
    if summary:
        accessory = {"accessory": image} if pictured else {}
        blocks.append({"type": "section", "text": _mrkdwn(summary), **accessory})
    elif pictured:
        blocks.append(image)
    blocks.append({"type": "context", "elements": [_mrkdwn(_context(told))]})
    linked = 0 < len(told.url) <= _URL
    if linked:
        label = {"type": "plain_text", "text": "Read post", "emoji": False}
        blocks.append({"type": "actions", "elements": [{"type": "button", "text": label, "url": told.url}]})
    return {
        "text": fit(told.title, _FALLBACK, _escaped) + (f" {_escaped(told.url)}" if linked else ""),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def digest_payload(digest: Digest, tell: Tell = notice) -> dict[str, Any]:
    """The message of a digest: a header, where its entries come from, and a list of links."""
    listed = listing(digest, tell)
    header = {"type": "header", "text": {"type": "plain_text", "text": listed.heading, "emoji": False}}
    context = {"type": "context", "elements": [_mrkdwn(fit(sources(listed.told), _CONTEXT, _escaped))]}
    section = {"type": "section", "text": _mrkdwn(listed.text(_LIST, _line))}
    return {
        "text": listed.heading,
        "blocks": [header, context, section],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _line(told: Notice) -> str:
    title = titled(told, _escaped)
    # A label may hold neither of the signs that a link is made of.
    address = _escaped(told.url).replace("|", "%7C")
    return f"• <{address}|{title}>" if linked(told) and title else f"• {title}"


def _context(told: Notice) -> str:
    moment = told.moment.astimezone(UTC)
    fallback = f"{moment.day} {moment:%b} {moment.year}"
    date = f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"
    return " · ".join(part for part in (fit(told.about, _CONTEXT, _escaped), date) if part)


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _said(body: Any, _headers: Mapping[str, str]) -> Said:
    return Said(body if isinstance(body, str) else text_of(body, "error"))
