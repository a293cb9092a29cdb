from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.message import mail
from feedbot.message.headers import Mailbox, parse_mailbox
from feedbot.model import Author, Enclosure
from tests.sinks.builders import delivery
from tests.support.examples import examples

SENDER = Mailbox("Feed, Böt", "feedbot@example.org")
READERS = (Mailbox("", "ada@example.org"), Mailbox("Grace", "grace@example.net"))
LETTERHEAD = mail.Letterhead(sender=SENDER, recipients=READERS)
HEADERS = "From To Subject Date Message-ID List-Id Auto-Submitted Archived-At Content-Type MIME-Version".split()


def sent(**values: object) -> EmailMessage:
    message = message_from_bytes(raw(**values), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def raw(**values: Any) -> bytes:
    return mail.as_bytes(mail.build(delivery(**values), LETTERHEAD))


def text_of(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_a_mail_has_a_text_to_read_and_a_page_to_look_at() -> None:
    message = sent(content="<p>Hello, <a href='https://a.org/'>you</a>.</p>")
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert text_of(message, "plain") == (
        "Welcome\nhttps://example.org/welcome/\nplanet · Ada · 20 Nov 2026, 09:30 UTC\n\n"
        "Hello, you [1].\n\n[1] https://a.org/\n\n-- \n"
        'feedbot tells the sink "readers" of what is new in the source "planet".\n'
        "To get less or nothing of it, change the sink or its routes in feedbot's configuration.\n"
    )
    page = text_of(message, "html")
    assert "<p>Hello, <a href='https://a.org/'>you</a>.</p>" in page
    assert '<a href="https://example.org/welcome/" style="text-decoration: none;">Welcome</a>' in page
    assert "prefers-color-scheme: dark" in page
    assert 'width="600"' in page


def test_the_headers_say_what_a_mail_program_wants_to_know() -> None:
    message = sent()
    assert {name: str(value) for name, value in message.items() if name != "Content-Type"} == {
        "From": '"Feed, Böt" <feedbot@example.org>',
        "To": "ada@example.org, Grace <grace@example.net>",
        "Subject": "[planet] Welcome",
        "Date": "Sat, 21 Nov 2026 12:00:00 +0000",
        "Message-ID": "<0123456789abcdef@example.org>",
        "List-Id": "<planet.feedbot.example.org>",
        "Auto-Submitted": "auto-generated",
        "Archived-At": "<https://example.org/welcome/>",
        "MIME-Version": "1.0",
    }


def test_the_same_delivery_is_the_same_mail_to_the_byte() -> None:
    assert raw() == raw()
    assert raw(key="another") != raw()


def test_an_update_shows_what_changed_on_top() -> None:
    message = sent(change="updated", diff="--- before\n+++ after\n@@ -1 +1 @@\n-Hello <b>\n+Hello, reader\n same")
    assert message["Subject"] == "[planet] Updated: Welcome"
    text, page = text_of(message, "plain"), text_of(message, "html")
    assert "What is different:\n\n    -Hello <b>\n    +Hello, reader\n     same\n\nHello" in text
    assert ">-Hello &lt;b&gt;</del>" in page
    assert ">+Hello, reader</ins>" in page
    assert page.index("+Hello, reader") < page.index("<p>Hello")
    assert "--- before" not in text + page


def test_an_update_without_a_diff_says_that_it_is_one() -> None:
    assert "This entry was changed.\n\nHello" in text_of(sent(change="updated"), "plain")


def test_a_long_diff_is_cut() -> None:
    text = text_of(sent(change="updated", diff="\n".join(f"+{n}" for n in range(1000))), "plain")
    assert "+199\n    … 800 more lines\n" in text


def test_a_withdrawn_entry_is_told_without_its_content() -> None:
    message = sent(change="withdrawn")
    assert message["Subject"] == "[planet] Withdrawn: Welcome"
    for kind in ("plain", "html"):
        assert "its source has taken it away" in text_of(message, kind)
        assert "Hello" not in text_of(message, kind)


def test_an_entry_without_content_shows_its_summary() -> None:
    assert "In short" in text_of(sent(content="", summary="<p>In short</p>"), "html")


def test_an_entry_without_title_address_author_or_text_is_a_mail_too() -> None:
    message = sent(title="", url="", authors=(), content="", published=None)
    assert message["Subject"] == "[planet] (untitled)"
    assert "Archived-At" not in message
    assert text_of(message, "plain").startswith("(untitled)\nplanet · 21 Nov 2026, 12:00 UTC\n\n-- \n")


def test_enclosures_are_listed() -> None:
    enclosures = (Enclosure("https://a.org/1.mp3"), Enclosure("https://a.org/2.mp3"))
    message = sent(enclosures=enclosures)
    assert "Attached: https://a.org/1.mp3\nAttached: https://a.org/2.mp3\n\n-- " in text_of(message, "plain")
    assert 'href="https://a.org/2.mp3"' in text_of(message, "html")


@pytest.mark.parametrize(
    "title",
    [
        "Grüße aus Köln 🎉",
        "日本語のとても長い題名" * 12,
        "a" * 190,
        "word " * 37 + "end",
        "quotes \" ' <b> & =?utf-8?q?=0D=0ABcc:_evil@example.org?= end",
        "=?utf-8?q?=0ABcc:?=",
    ],
)
def test_titles_arrive_as_they_are(title: str) -> None:
    assert sent(title=title)["Subject"] == f"[planet] {title}"


def test_an_overlong_title_is_shortened() -> None:
    message = sent(title="long " * 200_000)
    assert len(message["Subject"]) <= 200
    assert message["Subject"].endswith("…")
    assert len(raw(title="long " * 200_000)) < 20_000


@pytest.mark.parametrize("evil", ["\r\n", *"\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"])
def test_no_line_break_of_any_kind_gets_into_a_header(evil: str) -> None:
    injected = f"Title{evil}Bcc: victim@example.org{evil}{evil}Body"
    message = sent(title=injected, url=f"https://a.org/{evil}Bcc:x", authors=(Author(injected),), source=injected)
    assert "Bcc" not in message
    assert set(message.keys()) <= set(HEADERS)


def test_markup_in_titles_names_and_diffs_is_text() -> None:
    evil = "<script>alert(1)</script>{{ 7*7 }}{% for %}"
    message = sent(title=evil, authors=(Author(evil),), change="updated", diff=f"+{evil}", source=evil)
    page = text_of(message, "html")
    assert "<script>" not in page
    assert "{{ 7*7 }}" in page
    assert "49" not in text_of(message, "plain")


def test_an_address_that_is_not_of_the_web_is_no_link() -> None:
    page = text_of(sent(url="javascript:alert(1)"), "html")
    assert "javascript:" not in page


def test_addresses_with_letters_of_the_world_are_archived_in_ascii() -> None:
    assert sent(url="https://bücher.example/größe?q=ä b")["Archived-At"] == (
        "<https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe?q=%C3%A4%20b>"
    )
    assert sent(url="https://a.org/%C3%A4?x=[1]")["Archived-At"] == "<https://a.org/%C3%A4?x=[1]>"
    assert "Archived-At" not in sent(url="https://a.org/" + "x" * 2000)


ANY = st.text(st.characters(codec=None, categories=None), max_size=200)


@examples(40)
@given(title=ANY, url=ANY, author=ANY, source=ANY, content=ANY, language=ANY, key=ANY, diff=ANY,
       change=st.sampled_from(["new", "updated", "withdrawn"]))  # fmt: skip
def test_no_text_makes_it_fail_add_a_header_or_break_a_rule_of_mail(
    title: str, url: str, author: str, source: str, content: str, language: str, key: str, diff: str, change: str
) -> None:
    values = {"title": title, "url": url, "authors": (Author(author),), "source": source, "content": content,
              "language": language, "key": key, "diff": diff, "change": change}  # fmt: skip
    data = raw(**values)
    data.decode("ascii")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", data)
    head = data.partition(b"\r\n\r\n")[0]
    names = re.findall(rb"(?m)^([^\s:]+):", head)
    assert len(names) == len(set(names))
    assert {name.decode() for name in names} <= set(HEADERS)
    assert max(map(len, head.split(b"\r\n"))) <= 990
    message = message_from_bytes(data, policy=default)
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert not message.defects
    assert not [defect for part in message.walk() for defect in part.defects]


@pytest.mark.parametrize(
    "content", ["x" * 300_000, "日本語" * 100_000, ".\r\n.\n\rFrom x\n" * 1000, "\u2028line\x85" * 5000, "=" * 3000]
)
def test_lines_are_short_whatever_the_content_is(content: str) -> None:
    data = raw(content=content)
    assert max(map(len, data.split(b"\r\n"))) <= 80
    assert len(data) < 2 * 2.5 * len(content.encode()) + 20_000


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("me@example.org", "", "me@example.org"),
        (" me@localhost ", "", "me@localhost"),
        ("My Name <me@example.org>", "My Name", "me@example.org"),
        ('"Name, My" <me+feeds@example.org>', "Name, My", "me+feeds@example.org"),
        ("Jürgen <j@bücher.example>", "Jürgen", "j@xn--bcher-kva.example"),
        ("<me@example.org>", "", "me@example.org"),
    ],
)
def test_addresses_are_read_with_and_without_names(text: str, name: str, address: str) -> None:
    assert parse_mailbox(text) == Mailbox(name, address)


