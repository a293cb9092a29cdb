"""What each preset makes of a small blog as its tool lays it out."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.model import Author
from feedbot.sources.posts import authors
from feedbot.sources.posts.fields import inline_tags
from feedbot.sources.posts.frontmatter import FrontMatterError
from feedbot.sources.posts.outline import History, Outline, Site, Skipped, outline
from feedbot.sources.posts.presets import PRESETS, wants_history
from feedbot.sources.posts.settings import PostsSettings
from feedbot.sources.posts.tree import Found, Globs

SITE = "https://blog.example"
COMMITS = (datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 4, 5, 6, tzinfo=UTC))


def day(year: int, month: int, date: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, date, hour, minute, tzinfo=UTC)


def found(name: str) -> Found:
    return Found(name, name, 0, "")


def read(preset: str, text: str, name: str = "a-post.md", *, folder: str = "", zone: Any = UTC,
         history: History | None = None, now: datetime | None = None, **settings: Any) -> Outline:  # fmt: skip
    rules = PostsSettings.model_validate({"path": ".", "preset": preset, **settings}).rules()
    assert Globs(rules.files).match(name), f"{name} is no post"
    return outline(found(name), text.encode(), Site(SITE, rules, zone, folder, now), history)


def url(preset: str, name: str, matter: str = "", *, folder: str = "", **settings: Any) -> str:
    """The address of a post of this name; every tool reads YAML."""
    text = f"---\ntitle: A & B, it's\ndate: 2026-07-01\n{matter}\n---\n"
    return read(preset, text, name, folder=folder, **settings).url.removeprefix(SITE)


def yaml(matter: str) -> str:
    return f"---\ntitle: A post\n{matter}\n---\nText.\n"


def is_skipped(preset: str, text: str, name: str = "a-post.md", **how: Any) -> bool:
    try:
        read(preset, text, name, **how)
    except Skipped as skipped:
        return skipped.post
    return False


# --- whole posts


def test_hugo() -> None:
    post = read(
        "hugo",
        """+++
title = "Hello"
date = 2026-06-01T10:00:00+02:00
lastmod = 2026-06-03
draft = false
tags = ["A", "b"]
categories = ["News"]
slug = "hello-there"
aliases = ["/old/hello/"]
weight = 10
[params]
author = "Jo"
mood = "good"
+++
Text.
""",
        "2026/hello.md",
        folder="/srv/blog/content/posts",
    )

    assert post.url == f"{SITE}/posts/2026/hello-there/"
    assert (post.published, post.updated) == (day(2026, 6, 1, 8), day(2026, 6, 3))
    assert post.tags == ("A", "b", "News")
    assert post.matter.get("author") == "Jo"
    assert post.extra == {"weight": "10", "mood": "good"}
    assert (post.body, post.body_line) == ("Text.\n", 15)


def test_jekyll() -> None:
    post = read(
        "jekyll",
        "---\ntitle: Hello\ntags: a b\ncategory: Big News\nlayout: post\nlast_modified_at: 2026-06-03\n---\n",
        "tech/_posts/2026-06-01-hello-there.md",
    )

    assert post.url == f"{SITE}/tech/big%20news/2026/06/01/hello-there.html"
    assert (post.published, post.updated) == (day(2026, 6, 1), day(2026, 6, 3))
    assert post.tags == ("a", "b", "Big News", "tech")
    assert post.extra == {"layout": "post"}


def test_eleventy() -> None:
    post = read(
        "eleventy",
        "---\ntitle: Hello\ndate: git Created\ntags: [post, posts, all, news]\nlayout: post.njk\n---\n",
        "2026/2026-06-01-hello.md",
        folder="src/posts",
        history={"2026/2026-06-01-hello.md": COMMITS},
    )

    assert post.url == f"{SITE}/posts/2026/hello/"
    assert post.published == COMMITS[0]
    assert post.tags == ("news",)


def test_pelican() -> None:
    post = read(
        "pelican",
        "Title: It's new: a_b (Ünder)\nDate: 2026-06-01 10:20\nModified: 2026-06-02\nTags: a, b c\n"
        "Authors: Jo Doe, Ann\nStatus: published\nSeries: x\n\nText.\n",
        "news/hello.md",
    )

    assert post.url == f"{SITE}/its-new-a_b-under.html"
    assert (post.published, post.updated) == (day(2026, 6, 1, 10, 20), day(2026, 6, 2))
    assert post.tags == ("a", "b c", "news")
    assert post.matter.get("authors") == ["Jo Doe", "Ann"]
    assert post.extra == {"Series": "x"}
    assert (post.body, post.body_line) == ("Text.\n", 9)


def test_zola() -> None:
    post = read(
        "zola",
        """+++
