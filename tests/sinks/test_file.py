from __future__ import annotations

import json
import mailbox
import os
import resource
import signal
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from feedbot.errors import DeliveryError
from feedbot.message.payload import json_line
from feedbot.sinks.file import FileSink
from tests.sinks.builders import NOW, context, delivery


def sink(folder: Path, path: str = "log/announced.jsonl") -> FileSink:
    return FileSink(FileSink.Settings(type="file", path=path), context(folder))


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log/announced.jsonl").read_text("utf-8").splitlines()]


def test_each_delivery_is_a_json_line_with_key_type_time_and_entry(tmp_path: Path) -> None:
    to = sink(tmp_path)
    to.send(delivery("a", title="Grüße\nzeile"), NOW)
    to.send(delivery("b", change="updated", diff="-x\n+y"), NOW)
    first, second = lines(tmp_path)
    assert (first["key"], first["type"], first["timestamp"]) == ("a", "entry.new", "2026-11-21T12:00:00Z")
    assert first["data"]["title"] == "Grüße\nzeile"
    assert second["type"] == "entry.updated"
    assert second["data"]["diff"] == "-x\n+y"


def test_a_line_written_before_a_crash_is_not_written_again(tmp_path: Path) -> None:
    sink(tmp_path).send(delivery("a"), NOW)
    sink(tmp_path).send(delivery("a"), NOW)
    assert [line["key"] for line in lines(tmp_path)] == ["a"]


