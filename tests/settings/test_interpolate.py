from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.settings.interpolate import expand

ENV = {"NAME": "value", "EMPTY": "", "API_TOKEN": "t0ken", "HOST": "example.org"}
NOWHERE = Path("/nowhere")


def expanded(text: str, folder: Path = NOWHERE, **env: str) -> str:
    result = expand(text, {**ENV, **env}, folder)
    assert result.bad == ()
    return result.text


def complaint(text: str, folder: Path = NOWHERE, **env: str) -> str:
    [bad] = expand(text, {**ENV, **env}, folder).bad
    return f"{bad.message}; {bad.hint}"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("${NAME}", "value"),
        ("a ${NAME} b ${HOST}", "a value b example.org"),
        ("${MISSING:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${EMPTY}", ""),
        ("${MISSING:-}", ""),
        ("${MISSING:-${NAME}}", "value"),
        ("${MISSING:-${ALSO:-deep}}!", "deep!"),
        ("${MISSING:-http://x/?a=b:-c}", "http://x/?a=b:-c"),
        ("$${NAME}", "${NAME}"),
        ("100$", "100$"),
        ("$NAME costs 5$", "$NAME costs 5$"),
        ("$$", "$"),
        ("$$$$", "$$"),
        ("$$${NAME}", "$value"),
        ("/{year}/{slug}/", "/{year}/{slug}/"),
        ("title is matching('a$')", "title is matching('a$')"),
    ],
)
def test_references_are_replaced_and_all_else_is_kept(text: str, result: str) -> None:
    assert expanded(text) == result


@given(st.text(st.characters(exclude_characters="$")))
def test_text_without_a_dollar_is_kept(text: str) -> None:
    assert expanded(text) == text


@given(st.text(alphabet="${}:-NAMEfilecred/ ", max_size=30))
def test_no_text_makes_it_fail(text: str) -> None:
    expand(text, ENV, NOWHERE)


def test_what_a_variable_holds_is_not_read_as_a_reference() -> None:
    assert expanded("${ODD}", ODD="${NAME} $$") == "${NAME} $$"


def test_an_unset_variable_is_named() -> None:
    assert "variable MISSING is not set" in complaint("x ${MISSING} y")
    assert "${MISSING:-default}" in complaint("x ${MISSING} y")


def test_every_bad_reference_of_a_text_is_listed() -> None:
    assert len(expand("${A1} ${NAME} ${B2}", ENV, NOWHERE).bad) == 2


@pytest.mark.parametrize("text", ["${NAME", "a ${", "${MISSING:-${NAME}"])
def test_a_reference_that_is_not_closed_is_refused(text: str) -> None:
    assert "not closed" in complaint(text)


@pytest.mark.parametrize("text", ["${}", "${1x}", "${NAME-x}", "${a b}", "${vault:x}"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    assert "is not a reference" in complaint(text)


def test_a_file_is_read_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"s3cret\r\n")

    assert expanded("Bearer ${file:token}", tmp_path) == "Bearer s3cret"
    assert expanded(f"${{file:{tmp_path}/token}}") == "s3cret"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    os.mkfifo(tmp_path / "pipe")

    assert "does not exist" in complaint("${file:missing}", tmp_path)
    assert "is not a file" in complaint("${file:.}", tmp_path)
    assert "is not a file" in complaint("${file:pipe}", tmp_path)
    assert "is empty" in complaint("${file:empty}", tmp_path)
    assert "UTF-8" in complaint("${file:binary}", tmp_path)
    assert "64 KiB" in complaint("${file:large}", tmp_path)
    assert "is not the path of a file" in complaint("${file:a\0b}", tmp_path)


def test_credentials_come_from_systemd(tmp_path: Path) -> None:
    (tmp_path / "smtp").write_text("pw\n", encoding="utf-8")

    assert expanded("${cred:smtp}", CREDENTIALS_DIRECTORY=str(tmp_path)) == "pw"
    assert "$CREDENTIALS_DIRECTORY" in complaint("${cred:smtp}")
    for name in ("../smtp", "..", ".", "a/b", ""):
        assert "names no credential" in complaint(f"${{cred:{name}}}", CREDENTIALS_DIRECTORY=str(tmp_path))


def test_what_should_not_be_shown_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file", encoding="utf-8")

    assert expand("${HOST}/${API_TOKEN}/${file:key}", ENV, tmp_path).secrets == ("t0ken", "from-file")
