from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.errors import DeliveryError
from feedbot.sinks.console import ConsoleSink
from tests.sinks.builders import NOW, context, delivery


def printed(tmp_path: Path, **values: Any) -> str:
    out = io.StringIO()
    sink = ConsoleSink(ConsoleSink.Settings(type="console"), context(tmp_path, out=out))
    sink.send(delivery(**values), NOW)
    return out.getvalue()


def test_a_new_entry_is_two_lines_with_title_source_date_summary_and_address(tmp_path: Path) -> None:
    assert printed(tmp_path) == (
        "  NEW  Welcome                                  planet         20 Nov 2026\n"
        "       Hello, reader.                           https://example.org/welcome/\n"
    )


def test_updates_and_withdrawals_say_so_and_keep_the_columns(tmp_path: Path) -> None:
    new = printed(tmp_path).splitlines()[0]
    for change in ("updated", "withdrawn"):
        line = printed(tmp_path, change=change).splitlines()[0]
        assert line.startswith(f"  {change.upper()}  Welcome")
        assert line.index("planet") == new.index("planet")


def test_a_long_title_is_shortened_also_where_characters_are_wide(tmp_path: Path) -> None:
    line = printed(tmp_path, title="word " * 30).splitlines()[0]
    assert line.index("planet") == 48
    assert "…" in line
    wide = printed(tmp_path, title="日本語" * 30).splitlines()[0]
    assert len(wide[: wide.index("planet")]) < 48


@given(st.text(), st.text(), st.text())
def test_no_text_of_a_feed_can_steer_the_terminal(title: str, content: str, url: str) -> None:
    text = printed(Path(), title=title + "\x1b[2J\x9b31m\u202e", content=content, url=url + "\r\n\x07")
    assert len(text.splitlines()) == 2
    assert not {c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)}
    assert not set(text) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\u061c")


def test_a_terminal_that_knows_ascii_only_gets_question_marks(tmp_path: Path) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    sink = ConsoleSink(ConsoleSink.Settings(type="console"), context(tmp_path, out=out))
    sink.send(delivery(title="Grüße"), NOW)
    assert b"Gr??e" in raw.getvalue()


def test_a_closed_pipe_is_a_sink_that_is_down(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w", encoding="utf-8")
    sink = ConsoleSink(ConsoleSink.Settings(type="console"), context(tmp_path, out=out))
    with pytest.raises(DeliveryError, match="cannot be written to") as caught:
        sink.send(delivery(), NOW)
    assert caught.value.sink_down
    with pytest.raises(BrokenPipeError):
        out.close()


def test_a_closed_stream_is_a_sink_that_is_down(tmp_path: Path) -> None:
    out = io.StringIO()
    out.close()
    sink = ConsoleSink(ConsoleSink.Settings(type="console"), context(tmp_path, out=out))
    with pytest.raises(DeliveryError, match="closed") as caught:
        sink.send(delivery(), NOW)
    assert caught.value.sink_down
