"""Cleaned HTML that is remembered from run to run: never another one than cleaning gives, never more than fits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from feedbot.core import present
from feedbot.engine import cleaning
from feedbot.engine.cleaning import Cleaning

BASE = "https://blog.example/post/"


def text(number: int = 0, length: int = 3000) -> str:
    return f"<p onclick=x>{number} <a href='/page'>page</a></p>" + "<b>word</b> " * (length // 12)


def remembered(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was cleaned in earnest, in order."""
    asked: list[str] = []
    clean = present.clean

    def counting(content: str, base: str, base_url: str) -> str:
        asked.append(content)
        return clean(content, base, base_url)

    monkeypatch.setattr(present, "clean", counting)
    return asked


def test_a_long_text_is_cleaned_once_for_all_runs(tmp_path: Path, counted: list[str]) -> None:
    first = Cleaning(tmp_path).clean(text(), BASE, "")
    second = Cleaning(tmp_path).clean(text(), BASE, "")
    assert first == second
    assert "https://blog.example/page" in second
    assert "onclick" not in second
    assert len(counted) == 1


def test_a_short_text_is_not_worth_a_file(tmp_path: Path) -> None:
    Cleaning(tmp_path).clean("<p>short</p>", BASE, "")
    assert remembered(tmp_path) == []


def test_what_the_answer_depends_on_tells_texts_apart(tmp_path: Path) -> None:
    kept = Cleaning(tmp_path)
    image = text() + "<img src='feedbot-asset:0a.png?a.png'>"
    assert kept.clean(text(), BASE, "") != kept.clean(text(), "https://else.example/", "")
    assert "https://feeds.example/media/0a.png" in kept.clean(image, BASE, "https://feeds.example/")
    assert "https://blog.example/post/a.png" in kept.clean(image, BASE, "")


@pytest.mark.parametrize("damage", [b"", b"x" * 10, b"\0" * 4000])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    wanted = Cleaning(tmp_path).clean(text(), BASE, "")
    path = remembered(tmp_path)[0]
    path.write_bytes(damage)
    assert Cleaning(tmp_path).clean(text(), BASE, "") == wanted
    assert len(path.read_bytes()) > len(wanted)


def test_what_another_cleaner_made_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    Cleaning(tmp_path).clean(text(), BASE, "")
    monkeypatch.setattr(present, "VERSION", present.VERSION + 1)
    Cleaning(tmp_path).clean(text(), BASE, "")
    assert len(counted) == 2
    assert len(remembered(tmp_path)) == 1


def test_there_is_no_more_than_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "_SHARE", 20_000)
    kept = Cleaning(tmp_path)
    for number in range(60):
        kept.clean(text(number, 9000), BASE, "")
    kept.clean(text(61, 30_000), BASE, "")  # more than half a folder's share alone
    for folder in {path.parent for path in remembered(tmp_path)}:
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 20_000


def test_nobody_else_may_read_what_is_remembered(tmp_path: Path) -> None:
    Cleaning(tmp_path / "kept").clean(text(), BASE, "")
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


def test_without_a_folder_to_write_to_it_cleans_each_time(tmp_path: Path, counted: list[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    kept = Cleaning(tmp_path / "file" / "below")
    assert kept.clean(text(), BASE, "") == kept.clean(text(), BASE, "")
    assert len(counted) == 2
    assert os.listdir(tmp_path) == ["file"]