@pytest.mark.parametrize(
    "text",
    ["", "me", "@example.org", "me@", "a b@example.org", "me@example..org", "-oX@example.org", "me@exa_mple.org",
     "me@example.org, you@example.org", "me@example.org>", "Na\nme <me@example.org>", "<me@example.org",
     "ü@example.org", "me@example.org\r\nBcc: x@example.org", ".me@example.org", "a..b@example.org",
     "x" * 65 + "@example.org",
     "\x1b[2J <me@example.org>", "me@-example.org", "x" * 300 + " <me@example.org>"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"mail address|control characters"):
        parse_mailbox(text)


@given(st.text())
def test_no_address_that_is_taken_can_carry_more_than_an_address(text: str) -> None:
    try:
        mailbox = parse_mailbox(f"{text} <me{text}@example.org>")
    except ValueError:
        return
    message = mail.build(delivery(), mail.Letterhead(sender=mailbox, recipients=(mailbox,) * 30))
    back = message_from_bytes(mail.as_bytes(message), policy=default)
    assert set(back.keys()) <= set(HEADERS)
    assert [a.addr_spec for a in back["To"].addresses] == [mailbox.address] * 30
    # This parser keeps the space between two encoded words, which RFC 2047 (6.2) drops.
    assert back["From"].addresses[0].display_name.replace(" ", "") == mailbox.name.replace(" ", "")
