"""Whatever an entry says: each message keeps its service's limits, and nothing in it is live."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedbot.message.chat import graphemes, utf8, utf16
from feedbot.model import Author, Delivery
from feedbot.sinks.mastodon import counted
from tests.sinks.builders import delivery
from tests.sinks.messages import message
from tests.support.examples import examples

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


EVIL_DELIVERY = delivery(
    title=EVIL, content=_escaped_html(EVIL), source=EVIL, authors=(Author(EVIL),), tags=(EVIL, "a b")
)


def any_change(test: Callable[[Delivery], None]) -> Callable[[], None]:
    """Have a test tried with whatever a change may say."""
    return example(change=EVIL_DELIVERY)(examples(20)(given(change=deliveries())(test)))


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


@any_change
def test_slack(change: Delivery) -> None:
    sent = message("slack", change)
    check(sent)
    blocks = {block["type"]: block for block in sent["blocks"]}
    assert 1 <= utf16(blocks["header"]["text"]["text"]) <= 150
    assert blocks["header"]["text"]["type"] == "plain_text"
    if "section" in blocks:
        assert 1 <= utf16(blocks["section"]["text"]["text"]) <= 600
    assert len(blocks["context"]["elements"][0]["text"]) <= 3000
    if "actions" in blocks:
        assert len(blocks["actions"]["elements"][0]["url"]) <= 3000
    assert len(json.dumps(sent)) < 13_000 or not json.dumps(sent).isascii()
    for text in strings(sent):
        dateless = re.sub(r"<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|[\w ]+>", "", text)
        assert "<" not in dateless or text == blocks["header"]["text"]["text"]
        assert ">" not in dateless or text == blocks["header"]["text"]["text"]


@any_change
def test_discord(change: Delivery) -> None:
    sent = message("discord", change)
    check(sent)
    (embed,) = sent["embeds"]
    assert sent["allowed_mentions"] == {"parse": []}
    assert 1 <= utf16(embed["title"]) <= 256
    assert utf16(embed.get("description", "")) <= 700
    assert utf16(embed.get("author", {}).get("name", "")) <= 256
    assert utf16(embed["footer"]["text"]) <= 2048
    assert len(embed.get("url", "")) <= 2048
    for text in (embed["title"], embed.get("description", "")):
        assert not re.search(r"@\w|<[@#!:t]|@&", text)
        assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]|`*]", without_addresses(text))


@any_change
def test_mattermost(change: Delivery) -> None:
    sent = message("mattermost", change)
    check(sent)
    (attachment,) = sent["attachments"]
    assert utf16(attachment["title"]) <= 250
    assert utf16(attachment["text"]) <= 1000
    assert not any(re.search(r"@\w|<!", text) for text in strings(sent))
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]|`*]", without_addresses(attachment["text"]))


@any_change
def test_teams(change: Delivery) -> None:
    sent = message("teams", change)
    check(sent)
    assert len(json.dumps(sent).encode()) < 28_000
    assert all(block["type"] in ("RichTextBlock", "Image") for block in sent["attachments"][0]["content"]["body"])
    assert not any(re.search(r"@\w|<at|\{\{", text) for text in strings(sent))


@any_change
def test_telegram(change: Delivery) -> None:
    sent = message("telegram", change)
    check(sent)
    text = sent["text"]
    assert 1 <= utf16(text) <= 4096
    assert set(re.findall(r"</?(\w+)", text)) <= {"a", "b", "i"}
    assert not re.search(r"(?<![\w;/.?=&%-])@\w|(?<!\S)/\w", re.sub(r'href="[^"]*"', "", text))
    assert not re.search(r"&(?!amp;|lt;|gt;|quot;|#x27;)", text)


@any_change
def test_matrix(change: Delivery) -> None:
    sent = message("matrix", change)
    check(sent)
    assert sent["m.mentions"] == {}
    assert len(json.dumps(sent).encode()) < 65_536
    assert set(re.findall(r"</?(\w+)", sent["formatted_body"])) <= {"strong", "a", "p", "br", "em"}


@any_change
def test_mastodon(change: Delivery) -> None:
    sent = message("mastodon", change)
    check(sent)
    status = sent["status"]
    assert 1 <= counted(status) <= 500
    assert not re.search(r"@\w", status.replace(change.entry.url, ""))
    address = re.search(r"https://example\.org/p+$", status, re.MULTILINE)
    assert address is None or address[0] == change.entry.url


@any_change
def test_bluesky(change: Delivery) -> None:
    record = message("bluesky", change)
    check(record)
    data = record["text"].encode()
    assert 1 <= graphemes(record["text"]) <= 300
    assert len(data) <= 3000
    for facet in record["facets"]:
        named = data[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
        (feature,) = facet["features"]
        assert named == (f"#{feature['tag']}" if "tag" in feature else feature["uri"])


@any_change
def test_ntfy(change: Delivery) -> None:
    sent = message("ntfy", change)
    check(sent)
    assert 1 <= utf8(sent["message"]) <= 4096
    assert len(sent.get("click", "")) <= 2000
    assert utf8(json.dumps(sent, ensure_ascii=False)) <= 2 * 4096


@any_change
def test_gotify(change: Delivery) -> None:
    sent = message("gotify", change)
    check(sent)
    assert 1 <= len(sent["message"]) <= 4000


@any_change
def test_pushover(change: Delivery) -> None:
    sent = message("pushover", change)
    check(sent)
    assert utf16(sent["title"]) <= 250
    assert 1 <= utf16(sent["message"]) <= 1024
    assert len(sent.get("url", "")) <= 512


@any_change
def test_apprise(change: Delivery) -> None:
    title, body, _ = message("apprise", change)
    check([title, body])
    assert len(title) <= 250
    assert 1 <= len(body) <= 4000
    assert not re.search(r"@\w|<[@!]", title + body.replace(change.entry.url, ""))


@pytest.mark.parametrize(
    "name", ["slack", "discord", "mattermost", "teams", "telegram", "matrix", "gotify", "pushover"]
)
def test_updates_carry_what_is_different_and_withdrawals_nothing_but_that(name: str) -> None:
    diff = "--- before\n+++ after\n@@ -1,2 +1,2 @@\n Welcome\n-Hello, raeder.\n+Hello, reader.\n"
    text = json.dumps(message(name, delivery(change="updated", diff=diff)), ensure_ascii=False)
    assert "Updated: Welcome" in text
    assert "Hello, raeder." in text
    assert "@@" not in text
    withdrawn = delivery(change="withdrawn", image="https://example.org/i.png", tags=("secret",))
    text = json.dumps(message(name, withdrawn))
    assert "Withdrawn: Welcome" in text
    assert not any(word in text for word in ("Hello", "i.png", "secret"))
