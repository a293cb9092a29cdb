"""feedbot init: a first configuration for what is at hand, which works as it is written."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as some

from feedbot.settings.starter import Start, starting
from tests.support.cli import Ran, feedbot
from tests.support.git import Blog, git_server
from tests.support.web import WebServer

POST = "---\ntitle: {title}\ndate: 2026-11-01\n---\nhello\n"
RSS = (
    "<rss version='2.0'><channel><title>Some \"News\"</title><link>http://x.example/</link>"
    "<item><guid>a</guid><title>A</title></item></channel></rss>"
)
ENGINES = {
    "astro": ("astro.config.mjs", 'export default { site: "https://blog.example" };', "src/content/blog"),
    "hugo": ("hugo.toml", 'baseURL = "https://blog.example/"\ntitle = "My Blog"\n', "content/posts"),
    "jekyll": ("_config.yml", "url: https://blog.example\ntitle: My Blog\n", "_posts"),
    "pelican": ("pelicanconf.py", 'SITEURL = "https://blog.example"\nSITENAME = "My Blog"\n', "content"),
    "zola": ("config.toml", 'base_url = "https://blog.example"\ntitle = "My Blog"\n', "content/blog"),
    "mkdocs": ("mkdocs.yml", "site_name: My Blog\nsite_url: https://blog.example/\n", "docs/blog/posts"),
    "docusaurus": ("docusaurus.config.js", "module.exports = {title: 'My Blog', url: 'https://blog.example'}", "blog"),
    "quarto": ("_quarto.yml", "website:\n  title: My Blog\n  site-url: https://blog.example\n", "posts"),
}


def init(folder: Path, *arguments: str | Path, **environment: str) -> Ran:
    return feedbot("init", *arguments, cwd=folder, env=environment)


def config(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "feedbot.toml").read_text())


def make_blog(folder: Path, engine: str) -> Path:
    name, text, posts = ENGINES[engine]
    (folder / posts).mkdir(parents=True)
    (folder / name).write_text(text)
    (folder / posts / "2026-11-01-one.md").write_text(POST.format(title="One"))
    return folder


@pytest.mark.parametrize("engine", ENGINES)
def test_the_blog_in_the_folder_is_found_with_what_its_own_tool_says(tmp_path: Path, engine: str) -> None:
    make_blog(tmp_path, engine)
    ran = init(tmp_path)
    assert (ran.code, ran.err) == (0, "")
    (source,) = config(tmp_path)["sources"].values()
    assert (source["path"], source["preset"], source["site"]) == (".", engine, "https://blog.example")
    assert f'preset = "{engine}" was chosen: {ENGINES[engine][0]} ' in ran.out
    assert f"site from {ENGINES[engine][0]}" in ran.out
    if engine != "astro":
        assert config(tmp_path)["feeds"]["all"]["title"] == "My Blog"


def test_it_checks_runs_and_announces_nothing_old_and_then_what_is_new(tmp_path: Path) -> None:
    make_blog(tmp_path, "hugo")
    assert "Next:\n  feedbot run " in init(tmp_path).out
    assert feedbot("check", cwd=tmp_path).code == 0
    first = feedbot("run", cwd=tmp_path)
    assert first.code == 0
    assert "NEW" not in first.out
    assert "blog.example" in (tmp_path / "feeds" / "all.atom").read_text()
    (tmp_path / "content" / "posts" / "two.md").write_text(POST.format(title="Two"))
    assert re.search(r"NEW +Two", feedbot("run", "--force", cwd=tmp_path).out)


@pytest.mark.parametrize("sink", ["mail", "team"])
def test_real_notifications_take_but_the_signs_in_front_of_a_block(tmp_path: Path, sink: str) -> None:
    make_blog(tmp_path, "hugo")
    init(tmp_path)
    lines = (tmp_path / "feedbot.toml").read_text().split("\n")
    start = lines.index(f"# [sinks.{sink}]")
    end = lines.index("", start) if "" in lines[start:-1] else len(lines)
    lines[start:end] = [line.removeprefix("# ") for line in lines[start:end]]
    (tmp_path / "feedbot.toml").write_text("\n".join(lines))
    (tmp_path / "smtp-password").write_text("hush-hush\n")
    (tmp_path / "smtp-password").chmod(0o600)
    ran = feedbot("check", "--json", cwd=tmp_path)
    assert (ran.code, ran.json["sinks"], ran.json["warnings"]) == (0, 2, [])


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    make_blog(tmp_path, "hugo")
    (tmp_path / "feedbot.toml").write_text("mine")
    ran = init(tmp_path)
    assert ran.code == 2
    assert "feedbot.toml is there already, and stays as it is" in ran.err
    assert (tmp_path / "feedbot.toml").read_text() == "mine"
    os.symlink("nowhere", tmp_path / "dangling.toml")
    assert init(tmp_path, "--output", "dangling.toml").code == 2
    assert not (tmp_path / "nowhere").exists()


def test_it_leaves_one_file_that_only_its_owner_may_read(tmp_path: Path) -> None:
    init(tmp_path, "--output", "etc/mine.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["etc"]
    (made,) = (tmp_path / "etc").iterdir()
    assert (made.name, made.stat().st_mode & 0o777) == ("mine.toml", 0o600)
    assert feedbot("check", "-c", made, cwd=tmp_path).code == 0


def test_where_nothing_is_found_it_writes_an_example_that_runs(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# A program\n")
    (tmp_path / "notes.md").write_text("to do\n")
    ran = init(tmp_path)
    assert ran.code == 0
    assert "no blog was found" in ran.out
    assert "feedbot add" in ran.out
    assert feedbot("check", cwd=tmp_path).code == 0
    assert feedbot("run", cwd=tmp_path).code == 0
    assert config(tmp_path)["sources"]["example"]["paused"] is True


def test_a_blog_below_the_folder_is_found(tmp_path: Path) -> None:
    make_blog(tmp_path / "website", "hugo")
    assert init(tmp_path).code == 0
    assert config(tmp_path)["sources"]["my-blog"]["path"] == "website"


def test_of_two_blogs_below_the_folder_the_other_one_is_named(tmp_path: Path) -> None:
    for engine in ("jekyll", "hugo"):
        make_blog(tmp_path / f"my {engine}", engine)
    ran = init(tmp_path)
    assert [one["path"] for one in config(tmp_path)["sources"].values()] == ["my hugo"]
    assert "feedbot add 'my jekyll'" in ran.out


def test_posts_without_any_tool_are_found_by_their_front_matter(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.md").write_text(POST.format(title=name))
    (tmp_path / "README.md").write_text("# Posts\n")
    ran = init(tmp_path)
    (source,) = config(tmp_path)["sources"].values()
    assert source["preset"] == "generic"
    assert '# site = "https://example.org"' in (tmp_path / "feedbot.toml").read_text()
    assert "set site" in ran.out


def test_a_tool_without_posts_is_told_as_the_reason(tmp_path: Path) -> None:
    (tmp_path / "mkdocs.yml").write_text("site_name: Manual\n")
    ran = init(tmp_path)
    assert ran.code == 0
    assert "there are no posts" in ran.out
    assert feedbot("check", cwd=tmp_path).code == 0


def test_a_folder_may_be_named_and_need_not_be_this_one(tmp_path: Path) -> None:
    make_blog(tmp_path / "blogs" / "mine", "hugo")
    (tmp_path / "here").mkdir()
    told = init(tmp_path / "here", "../blogs/mine", "--json").json
    assert told["found"]["settings"]["path"] == "../blogs/mine"
    assert told["found"]["entries"] == 1
    assert told["next"][0].startswith("feedbot run ")
    assert config(tmp_path / "here")["feedbot"]["output"] == "public"
    wrong = init(tmp_path, "blogs/other")
    assert wrong.code == 2
    assert "there is nothing at blogs/other" in wrong.err


def test_the_feed_behind_a_web_address_is_found_and_a_private_one_allowed(tmp_path: Path, web: WebServer) -> None:
    web.serve("/feed.xml", RSS)
    page = "<!doctype html><head><link rel=alternate type=application/rss+xml href=/feed.xml></head>"
    web.serve("/", page, "text/html")
    ran = init(tmp_path, web.url("/"))
    assert (ran.code, ran.err) == (0, "")
    made = config(tmp_path)
    assert made["sources"] == {"some-news": {"type": "feed", "url": web.url("/feed.xml")}}
    assert made["feedbot"]["allow_private"] == [web.address]
    assert made["feeds"]["all"]["title"] == 'Some "News"'
    first = feedbot("run", cwd=tmp_path)
    assert first.code == 0
    assert "NEW" not in first.out


def test_a_page_without_a_feed_is_told_and_nothing_is_written(tmp_path: Path, web: WebServer) -> None:
    web.serve("/", "<!doctype html><title>x</title>", "text/html")
    ran = init(tmp_path, web.url("/"))
    assert ran.code == 3
    assert "no feed of it can be read" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_git_repository_is_looked_at(tmp_path: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    files = {
        "content/posts/a.md": POST.format(title="A"),
        "hugo.toml": "title = 'Far'\nbaseURL = 'https://b.example'\n",
    }
    Blog(tmp_path / "served" / "blog.git").commit(files, onto="")
    with git_server(tmp_path / "served", authority) as server:
        address = server.url("blog.git")
        untrusted = init(tmp_path, address)
        assert untrusted.code == 3
        assert "ca_file" in untrusted.err
        ran = init(tmp_path, address, "--ca-file", "ca.pem")
        assert ran.code == 0, ran
        made = config(tmp_path)
        assert made["sources"] == {"far": {"type": "posts", "git": address}}
        assert made["feedbot"]["ca_file"] == str(tmp_path / "ca.pem")
        assert feedbot("run", cwd=tmp_path).code == 0
    assert "site from hugo.toml" in (tmp_path / "feedbot.toml").read_text()


def test_a_configuration_that_is_named_otherwise_is_named_in_the_next_commands(tmp_path: Path) -> None:
    assert "feedbot run --config mine.toml " in init(tmp_path, "--output", "mine.toml").out
    assert "feedbot run --config 'a b.toml' " in init(tmp_path, "-c", "a b.toml").out
    named = init(tmp_path, FEEDBOT_CONFIG=str(tmp_path / "by-variable.toml"))
    assert "feedbot run " in named.out
    assert (tmp_path / "by-variable.toml").exists()


def test_it_can_be_written_to_stdout_alone(tmp_path: Path) -> None:
    ran = init(make_blog(tmp_path, "hugo"), "--output", "-")
    assert "my-blog" in tomllib.loads(ran.out)["sources"]
    assert not (tmp_path / "feedbot.toml").exists()


@given(
    title=some.text(),
    why=some.lists(some.text(), max_size=2),
    path=some.text(some.characters(exclude_characters="\0"), min_size=1),
)
def test_whatever_a_blog_is_called_the_file_is_toml_and_says_so(title: str, why: list[str], path: str) -> None:
    title, path = (text.encode("utf-8", "replace").decode() for text in (title, path))
    settings = {"type": "posts", "path": path, "preset": "generic"}
    made = tomllib.loads(starting(Start(settings=settings, name="blog", title=title, why=why)))
    assert made["sources"]["blog"]["path"].replace("$$", "$") == path.replace("$$", "$")
    assert made["feeds"]["all"]["title"].replace("$$", "$") == (title.replace("$$", "$") or "Everything")