title = "Hello"
updated = 2026-06-03
authors = ["Jo"]
[taxonomies]
tags = ["a"]
categories = ["b"]
[extra]
image = "lead.png"
mood = "good"
+++
Text.
""",
        "2026-06-01-Hello There.md",
        folder="content/blog",
    )

    assert post.url == f"{SITE}/blog/hello-there/"
    assert (post.published, post.updated) == (day(2026, 6, 1), day(2026, 6, 3))
    assert post.tags == ("a", "b")
    assert post.matter.get("image") == "lead.png"
    assert post.extra == {"mood": "good"}


def test_docusaurus() -> None:
    post = read(
        "docusaurus",
        "---\ntitle: Hello\ntags: [a, {label: B c}]\nauthors: [jo]\nlast_update: {date: 2026-06-03}\n---\n",
        "2026-06-01-hello/index.mdx",
    )

    assert post.url == f"{SITE}/blog/2026/06/01/hello"
    assert (post.published, post.updated) == (day(2026, 6, 1), day(2026, 6, 3))
    assert post.tags == ("a", "B c")


def test_mkdocs() -> None:
    post = read(
        "mkdocs",
        "---\ndate:\n  created: 2026-06-01\n  updated: 2026-06-03\ncategories: [News]\n---\n\n# Ünder *it*!\n",
        "deep/x.md",
    )

    assert post.url == f"{SITE}/blog/2026/06/01/%C3%BCnder-it/"
    assert (post.published, post.updated) == (day(2026, 6, 1), day(2026, 6, 3))
    assert post.tags == ("News",)


def test_quarto() -> None:
    post = read(
        "quarto",
        yaml("date: 6/1/2026\ndate-modified: last-modified\ncategories: [a]\nformat: html").replace(
            "6/1/2026", "2026-6-1"
        ),
        "hello/index.qmd",
        folder="posts",
    )

    assert post.url == f"{SITE}/posts/hello/"
    assert (post.published, post.updated) == (day(2026, 6, 1), None)
    assert (post.tags, post.extra) == (("a",), {"format": "html"})


def test_obsidian() -> None:
    post = read(
        "obsidian",
        "---\npublish: true\ntags: a b/c\naliases: [A name, some/thing]\n---\nText #d/e, `#no` and #1 and x#no\n\n"
        "```\n#no\n```\n\n# Heading\n%% #no %%\n#F\n",
        "Folder/My note.md",
        history={"Folder/My note.md": COMMITS},
    )

    assert post.url == f"{SITE}/Folder/My%20note"
    assert post.published == COMMITS[0]
    assert post.tags == ("a", "b/c", "d/e", "F")
    assert post.extra == {"aliases": ["A name", "some/thing"]}


def test_astro() -> None:
    post = read("astro", yaml("pubDate: 'Jul 08 2026'\nheroImage: /x.jpg\ntags: [a]"), "hello.mdx")

    assert (post.url, post.published, post.tags) == (f"{SITE}/blog/hello/", day(2026, 7, 8), ("a",))


def test_generic_takes_what_any_tool_writes() -> None:
    for text in (
        "---\ntitle: A\ndate: 2026-06-01\ntags: [x]\n---\n",
        "+++\ntitle = 'A'\ndate = 2026-06-01\n[taxonomies]\ntags = ['x']\n+++\n",
        '{"title": "A", "published_at": "2026-06-01", "tags": "x"}\n',
        "Title: A\nDate: 2026-06-01\nCategory: x\n\n",
        "---\ntitle: A\ndate: {created: 2026-6-1}\ncategories: x\n---\n",
    ):
        post = read("generic", text)
        assert (post.url, post.published, post.tags) == (f"{SITE}/a-post/", day(2026, 6, 1), ("x",))


# --- addresses


@pytest.mark.parametrize(
    ("preset", "name", "matter", "settings", "address"),
    [
        ("hugo", "My Post, really!.md", "", {"folder": "content/posts"}, "/posts/my-post-really/"),
        ("hugo", "Sub Dir/bundle/index.md", "", {"folder": "content/blog"}, "/blog/sub-dir/bundle/"),
        ("hugo", "a.md", "url: /else/where.html", {"folder": "content/posts"}, "/else/where.html"),
        ("hugo", "a.md", "url: about.html", {}, "/about.html"),
        ("hugo", "news/a.md", "", {"folder": "/home/me/content/x/site/content"}, "/news/a/"),
        ("hugo", "a.md", "", {"folder": "/home/me/site/content/writing/essays"}, "/writing/essays/a/"),
        ("hugo", "2026-06-01-a.md", "", {"folder": "content/posts"}, "/posts/2026-06-01-a/"),
        ("hugo", "a.md", "", {"folder": "content/posts", "permalink": "/:year/:month/:slug/"}, "/2026/07/a/"),
        ("jekyll", "_posts/2026-06-01-a.md", "permalink: pretty", {}, "/2026/07/01/a/"),
        ("jekyll", "_posts/2026-06-01-a.md", "permalink: none", {}, "/a.html"),
        ("jekyll", "_posts/2026-06-01-a.md", "permalink: ordinal", {}, "/2026/182/a.html"),
        ("jekyll", "_posts/2026-06-01-a.md", "permalink: date", {}, "/2026/07/01/a.html"),
        ("jekyll", "_posts/2026-06-01-a.md", "permalink: /:year/:title/\ncategories: X", {}, "/2026/a/"),
        ("jekyll", "_posts/2026-06-01-a.md", "permalink: /:title/", {"permalink": "pretty"}, "/a/"),
        ("jekyll", "_posts/2026-06-01-a.md", "permalink: /own.html", {}, "/own.html"),
        ("jekyll", "_posts/2026-06-01-a.md", "slug: b\ncategories: [X, y z]", {}, "/x/y%20z/2026/07/01/b.html"),
        ("jekyll", "_posts/2026-06-01-a.md", "categories: X y", {"permalink": "pretty"}, "/x/y/2026/07/01/a/"),
        ("jekyll", "_posts/sub/2026-06-01-a.md", "", {}, "/2026/07/01/a.html"),
        ("jekyll", "2026-06-01-a.md", "", {}, "/2026/07/01/a.html"),
        ("eleventy", "a.md", "permalink: /x/index.html", {}, "/x/"),
        ("eleventy", "a.md", "permalink: '/{{ page.fileSlug }}/'", {}, "/a/"),
        ("eleventy", "x/index.md", "", {"folder": "/srv/site/content/blog"}, "/blog/x/"),
        ("eleventy", "x/y.md", "permalink: '{{ page.filePathStem }}.html'", {"folder": "src/posts"}, "/posts/x/y.html"),
        ("eleventy", "x.md", "", {"folder": "posts"}, "/posts/x/"),
        ("pelican", "a.md", "slug: own", {}, "/own.html"),
        ("pelican", "a.md", "", {}, "/a-b-its.html"),
        ("pelican", "a.md", "save_as: deep/index.html", {}, "/deep/"),
        ("pelican", "a.md", "url: own.html", {}, "/own.html"),
        ("zola", "a.md", "path: about/me", {"folder": "content/blog"}, "/about/me/"),
        ("zola", "a.md", "path: me", {}, "/me/"),
        ("zola", "2026-06-01_b/index.md", "", {"folder": "content"}, "/b/"),
        ("docusaurus", "a.md", "", {}, "/blog/a"),
        ("docusaurus", "a.md", "slug: /own/way", {}, "/blog/own/way"),
        ("docusaurus", "2026/06/01/a.md", "", {}, "/blog/2026/06/01/a"),
        ("docusaurus", "2026/06/01-a.md", "", {}, "/blog/2026/06/01/a"),
        ("docusaurus", "deep/2026-6-1-a.md", "", {}, "/blog/2026/06/01/deep/a"),
        ("docusaurus", "deep/a/index.md", "", {}, "/blog/deep/a"),
        ("mkdocs", "a.md", "", {}, "/blog/2026/07/01/a--b-its/"),
        ("mkdocs", "a.md", "slug: own", {}, "/blog/2026/07/01/own/"),
        ("quarto", "a.qmd", "", {"folder": "/x/posts"}, "/posts/a.html"),
        ("quarto", "2026/a/index.qmd", "", {"folder": "/x/posts"}, "/posts/2026/a/"),
        ("obsidian", "a.md", "publish: true\npermalink: own/way", {}, "/own/way"),
        ("keystatic", "a/index.mdoc", "", {}, "/2026/07/a/"),
        ("generic", "a.md", "categories: [X, Y]", {"permalink": "/{category}/{slug}"}, "/X/a"),
        ("generic", "a.md", "categories: [X, Y]", {"permalink": "/{categories?}/{slug}"}, "/x/y/a"),
        ("generic", "a.md", "", {"permalink": "/{categories?}/{mood?}/{slug}"}, "/a"),
        ("generic", "b/a.md", "", {"permalink": "/{dir}/{page}"}, "/b/b/a.html"),
    ],
)
def test_addresses(preset: str, name: str, matter: str, settings: dict[str, Any], address: str) -> None:
    assert url(preset, name, matter, **settings) == address


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("hugo", "_index.md"),
        ("hugo", "docs/_index.de.md"),
        ("jekyll", "_drafts/a.md"),
        ("jekyll", "about.md"),
        ("jekyll", "_site/_posts/2026-06-01-a.md"),
        ("eleventy", "_includes/a.md"),
        ("pelican", "pages/about.md"),
        ("pelican", "a.rst"),
        ("zola", "_index.md"),
        ("docusaurus", "_partial.mdx"),
        ("quarto", "_metadata.yml"),
        ("quarto", "a.ipynb"),
        ("obsidian", "Templates/post.md"),
        ("astro", "_draft.md"),
    ],
)
def test_what_is_no_post_is_left_out(preset: str, name: str) -> None:
    assert not Globs(PRESETS[preset].files).match(name)


# --- dates


@pytest.mark.parametrize(
    ("preset", "matter", "published"),
    [
        ("hugo", "date: 2026-06-01\npublishDate: 2026-06-05", day(2026, 6, 1)),
        ("hugo", "published: 2026-06-01", day(2026, 6, 1)),
        ("hugo", "lastmod: 2026-06-01", day(2026, 6, 1)),
        ("generic", "published: true\ndate: 2026-06-01", day(2026, 6, 1)),
        ("generic", "published: 'yes'\ncreated: 2026-06-01", day(2026, 6, 1)),
        ("generic", "date: 2026-6-1", day(2026, 6, 1)),
        ("generic", "date: 2026/06/01 9:05", day(2026, 6, 1, 9, 5)),
        ("quarto", "date: today", None),
        ("quarto", "date: now", None),
        ("eleventy", "date: Last Modified", None),
        ("generic", "Date-Created: x\nPublish-Date: 2026-06-01", day(2026, 6, 1)),
    ],
)
def test_dates_are_found_by_what_they_are(preset: str, matter: str, published: datetime | None) -> None:
    name = "a.qmd" if preset == "quarto" else "a.md"

    assert read(preset, yaml(matter), name).published == published


@pytest.mark.parametrize(
    ("now", "published"),
    [(day(2026, 5, 1), day(2026, 6, 5)), (day(2026, 6, 4), day(2026, 6, 5)), (day(2026, 6, 6), day(2026, 6, 1))],
)
def test_hugo_keeps_a_post_back_until_it_opens(now: datetime, published: datetime) -> None:
    post = read("hugo", yaml("date: 2026-06-01\npublishDate: 2026-06-05"), permalink="/{month}/{day}/", now=now)

    assert (post.published, post.url) == (published, f"{SITE}/06/01/")


def test_hugo_shows_a_post_that_is_open_though_dated_ahead() -> None:
    post = read("hugo", yaml("date: 2026-07-01\npublishDate: 2026-06-05"), now=day(2026, 6, 6))

    assert post.published == day(2026, 6, 5)


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("/x/{{ title | slugify }}/", "/x/a-b-its/"),
        ("/x/{{ page.fileSlug }}/index.html", "/x/hello/"),
        ("/{{ page.date | date: '%Y/%m' }}/{{ own }}/", "/2026/07/my%20own/"),
        ("/{{ page.date | date('%Y') }}/x.html", "/2026/x.html"),
        ("{{ page.filePathStem }}.html", "/hello.html"),
        ("/{{ page.filePathStem }}/", "/hello/"),
        ("https://x.example/{{ page.filePathStem }}/", "https://x.example/hello/"),
        ("/{{ title | upper }}/", "/hello/"),
        ("/{{ nothing }}/", "/hello/"),
        ("/{% if a %}x{% endif %}/", "/hello/"),
        ("/{{ page.date | date: '%q' }}/", "/hello/"),
    ],
)
def test_eleventy_fills_templates_of_addresses_as_far_as_they_are_known(template: str, address: str) -> None:
    assert url("eleventy", "2026-07-01-hello.md", f'permalink: "{template}"\nown: my own') == address


def test_astro_makes_plain_names_of_files() -> None:
    assert url("astro", "Using MDX, twice.md") == "/blog/using-mdx-twice/"


def test_days_without_a_zone_are_those_of_the_blog() -> None:
    post = read("jekyll", yaml("date: 2026-06-01 00:30"), "_posts/2026-05-31-a.md", zone=ZoneInfo("Europe/Berlin"))

    assert post.published == day(2026, 5, 31, 22, 30)
    assert post.url == f"{SITE}/2026/06/01/a.html"


@pytest.mark.parametrize(
    ("matter", "published", "updated"),
    [
        ("", COMMITS[0], None),
        ("date: 2026-06-01", day(2026, 6, 1), None),
        ("date: git Created\nupdated: Last Modified", COMMITS[0], COMMITS[1]),
        ("date: created\nupdated: git last modified", COMMITS[0], COMMITS[1]),
    ],
)
def test_commits_date_a_post_that_says_nothing_itself(
    matter: str, published: datetime, updated: datetime | None
) -> None:
    post = read("eleventy", yaml(matter), history={"a-post.md": COMMITS})

    assert (post.published, post.updated) == (published, updated)
    assert read("eleventy", yaml("")).published is None
    assert read("eleventy", yaml(""), history={}).published is None


def test_commits_are_asked_for_only_where_they_are_needed() -> None:
    class Unasked(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            raise AssertionError(f"asked for {key}")

    assert read("eleventy", yaml("date: 2026-06-01"), history=Unasked()).published == day(2026, 6, 1)
    assert read("jekyll", yaml(""), "_posts/2026-06-01-a.md", history=Unasked()).published == day(2026, 6, 1)
    assert [name for name, rules in PRESETS.items() if not wants_history(rules)] == [
        "jekyll", "pelican", "zola", "mkdocs", "ghost",
    ]  # fmt: skip


def test_commits_can_be_asked_for() -> None:
    post = read("jekyll", yaml(""), "_posts/2026-06-01-a.md", updated=["updated", ":git-last"],
                history={"_posts/2026-06-01-a.md": COMMITS})  # fmt: skip

    assert post.updated == COMMITS[1]


def test_a_post_that_has_expired_is_left_out() -> None:
    text = yaml("date: 2026-06-01\nexpiryDate: 2026-07-01")

    assert is_skipped("hugo", text, now=day(2026, 7, 1))
    assert read("hugo", text, now=day(2026, 6, 30)).expires == day(2026, 7, 1)
    assert read("hugo", text).extra == {}


# --- drafts


@pytest.mark.parametrize("preset", [name for name in PRESETS if name not in ("ghost", "jekyll", "quarto", "obsidian")])
@pytest.mark.parametrize(
    "matter",
    ["draft: true", "Draft: Yes", "DRAFT: 1", "draft: tomorrow", "draft: {a: b}", "is-draft: true", "isDraft: true",
     "published: false", "published: 'no'", "published: draft", "published: soon", "publish: never", "Publish: off",
     "status: draft", "Status: Hidden", "status: in-progress", "status: false", "visibility: members", "private: true",
     "unlisted: true", "hidden: yes", "wip: true", "eleventyExcludeFromCollections: true", "headless: true",
     "permalink: false", "render: false", "build: {list: never}", "_build: {render: false}", "dg-publish: false"],
)  # fmt: skip
def test_drafts_are_never_published_whatever_they_are_called(preset: str, matter: str) -> None:
    assert is_skipped(preset, yaml(f"date: 2026-06-01\n{matter}"))


@pytest.mark.parametrize(
    "matter",
    ["draft: false", "draft: 'no'", "draft:", "published: true", "published: 2026-06-01", "published: 1 June 2026",
     "published:", "status: published", "status: evergreen", "visibility: public", "private: false", "unlisted: no",
     "build: {list: always}", "build: {list: local}", "render: true", "permalink: true", "hidden: ''", "draft: []"],
)  # fmt: skip
def test_what_is_no_draft_is_published(matter: str) -> None:
    assert not is_skipped("generic", yaml(f"date: 2026-06-01\n{matter}"))


@pytest.mark.parametrize(
    ("text", "skipped"),
    [
        ("---\ntitle: A\n---\n", True),
        ("No front matter at all.\n", True),
        ("---\npublish: false\n---\n", True),
        ("---\npublish: true\n---\n", False),
        ("---\npublish: 'Yes'\n---\n", False),
        ("---\ndg-publish: true\n---\n", False),
        ("---\npublish: true\ndraft: true\n---\n", True),
    ],
)
def test_a_note_of_a_vault_is_published_only_if_it_says_so(text: str, skipped: bool) -> None:
    assert is_skipped("obsidian", text) is skipped
    assert is_skipped("obsidian", text, publish_if=[]) is ("draft" in text or "false" in text)


@pytest.mark.parametrize(
    ("name", "skipped"),
    [
        ("drafts/a.md", True),
        ("x/Drafts/a/index.md", True),
        ("_drafts/a.md", True),
        ("drafts/index.md", False),
        ("drafts.md", False),
    ],
)
def test_what_lies_among_drafts_is_one(name: str, skipped: bool) -> None:
    assert is_skipped("generic", yaml(""), name, files=["**/*.md"]) is skipped


# --- tags and authors


@pytest.mark.parametrize(
    ("preset", "matter", "tags"),
    [
        ("jekyll", "tags: a b  c", ("a", "b", "c")),
        ("jekyll", "tags: a b, c", ("a b", "c")),
        ("jekyll", "tag: a b\ncategory: c d", ("a b", "c d")),
        ("generic", "tags: a b", ("a b",)),
        ("generic", "tags: a; b, c", ("a", "b, c")),
        ("generic", "tags: {x: 1, y: 2}", ("x", "y")),
        ("eleventy", "tags: Posts", ()),
        ("generic", "tags: [post]", ("post",)),
        ("pelican", "tags: x\ncategory: y", ("x", "y")),
    ],
)
def test_tags_are_read_as_the_tool_does(preset: str, matter: str, tags: tuple[str, ...]) -> None:
    name = "_posts/2026-06-01-a.md" if preset == "jekyll" else "a.md"

    assert read(preset, yaml(f"date: 2026-06-01\n{matter}"), name).tags == tags


def test_looking_for_tags_in_a_hostile_text_ends() -> None:
    started = time.process_time()
    for text in ("<!--" * 200_000, "%%" * 300_000, "`" * 300_000, "#" * 300_000, " #1" * 200_000,
                 " ".join("`" * n for n in range(1, 1000)), "```\n" * 100_000, f"#{'1' * 300_000}"):  # fmt: skip
        inline_tags(f"{text} #x")

    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("_data/authors.yml", "jo:\n  name: Jo Doe\n  web: https://jo.example\nann:\n  name: Ann\n"),
        ("blog/authors.yml", "jo:\n  name: Jo Doe\n  title: Engineer\n  url: https://jo.example\nann: {name: Ann}\n"),
        (
            ".authors.yml",
            "authors:\n  jo: {name: Jo Doe, description: x, url: https://jo.example}\n  ann: {name: Ann}\n",
        ),
        ("authors.yaml", "- {key: jo, name: Jo Doe, url: https://jo.example}\n- {username: ann, name: Ann}\n"),
        ("authors.json", '{"jo": {"name": "Jo Doe", "url": "https://jo.example"}, "ann": {"name": "Ann"}}'),
    ],
)
def test_files_of_many_authors_are_joined_by_key_or_name(name: str, content: str) -> None:
    known, problems = authors.load([found(name)], lambda file: content.encode())

    assert problems == ()
    jo, ann = Author("Jo Doe", "https://jo.example"), Author("Ann")
    assert authors.of([["jo", "Ann"]], known) == (jo, ann)
    assert authors.of(["jo doe, ann"], known) == (jo, ann)
    assert authors.of([[{"key": "jo"}, {"name": "ann"}]], known) == (jo, ann)


@pytest.mark.parametrize(
    ("name", "content", "where", "words"),
    [
        ("a.yml", "jo:\n  name: a: b\n", "a.yml:2", "it is not valid YAML"),
        ("a.yml", "jo: {}\njo: {}\n", "a.yml:2", "jo is given twice"),
        ("a.yml", "just text", "a.yml", "is no author"),
        ("a.yml", "", "a.yml", "is no author"),
        ("a.yml", "[" * 50_000, "a.yml:1", "nested deeper"),
        ("a.json", "[" * 200_000, "a.json", "is not valid JSON"),
        ("a.json", b"\xff", "a.json", "is not valid JSON in UTF-8"),
        ("a.yml", b"\xff", "a.yml", "is not valid YAML in UTF-8"),
    ],
)
def test_a_broken_file_of_authors_is_told_of(name: str, content: str | bytes, where: str, words: str) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    known, (problem,) = authors.load([found(name)], lambda file: data)

    assert (known, problem.where) == ({}, where)
    assert words in problem.message


# --- what is wrong


def test_what_is_wrong_names_the_line() -> None:
    for preset, name, text, line in (
        ("hugo", "a.md", "+++\ntitle = 'a'\ndate = 'soon'\n+++\n", 3),
        ("zola", "a.md", "+++\ntitle = 'a'\n[extra]\n\nx = \n+++\n", 5),
        ("pelican", "a.md", "Title: a\nDate: soon\n\n", 2),
        ("mkdocs", "a.md", "---\ntitle: a\ndate:\n  created: soon\n---\n", 3),
        ("hugo", "a.md", "no front matter\n", 1),
    ):
        with pytest.raises(FrontMatterError) as caught:
            read(preset, text, name)
        assert caught.value.line == line


def test_a_field_that_an_address_needs_is_named() -> None:
    with pytest.raises(FrontMatterError, match=r"needs \{year\}, and the post has no date"):
        read("mkdocs", "---\ntitle: a\n---\n")


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=12) | st.sampled_from(["2026-06-01", "yes", "git Created", "/:year/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = sorted({key for rules in PRESETS.values() for key in (*rules.date, *rules.permalink_from, *rules.tags_from)})


@given(
    preset=st.sampled_from(sorted(PRESETS)),
    matter=st.dictionaries(st.sampled_from([*KEYS, "draft", "status", "authors", "slug", "extra"]), VALUES, max_size=5),
    name=st.sampled_from(["a.md", "2026-06-01-a.md", "x/_posts/2026-6-1-b.md", "drafts/index.md", "ü b/index.mdx"]),
)
def test_front_matter_of_any_kind_gives_a_post_or_words(preset: str, matter: dict[str, Any], name: str) -> None:
    text = json.dumps({"title": "A", **matter}) + "\ntext #tag\n"
    try:
        post = outline(found(name), text.encode(), Site(SITE, PRESETS[preset], UTC, "content/posts"), {name: COMMITS})
    except (Skipped, FrontMatterError):
        return
    assert post.url == "" or post.url.startswith(("https://", "http://"))
    assert " " not in post.url
    assert all(isinstance(tag, str) and tag for tag in post.tags)
    assert authors.of((post.matter.get(key) for key in PRESETS[preset].authors), {}) is not None
