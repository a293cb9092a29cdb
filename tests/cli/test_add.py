"""Adding a source: found at an address or in a folder, written into the configuration."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.support.cli import Ran, feedbot
from tests.support.git import Blog, git_server
from tests.support.web import Answer, WebServer

RSS = (
    "<rss version='2.0'><channel><title>{title}</title><link>http://x.example/</link>"
    "<item><guid>a</guid><title>A</title></item><item><guid>b</guid><title>B</title></item></channel></rss>"
)
START = '# mine, with a comment\n[feedbot]\nstate = "s.db"\nallow_private = ["ADDRESS"]  # for tests\n'
SINKS = '\n[sinks.log]\ntype = "file"\npath = "log.jsonl"\n\n[sinks.other]\ntype = "file"\npath = "other.jsonl"\n'
BLOG = '\n[sources.blog]\ntype = "posts"\npath = "blog"\npreset = "keystatic"\nsite = "https://blog.example"\n'


@pytest.fixture
def place(tmp_path: Path, web: WebServer) -> Path:
    """A folder with a configuration that has no source yet, a server with a feed, and a blog."""
    (tmp_path / "feedbot.toml").write_text(START.replace("ADDRESS", web.address))
    web.serve("/feed.xml", RSS.replace("{title}", "Some News &amp; More"))
    post = tmp_path / "blog" / "content" / "posts" / "one" / "index.md"
    post.parent.mkdir(parents=True)
    post.write_text("---\ntitle: One\npublishDate: 2026-11-01\n---\nhello\n")
    return tmp_path


def text(place: Path) -> str:
    return (place / "feedbot.toml").read_text()


def config(place: Path) -> dict[str, Any]:
    return tomllib.loads(text(place))


def add(place: Path, *arguments: str) -> Ran:
    return feedbot("add", *arguments, cwd=place)


def test_a_feed_is_appended_under_a_name_made_of_its_title(place: Path, web: WebServer) -> None:
    before = text(place)
    ran = add(place, web.url("/feed.xml"))
    assert (ran.code, ran.err) == (0, "")
    assert text(place) == before + f'\n[sources.some-news-more]\ntype = "feed"\nurl = "{web.url("/feed.xml")}"\n'
    assert 'added the source "some-news-more"' in ran.out
    assert "2 entries" in ran.out
    assert ran.out.endswith("Next: feedbot run some-news-more\n")
    assert len(web.asked) == 1
    assert "2 new" in feedbot("run", "some-news-more", cwd=place).out


def test_the_feed_of_a_page_is_found(place: Path, web: WebServer) -> None:
    page = (
        "<!doctype html><head><link rel=alternate type=application/rss+xml title=Comments href=/comments.xml>"
        "<link rel=alternate type=application/atom+xml href=/gone.xml>"
        "<link rel=alternate type=application/rss+xml href=/feed.xml></head>"
    )
    web.serve("/blog/", page, "text/html")
    document = feedbot("add", web.url("/blog/"), "--name", "news", "--json", cwd=place).json
    assert document["source"] == "news"
    assert document["settings"] == {"type": "feed", "url": web.url("/feed.xml")}
    assert document["others"] == [web.url("/gone.xml"), web.url("/comments.xml")]
    assert config(place)["sources"]["news"]["url"] == web.url("/feed.xml")


def test_a_page_that_names_no_feed_is_searched_at_the_usual_paths(place: Path, web: WebServer) -> None:
    web.serve("/", "<!doctype html><title>x</title>", "text/html")
    assert add(place, web.url("/")).code == 0
    assert [asked.path for asked in web.asked] == ["/", "/feed", "/rss.xml", "/atom.xml", "/index.xml", "/feed.xml"]


def test_a_page_without_any_feed_is_told_as_such_and_nothing_is_written(place: Path, web: WebServer) -> None:
    before = text(place)
    web.serve("/page", "<!doctype html><title>x</title>", "text/html")
    del web.answers["/feed.xml"]
    ran = add(place, web.url("/page"))
    assert ran.code == 3
    assert f"{web.address}/page cannot be added: it is a web page, and no feed of it can be read" in ran.err
    assert text(place) == before
    assert "Traceback" not in ran.err


def test_what_cannot_be_asked_is_told_with_its_address(place: Path, web: WebServer) -> None:
    ran = add(place, web.url("/nowhere"))
    assert ran.code == 3
    assert f"{web.address}/nowhere cannot be added" in ran.err
    assert "404" in ran.err
    ran = add(place, "http://10.1.2.3/feed?token=abc")
    assert ran.code == 3
    assert 'add allow_private = ["10.1.2.3:80"] to [feedbot]' in ran.err
    assert "abc" not in ran.err


@pytest.mark.parametrize(
    "wrong", ["", "https://[::1/", "http://", "ftp://x.example/", "https://x.example:99999/", "x" * 5000]
)
def test_what_is_no_place_is_code_2(place: Path, wrong: str) -> None:
    assert add(place, wrong).code == 2


def test_an_address_that_moved_for_good_is_written_as_it_is_now(place: Path, web: WebServer) -> None:
    web.answers["/old"] = Answer(301, headers={"Location": web.url("/feed.xml")})
    assert "moved" in add(place, web.url("/old")).out
    assert config(place)["sources"]["some-news-more"]["url"] == web.url("/feed.xml")


def test_no_address_is_added_twice(place: Path, web: WebServer) -> None:
    add(place, web.url("/feed.xml"))
    once = text(place)
    web.answers["/old"] = Answer(301, headers={"Location": web.url("/feed.xml")})
    for same in (web.url("/feed.xml"), web.url("/feed.xml/"), web.url("/old")):
        ran = add(place, same)
        assert ran.code == 2
        assert 'the source "some-news-more" already' in ran.err
    assert add(place, "blog").code == 0
    assert add(place, "./blog/").code == 2
    assert text(place).startswith(once)


def test_names_are_unique_and_checked(place: Path, web: WebServer) -> None:
    web.serve("/2.xml", RSS.replace("{title}", "Some news, more"))
    assert add(place, web.url("/feed.xml")).code == 0
    assert add(place, web.url("/2.xml")).code == 0
    assert list(config(place)["sources"]) == ["some-news-more", "some-news-more-2"]
    assert add(place, "blog", "--name", "some-news-more").code == 2
    assert add(place, "blog", "--name", "Not A Name").code == 2


def test_a_folder_of_posts_is_recognised(place: Path) -> None:
    (place / "blog" / "keystatic.config.ts").touch()
    (place / "blog" / "astro.config.mjs").write_text(
        'export default defineConfig({\n  site: "https://blog.example/",\n'
    )
    ran = add(place, "blog")
    assert ran.code == 0
    assert config(place)["sources"]["blog"] == {
        "type": "posts",
        "path": "blog",
        "preset": "keystatic",
        "site": "https://blog.example",
    }
    assert "1 entry" in ran.out


@pytest.mark.parametrize(
    ("marker", "preset"), [("hugo.toml", "hugo"), ("_config.yml", "jekyll"), ("mkdocs.yml", "mkdocs")]
)
def test_the_layout_of_a_folder_is_told_by_what_lies_in_it(place: Path, marker: str, preset: str) -> None:
    (place / "blog" / marker).touch()
    for folder in ("_posts", "docs", "content"):
        (place / "blog" / folder).mkdir(exist_ok=True)
        (place / "blog" / folder / "2026-11-02-two.md").write_text("---\ntitle: Two\n---\nhello\n")
    ran = add(place, "blog")
    assert config(place)["sources"]["blog"] == {"type": "posts", "path": "blog", "preset": preset}
    assert f'preset = "{preset}" was chosen: {marker} ' in ran.out


def test_an_export_of_ghost_is_recognised_and_another_json_file_is_a_feed(place: Path) -> None:
    post = {"id": "1", "title": "One", "slug": "one", "status": "published", "visibility": "public", "type": "post",
            "html": "<p>Hello.</p>", "published_at": "2026-06-01T10:00:00.000Z"}  # fmt: skip
    (place / "blog.ghost.2026.json").write_text(json.dumps({"db": [{"meta": {}, "data": {"posts": [post]}}]}))
    (place / "export.json").write_text((place / "blog.ghost.2026.json").read_text())
    (place / "feed.json").write_text('{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1"}]}')
    for name in ("blog.ghost.2026.json", "export.json"):
        ran = add(place, name, "--name", "ghost")
        assert ran.code == 0, ran
        assert config(place)["sources"]["ghost"] == {"type": "posts", "path": name, "preset": "ghost"}
        assert "(1 entry)" in ran.out
        (place / "feedbot.toml").write_text(START)
    assert add(place, "feed.json", "--name", "feed").code == 0
    assert config(place)["sources"]["feed"] == {"type": "feed", "path": "feed.json"}


def test_a_git_repository_is_read_and_added_once(tmp_path: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    files = {"content/posts/a.md": "---\ntitle: A\ndate: 2026-05-01\n---\nhello\n", "hugo.toml": "title = 'B'\n"}
    Blog(tmp_path / "served" / "blog.git").commit(files, onto="")
    (tmp_path / "feedbot.toml").write_text('[feedbot]\nca_file = "ca.pem"\nallow_private = ["127.0.0.1"]\n')
    with git_server(tmp_path / "served", authority) as server:
        address = server.url("blog.git")
        ran = add(tmp_path, address)
        assert ran.code == 0, ran
        assert config(tmp_path)["sources"] == {"b": {"type": "posts", "git": address}}
        assert "(1 entry)" in ran.out
        assert "preset hugo" in ran.out
        assert "set site" in ran.out
        again = add(tmp_path, address)
    assert again.code == 2
    assert 'the source "b" already' in again.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "feedbot.toml", "served"]


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("https://me:hush@x.example/blog.git", 2, "give it as"),
        ("https://127.0.0.1:1/blog.git", 3, "allow_private"),
        ("git@127.0.0.1:blog", 3, "cannot be added"),
        ("git@-x:blog", 2, "write the address of a repository as"),
    ],
)
def test_a_repository_that_cannot_be_read_is_not_added(place: Path, address: str, code: int, said: str) -> None:
    ran = add(place, address)
    assert (ran.code, said in ran.err) == (code, True), ran
    assert "hush" not in ran.err + ran.out
    assert "sources" not in config(place)


def test_the_path_is_written_from_the_folder_of_the_configuration(place: Path) -> None:
    deep = place / "etc" / "feedbot"
    deep.mkdir(parents=True)
    (deep / "config.toml").write_text(text(place))
    assert feedbot("add", "blog", "-c", deep / "config.toml", cwd=place).code == 0
    assert 'path = "../../blog"' in (deep / "config.toml").read_text()


def test_a_folder_without_posts_and_a_place_that_is_not_there_are_refused(place: Path) -> None:
    (place / "empty").mkdir()
    assert "there are no posts" in add(place, "empty").err
    ran = add(place, "nothing-here")
    assert ran.code == 2
    assert "there is nothing at nothing-here" in ran.err


def test_a_route_is_added_and_those_of_the_others_stay(place: Path, web: WebServer) -> None:
    (place / "feedbot.toml").write_text(text(place) + BLOG + SINKS)
    before = text(place)
    assert feedbot("add", web.url("/feed.xml"), "--to", "lgo", cwd=place).code == 2
    ran = add(place, web.url("/feed.xml"), "--to", "log", "--name", "news")
    assert ran.code == 0
    assert text(place).startswith(before)
    assert config(place)["routes"] == [
        {"sources": ["blog"], "to": ["log", "other"]},
        {"sources": ["news"], "to": ["log"]},
    ]
    assert "a source that is added later needs one too" in ran.out


def test_where_no_route_leads_from_it_that_is_told(place: Path, web: WebServer) -> None:
    route = '\n[[routes]]\nsources = ["blog"]\nto = ["log", "other"]\n'
    (place / "feedbot.toml").write_text(text(place) + BLOG + SINKS + route)
    assert "no route leads from it" in add(place, web.url("/feed.xml")).out
    assert len(config(place)["routes"]) == 1


def test_a_faulty_configuration_is_told_and_left_alone(place: Path, web: WebServer) -> None:
    faulty = text(place) + '[sources.x]\ntype = "feeed"\n'
    (place / "feedbot.toml").write_text(faulty)
    ran = add(place, web.url("/feed.xml"))
    assert ran.code == 2
    assert "feedbot.toml:6" in ran.err
    assert text(place) == faulty
    assert [path.name for path in place.iterdir() if path.name.startswith(".feedbot")] == []


def test_without_a_configuration_it_says_what_to_do(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    ran = feedbot("add", "https://x.example/feed", cwd=tmp_path, env=home)
    assert ran.code == 2
    assert "no configuration file found" in ran.err


def test_whatever_a_server_answers_in_place_of_a_feed_a_person_is_told_what_to_do(place: Path, web: WebServer) -> None:
    web.answers["/fault"] = Answer(500)
    web.serve("/empty", "")
    web.answers["/round"] = Answer(302, headers={"Location": "/round"})

    for path, why, hint in (
        ("/fault", "has a fault (500)", "its owner has to mend that"),
        ("/empty", "the answer was empty", "set user_agent"),
        ("/round", "redirects in a circle", "give the address that a browser ends at"),
    ):
        ran = add(place, web.url(path))
        assert (ran.code, why in ran.err, hint in ran.err) == (3, True, True), ran.err


def test_who_names_a_sink_that_is_not_there_is_told_which_are(place: Path, web: WebServer) -> None:
    none = add(place, web.url("/feed.xml"), "--to", "team")
    (place / "feedbot.toml").write_text(text(place) + SINKS)
    some = add(place, web.url("/feed.xml"), "--to", "team")

    assert 'there is no sink named "team"\n  add a table [sinks.team] first' in none.err
    assert "known: log, other" in some.err
