from __future__ import annotations

import os
from pathlib import Path

import pytest

from feedbot.sources.posts.detect import Detected, detect, detect_at

NOTHING = "nothing at its top tells what it is made with"


def unread(name: str) -> bytes:
    raise AssertionError(f"{name} need not be read")


@pytest.mark.parametrize(
    ("names", "note"),
    [
        ("astro.config.mjs src/ package.json", "preset astro (astro.config.mjs is there)"),
        ("astro.config.mjs keystatic.config.tsx", "preset keystatic (keystatic.config.tsx is there)"),
        ("hugo.toml content/ themes/", "preset hugo (hugo.toml and content/ are there)"),
        ("hugo.yaml content", "preset hugo (hugo.yaml and content are there)"),
        ("config.yml content/ archetypes/", "preset hugo (config.yml and archetypes/ are there)"),
        ("config/ content/ layouts/", "preset hugo (config/ and content/ are there)"),
        ("_config.yml _posts/ Gemfile", "preset jekyll (_config.yml and _posts/ are there)"),
        ("_posts/ index.html", "preset jekyll (_posts/ is there)"),
        ("_config.yml Gemfile news/", "preset jekyll (_config.yml and Gemfile are there)"),
        (".eleventy.js posts/", "preset eleventy (.eleventy.js is there)"),
        ("eleventy.config.mjs", "preset eleventy (eleventy.config.mjs is there)"),
        ("pelicanconf.py publishconf.py content/", "preset pelican (pelicanconf.py is there)"),
        ("docusaurus.config.ts blog/", "preset docusaurus (docusaurus.config.ts is there)"),
        ("mkdocs.yml docs/", "preset mkdocs (mkdocs.yml is there)"),
        ("_quarto.yml posts/", "preset quarto (_quarto.yml is there)"),
        (".obsidian/ Note.md", "preset obsidian (.obsidian/ is there, so only notes with publish: true count)"),
        ("my-blog.ghost.2026-07-01.json", "preset ghost (my-blog.ghost.2026-07-01.json is there)"),
        ("_config.yml source/ themes/", f"preset generic ({NOTHING})"),
        ("posts/ README.md hugo.toml.md", f"preset generic ({NOTHING})"),
        ("", f"preset generic ({NOTHING})"),
    ],
)
def test_a_tool_is_told_by_names(names: str, note: str) -> None:
    assert detect(names.split(), unread).note == note


@pytest.mark.parametrize(
    ("name", "content", "preset"),
    [
        ("config.toml", b'title = "x"\nbase_url = "https://a.example"\n', "zola"),
        ("config.toml", b'baseURL = "https://a.example"\n', "hugo"),
        ("config.toml", b'baseurl = "https://a.example"\n', "hugo"),
        ("config.yaml", b'baseURL: "https://a.example"\n', "hugo"),
        ("config.json", b'{\n  "baseURL": "https://a.example"\n}', "hugo"),
        ("config.toml", b'answer = "base_url = 1"\n', "generic"),
        ("export.json", b'{"db": [{"meta": {', "ghost"),
        ("export.json", b'{"meta":{"exported_on":1,', "ghost"),
        ("package.json", b'{"name": "db"}', "generic"),
    ],
)
def test_a_name_that_may_mean_two_tools_is_looked_into(name: str, content: bytes, preset: str) -> None:
    assert detect([name, "content/"], lambda asked: content).preset == preset


def test_what_cannot_be_read_tells_nothing() -> None:
    def fail(name: str) -> bytes:
        raise OSError(13, "Permission denied")

    assert detect(["config.toml", "content/", "x.json"], fail).preset == "generic"


def test_hugo_may_keep_its_configuration_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "config/_default").mkdir(parents=True)
    assert detect_at(tmp_path).preset == "generic"
    (tmp_path / "config/_default/hugo.toml").write_text('baseURL = "https://a.example"\n')

    assert detect_at(tmp_path) == Detected("hugo", "config/ and content/ are there")


def test_a_folder_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "content/posts").mkdir(parents=True)
    (tmp_path / "config.toml").write_text('base_url = "https://a.example"\n')

    assert detect_at(tmp_path) == Detected("zola", "config.toml and content/ are there")


@pytest.mark.parametrize(
    ("below", "preset"),
    [("content/posts", "hugo"), ("content/deep/er", "hugo"), ("static/notes", "generic"), ("a/b/c/d", "generic")],
)
def test_what_tells_may_lie_above_the_posts(tmp_path: Path, below: str, preset: str) -> None:
    (tmp_path / "hugo.toml").touch()
    (tmp_path / below).mkdir(parents=True)

    found = detect_at(tmp_path / below)

    assert found.preset == preset
    assert ("above it" in found.reason) == (preset == "hugo")


def test_a_file_is_told_by_itself(tmp_path: Path) -> None:
    (tmp_path / "hugo.toml").touch()
    (tmp_path / "export.json").write_text('{"db": [{"data": {"posts": []}}]}')

    assert detect_at(tmp_path / "export.json").preset == "ghost"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")

    assert detect_at(tmp_path).preset == "generic"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        detect_at(tmp_path / "none")
