from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.message.chat import as_markdown, notice, utf8, utf16
from feedbot.message.listing import listing, plain_line
from feedbot.message.payload import digest_body
from feedbot.message.values import heading
from tests.sinks.builders import delivery, digest


def test_a_list_has_a_line_an_entry() -> None:
    listed = listing(digest(delivery(title="One"), delivery(title="Two", change="updated", url="")), notice)
    assert listed.heading == "1 new, 1 updated"
    assert listed.text(1000, plain_line()) == "• One https://example.org/welcome/\n• Updated: Two"


@pytest.mark.parametrize(("number", "words"), [(1, "1 new entry"), (3, "3 new entries")])
def test_a_heading_counts(number: int, words: str) -> None:
    assert heading([delivery()] * number) == words


def test_what_does_not_fit_is_counted() -> None:
    listed = listing(digest(*[delivery(title=f"Post {n}", url="") for n in range(100)]), notice)
    lines = listed.lines(100, plain_line())
    assert lines[:2] == ["• Post 0", "• Post 1"]
    assert lines[-1] == f"… and {100 - len(lines) + 1} more"
    assert len("\n".join(lines)) <= 100


@given(
    st.lists(st.tuples(st.text(), st.integers(0, 3000)), min_size=1, max_size=30),
    st.integers(40, 4000),
    st.sampled_from([utf8, utf16]),
)
def test_a_list_keeps_to_its_limit_and_cuts_no_address(
    entries: list[tuple[str, int]], limit: int, measure: object
) -> None:
    made = [delivery(title=title, url=f"https://a.example/{'p' * length}") for title, length in entries]
    text = listing(digest(*made), notice).text(limit, plain_line(as_markdown, measure), measure)  # type: ignore[arg-type]
    assert measure(text) <= limit  # type: ignore[operator]
    whole = {one.entry.url for one in made}
    for line in text.split("\n"):
        if "https://a.example/" in line:
            assert line[line.rindex("https://a.example/") :] in whole


def test_a_digest_as_json_is_the_same_bytes_at_every_try() -> None:
    assert digest_body(digest()) == digest_body(digest())
    assert digest_body(digest()).startswith(
        b'{"type":"digest","timestamp":"2026-11-21T12:00:00Z","data":{"entries":[{"id"'
    )
