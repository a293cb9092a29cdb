"""Whatever an entry says: each message keeps its service's limits, and nothing in it is live."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedbot.message.chat import graphemes, utf8, utf16
from feedbot.model import Author, Delivery
from feedbot.plugins import SINKS, load
from feedbot.sinks import (
    apprise,
    bluesky,
    discord,
    gotify,
    mastodon,
    matrix,
    mattermost,
    ntfy,
    pushover,
    slack,
    teams,
    telegram,
)
from tests.sinks.builders import delivery

EVIL = (
    "@everyone @here @channel @all <!here> <!channel|x> <@U123> <@&4> <#C1> <at>x</at> @user@host.example #tag ＃tag "
    "**b** _i_ ~~s~~ `c` [click](https://evil.example/) || :smile: <t:1:R> {{DATE(2026-01-01T00:00:00Z,SHORT)}} /start "
    "\x1b[31m\x00\u202e <b>&amp;</b> https://mastodon.example/@user https://a.example/[x](https://b.example/)"
)
texts = st.one_of(
    st.text(),
    st.text("@<>&#_*`[]()|~:\\/!{} \n\u200b\u0301e🎉日a"),
    st.text(min_size=1, max_size=30).map(lambda text: text * 300),
    st.sampled_from([EVIL, "&" * 5000, "'\"" * 3000, "🎉" * 3000, "é\u0301" * 2000, f"https://x.example/{'a' * 3000}"]),
)
urls = st.one_of(
    st.just("https://example.org/welcome/"),
    st.just("https://exämple.org/ü?a=1&b=\"'<>#f"),
    st.integers(1, 5000).map(lambda length: f"https://example.org/{'p' * length}"),
    st.text().map(lambda text: f"https://example.org/{text}"),
    texts,
)


def _escaped_html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    return delivery(
        change=draw(st.sampled_from(["new", "updated", "withdrawn"])),
        diff=draw(texts),
        title=draw(texts),
        content=draw(texts.map(_escaped_html)),
        summary=draw(st.one_of(st.just(""), texts)),
        source=draw(st.one_of(st.just("planet"), texts)),
        authors=(Author(draw(texts)),),
        tags=tuple(draw(st.lists(texts, max_size=4))),
        url=draw(urls),
        image=draw(urls),
        language=draw(st.sampled_from(["", "en", "pt-BR", "x" * 99])),
    )


evil = example(
    change=delivery(title=EVIL, content=_escaped_html(EVIL), source=EVIL, authors=(Author(EVIL),), tags=(EVIL, "a b"))
)
every = settings(max_examples=60)


def strings(value: Any) -> Iterator[str]:
    """All texts within a message that are not addresses by themselves."""
    if isinstance(value, str):
        if not re.fullmatch(r"https?://\S+", value):
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def check(message: Any) -> None:
    """What holds for each service: JSON in UTF-8, no control characters, no live mention."""
    json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    for text in strings(message):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]", text)


def without_addresses(text: str) -> str:
    return re.sub(r"https?://\S+", "", text)


@evil
@every
@given(change=deliveries())
def test_slack(change: Delivery) -> None:
    message = slack.payload(change)
    check(message)
    blocks = {block["type"]: block for block in message["blocks"]}
    assert 1 <= utf16(blocks["header"]["text"]["text"]) <= 150
    assert blocks["header"]["text"]["type"] == "plain_text"
    if "section" in blocks:
        assert 1 <= utf16(blocks["section"]["text"]["text"]) <= 600
    assert len(blocks["context"]["elements"][0]["text"]) <= 3000
    if "actions" in blocks:
        assert len(blocks["actions"]["elements"][0]["url"]) <= 3000
    assert len(json.dumps(message)) < 13_000 or not json.dumps(message).isascii()
    for text in strings(message):
        dateless = re.sub(r"<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|[\w ]+>", "", text)
        assert "<" not in dateless or text == blocks["header"]["text"]["text"]
        assert ">" not in dateless or text == blocks["header"]["text"]["text"]


@evil
@every
@given(change=deliveries())
def test_discord(change: Delivery) -> None:
    message = discord.payload(change)
    check(message)
    (embed,) = message["embeds"]
    assert message["allowed_mentions"] == {"parse": []}
    assert 1 <= utf16(embed["title"]) <= 256
    assert utf16(embed.get("description", "")) <= 700
    assert utf16(embed.get("author", {}).get("name", "")) <= 256
    assert utf16(embed["footer"]["text"]) <= 2048
    assert len(embed.get("url", "")) <= 2048
    for text in (embed["title"], embed.get("description", "")):
        assert not re.search(r"@\w|<[@#!:t]|@&", text)
        assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]|`*]", without_addresses(text))


@evil
@every
@given(change=deliveries())
def test_mattermost(change: Delivery) -> None:
    message = mattermost.payload(change)
    check(message)
    (attachment,) = message["attachments"]
    assert utf16(attachment["title"]) <= 250
    assert utf16(attachment["text"]) <= 1000
    assert not any(re.search(r"@\w|<!", text) for text in strings(message))
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]|`*]", without_addresses(attachment["text"]))


@evil
@every
@given(change=deliveries())
def test_teams(change: Delivery) -> None:
    message = teams.payload(change)
    check(message)
    assert len(json.dumps(message).encode()) < 28_000
    assert all(block["type"] in ("RichTextBlock", "Image") for block in message["attachments"][0]["content"]["body"])
    assert not any(re.search(r"@\w|<at|\{\{", text) for text in strings(message))


@evil
@every
@given(change=deliveries())
def test_telegram(change: Delivery) -> None:
    message = telegram.payload(change)
    check(message)
    text = message["text"]
    assert 1 <= utf16(text) <= 4096
    assert set(re.findall(r"</?(\w+)", text)) <= {"a", "b", "i"}
    assert not re.search(r"(?<![\w;/.?=&%-])@\w|(?<!\S)/\w", re.sub(r'href="[^"]*"', "", text))
    assert not re.search(r"&(?!amp;|lt;|gt;|quot;|#x27;)", text)


@evil
@every
@given(change=deliveries())
def test_matrix(change: Delivery) -> None:
    message = matrix.payload(change)
    check(message)
    assert message["m.mentions"] == {}
    assert len(json.dumps(message).encode()) < 65_536
    assert set(re.findall(r"</?(\w+)", message["formatted_body"])) <= {"strong", "a", "p", "br", "em"}


@evil
@every
@given(change=deliveries())
def test_mastodon(change: Delivery) -> None:
    options = mastodon.MastodonSettings.model_validate({"type": "mastodon", "server": "https://a.b", "token": "t"})
    message = mastodon.payload(change, options)
    check(message)
    status = message["status"]
    assert 1 <= mastodon.counted(status) <= 500
    assert not re.search(r"@\w", status.replace(change.entry.url, ""))
    address = re.search(r"https://example\.org/p+$", status, re.MULTILINE)
    assert address is None or address[0] == change.entry.url


@evil
@every
@given(change=deliveries())
def test_bluesky(change: Delivery) -> None:
    options = bluesky.BlueskySettings.model_validate({"type": "bluesky", "handle": "me.example", "password": "p"})
    record = bluesky.payload(change, options)
    check(record)
    data = record["text"].encode()
    assert 1 <= graphemes(record["text"]) <= 300
    assert len(data) <= 3000
    for facet in record["facets"]:
        named = data[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
        (feature,) = facet["features"]
        assert named == (f"#{feature['tag']}" if "tag" in feature else feature["uri"])


@evil
@every
@given(change=deliveries())
def test_ntfy(change: Delivery) -> None:
    options = ntfy.NtfySettings.model_validate({"type": "ntfy", "topic": "t", "tags": ("loudspeaker",)})
    message = ntfy.payload(change, options)
    check(message)
    assert 1 <= utf8(message["message"]) <= 4096
    assert len(message.get("click", "")) <= 2000
    assert utf8(json.dumps(message, ensure_ascii=False)) <= 2 * 4096


@evil
@every
@given(change=deliveries())
def test_gotify(change: Delivery) -> None:
    message = gotify.payload(change)
    check(message)
    assert 1 <= len(message["message"]) <= 4000


@evil
@every
@given(change=deliveries())
def test_pushover(change: Delivery) -> None:
    message = pushover.payload(change)
    check(message)
    assert utf16(message["title"]) <= 250
    assert 1 <= utf16(message["message"]) <= 1024
    assert len(message.get("url", "")) <= 512


@evil
@every
@given(change=deliveries())
def test_apprise(change: Delivery) -> None:
    title, body, _ = apprise.payload(change)
    check([title, body])
    assert len(title) <= 250
    assert 1 <= len(body) <= 4000
    assert not re.search(r"@\w|<[@!]", title + body.replace(change.entry.url, ""))


@pytest.mark.parametrize(
    "name", ["slack", "discord", "mattermost", "teams", "telegram", "matrix", "gotify", "pushover"]
)
def test_updates_carry_what_is_different_and_withdrawals_nothing_but_that(name: str) -> None:
    payload = sys.modules[load(SINKS, name).__module__].payload
    diff = "--- before\n+++ after\n@@ -1,2 +1,2 @@\n Welcome\n-Hello, raeder.\n+Hello, reader.\n"
    text = json.dumps(payload(delivery(change="updated", diff=diff)), ensure_ascii=False)
    assert "Updated: Welcome" in text
    assert "Hello, raeder." in text
    assert "@@" not in text
    text = json.dumps(payload(delivery(change="withdrawn", image="https://example.org/i.png", tags=("secret",))))
    assert "Withdrawn: Welcome" in text
    assert not any(word in text for word in ("Hello", "i.png", "secret"))