def test_a_key_inside_the_text_of_another_entry_does_not_count(tmp_path: Path) -> None:
    to = sink(tmp_path)
    to.send(delivery("a", title='{"key":"b",', content='\n{"key":"b",'), NOW)
    to.send(delivery("b"), NOW)
    assert [line["key"] for line in lines(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("cut", [1, 2, 10, 100, 200])
def test_a_line_torn_by_a_crash_is_replaced_by_a_whole_one(tmp_path: Path, cut: int) -> None:
    to = sink(tmp_path)
    to.send(delivery("a"), NOW)
    path = tmp_path / "log/announced.jsonl"
    path.write_bytes(path.read_bytes() + json_line(delivery("b"))[:-cut])
    to.send(delivery("b"), NOW)
    assert [line["key"] for line in lines(tmp_path)] == ["a", "b"]


def test_lines_longer_than_the_look_back_are_mended_and_recognised_too(tmp_path: Path) -> None:
    to, big = sink(tmp_path), "x" * 900_000
    path = tmp_path / "log/announced.jsonl"
    to.send(delivery("a", content=big), NOW)
    to.send(delivery("a", content=big), NOW)
    path.write_bytes(path.read_bytes() + json_line(delivery("b", content=big))[:-5])
    to.send(delivery("b", content=big), NOW)
    to.send(delivery("b", content=big), NOW)
    assert [line["key"] for line in lines(tmp_path)] == ["a", "b"]


def test_a_file_of_somebody_else_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log/announced.jsonl"
    path.parent.mkdir()
    path.write_text("notes without an end")
    sink(tmp_path).send(delivery("a"), NOW)
    first, second = path.read_text().splitlines()
    assert first == "notes without an end"
    assert json.loads(second)["key"] == "a"


def test_a_path_below_home_and_an_absolute_one_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    sink(tmp_path, "~/a.jsonl").send(delivery(), NOW)
    sink(tmp_path, str(tmp_path / "b.jsonl")).send(delivery(), NOW)
    assert (tmp_path / "home/a.jsonl").exists()
    assert (tmp_path / "b.jsonl").exists()


def test_a_folder_gets_a_mail_file_a_delivery_the_same_at_every_try(tmp_path: Path) -> None:
    to = sink(tmp_path, "outbox/")
    to.send(delivery("aa11", title="Größe: ../../etc/passwd"), NOW)
    (path,) = (tmp_path / "outbox").iterdir()
    assert path.name == "2026-11-21-groe-etc-passwd-aa11.eml"
    before = path.read_bytes(), path.stat().st_mtime_ns
    sink(tmp_path, "outbox").send(delivery("aa11", title="Größe: ../../etc/passwd"), NOW)
    assert [p.name for p in (tmp_path / "outbox").iterdir()] == [path.name]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    message = message_from_bytes(before[0], policy=default)
    assert message["Subject"] == "[planet] Größe: ../../etc/passwd"
    assert message["From"] == "feedbot <feedbot@localhost>"


def test_two_entries_of_the_same_title_are_two_files(tmp_path: Path) -> None:
    to = sink(tmp_path, "outbox/")
    to.send(delivery("aa11"), NOW)
    to.send(delivery("bb22"), NOW)
    assert len(list((tmp_path / "outbox").iterdir())) == 2


def test_what_cannot_be_written_is_a_sink_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where a folder should be")
    for path in ("log/announced.jsonl", "log/mails/"):
        with pytest.raises(DeliveryError, match=f"{path} cannot be written: (not a directory|file exists)") as caught:
            sink(tmp_path, path).send(delivery(), NOW)
        assert caught.value.sink_down


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    to = sink(tmp_path)
    to.send(delivery("a"), NOW)
    size = (tmp_path / "log/announced.jsonl").stat().st_size
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, limit[1]))
    try:
        with pytest.raises(DeliveryError, match="too large") as caught:
            to.send(delivery("b"), NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.sink_down
    assert (tmp_path / "log/announced.jsonl").stat().st_size == size
    to.send(delivery("b"), NOW)
    assert [line["key"] for line in lines(tmp_path)] == ["a", "b"]


def test_the_folder_can_be_read_by_the_mailbox_tools_of_python(tmp_path: Path) -> None:
    to = sink(tmp_path, f"outbox{os.sep}")
    to.send(delivery(), NOW)
    (path,) = (tmp_path / "outbox").iterdir()
    assert mailbox.Message(path.read_bytes())["Auto-Submitted"] == "auto-generated"


# An mbox


def box(folder: Path) -> list[mailbox.mboxMessage]:
    return list(mailbox.mbox(folder / "a.mbox", create=False))


def test_mails_in_an_mbox_are_read_back_each_once(tmp_path: Path) -> None:
    for key in ("a", "b", "a"):
        sink(tmp_path, "a.mbox").send(delivery(key, content="<p>x</p>\n\nFrom here on"), NOW)
    assert [mail["Message-ID"] for mail in box(tmp_path)] == ["<a@localhost>", "<b@localhost>"]
    assert (tmp_path / "a.mbox").read_bytes().count(b"\nFrom ") == 1


@pytest.mark.parametrize("size", [1, 4, 20, 23, 60, 400, -3])
def test_a_mail_that_a_crash_tore_off_is_written_anew(tmp_path: Path, size: int) -> None:
    sink(tmp_path, "a.mbox").send(delivery("a"), NOW)
    first = (tmp_path / "a.mbox").read_bytes()
    sink(tmp_path, "a.mbox").send(delivery("b"), NOW)
    whole = (tmp_path / "a.mbox").read_bytes()
    torn = whole[len(first) :][:size]
    (tmp_path / "a.mbox").write_bytes(first + torn)
    sink(tmp_path, "a.mbox").send(delivery("b"), NOW)
    assert (tmp_path / "a.mbox").read_bytes() == whole


def test_mails_of_others_in_an_mbox_are_left_alone(tmp_path: Path) -> None:
    other = b"From ada@example.org Sat Nov 21 12:00:00 2026\nSubject: hello\n\ntext without an end"
    (tmp_path / "a.mbox").write_bytes(other)
    sink(tmp_path, "a.mbox").send(delivery("a"), NOW)
    assert (tmp_path / "a.mbox").read_bytes().startswith(other + b"\n\nFrom feedbot@localhost")
    assert [mail["Subject"] for mail in box(tmp_path)] == ["hello", "[planet] Welcome"]


def test_the_format_can_be_named(tmp_path: Path) -> None:
    settings = FileSink.Settings(type="file", path="folder", format="maildir")
    FileSink(settings, context(tmp_path)).send(delivery("a"), NOW)
    (mail,) = mailbox.Maildir(tmp_path / "folder", create=False)
    assert mail["Message-ID"] == "<a@localhost>"
