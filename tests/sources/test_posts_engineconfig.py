"""What a blog tool's own configuration says is taken where the source leaves it open."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.model import Memory
from feedbot.sources.posts.engineconfig import EngineConfig, gather, gather_in, read
from tests.sources.test_posts import LATER, NOW, only, poll, post, source, write

ASTRO = """import { defineConfig } from 'astro/config';
// site: 'https://old.example'
export default defineConfig({
  site: "https://astro.example/", base: '/notes', trailingSlash: 'never', /* base: '/no' */
});
"""
DOCUSAURUS = """const config = {
  title: 'Docs and more', tagline: "it's // here",
  url: 'https://docu.example', baseUrl: '/project/', trailingSlash: true,
  i18n: { defaultLocale: 'fr', locales: ['fr'] },
  presets: [['classic', {
    docs: { routeBasePath: 'manual' }, blog: { feedOptions: { type: 'all' }, routeBasePath: '/' },
  }]],
};
"""
ELEVENTY = "export default function (config) { return { dir: { input: 'src' }, pathPrefix: \"/sub/\" } }"
HUGO = """
baseURL = "https://hugo.example/blog/"
title = "Hugo's"
languageCode = "en-GB"
[permalinks]
posts = "/:year/:month/:slug/"
notes = "/n/:filename/"
odd = "/:weekday/"
[languages.en]
weight = 1
[languages.de]
weight = 2
"""
JEKYLL = """
title: Jekyll's
url: https://jekyll.example
baseurl: /sub
permalink: pretty
"""
JEKYLL_DEFAULTS = """
url: "https://jekyll.example/"
permalink: none
defaults:
  - scope: {path: "", type: posts}
    values: {permalink: "/:year/:title/"}
  - scope: {path: "", type: pages}
    values: {permalink: "/:basename/"}
"""
MKDOCS = """
site_name: Mk
site_url: https://mk.example/
theme: {name: material, language: de}
plugins:
  - search
  - blog: {blog_dir: news, post_url_format: "{date}/{slug}", post_url_date_format: yyyy/MM}
markdown_extensions:
  - pymdownx.emoji: {emoji_index: !!python/name:material.extensions.emoji.twemoji }
"""
PELICAN = """
import os
SITENAME = 'Pelican\\'s'
SITEURL = ''
ARTICLE_URL = 'posts/{date:%Y}/{date:%b}/{slug}/'
TIMEZONE = os.environ['TZ']
DEFAULT_LANG = "en"
"""

CASES: list[tuple[str, dict[str, str], dict[str, object]]] = [
    ("astro", {"astro.config.mjs": ASTRO}, {"site": "https://astro.example/notes", "permalink": "/blog/{slug}"}),
    ("keystatic", {"astro.config.ts": ASTRO}, {"permalink": "/{year}/{month}/{slug}"}),
    ("astro", {"astro.config.mjs": "export default { site: SITE.url }"}, {"site": "", "permalink": ""}),
    (
        "docusaurus",
        {"docusaurus.config.ts": DOCUSAURUS},
        {"site": "https://docu.example/project", "title": "Docs and more", "permalink": "/{slug}/", "language": "fr"},
    ),
    ("docusaurus", {"blog/tags.yml": "a:\n  label: An A\nb: {permalink: /b}\n"}, {"tags": {"a": "An A"}}),
    ("docusaurus", {"docusaurus.config.js": "x = {url: 'https://docu.example', baseUrl: '/'}"}, {"permalink": ""}),
    (
        "eleventy",
        {"eleventy.config.js": ELEVENTY, "_data/metadata.json": '{"title": "Eleven", "url": "https://el.example"}'},
        {"site": "https://el.example/sub", "title": "Eleven"},
    ),
    ("eleventy", {"_data/metadata.js": "export default {\n\turl: 'https://el.example'}"}, {"site": "https://el.example"}),
    (
        "hugo",
        {"hugo.toml": HUGO},
        {
            "site": "https://hugo.example/blog",
            "title": "Hugo's",
            "language": "en",
            "languages": frozenset({"en", "de"}),
            "sections": {"posts": "/{year}/{month}/{slug}/", "notes": "/n/{slug}/"},
            "unclear": ("permalink",),
        },
    ),
    (
        "hugo",
        {"config/_default/hugo.yaml": "baseurl: https://h.x", "config/_default/permalinks.toml": 'post = "/:slug"'},
        {"site": "https://h.x", "sections": {"post": "/{slug}"}},
    ),
    ("hugo", {"hugo.json": '{"permalinks": {"page": {"a": "/:slug/"}, "term": {}}}'}, {"sections": {"a": "/{slug}/"}}),
    (
        "jekyll",
        {"_config.yml": JEKYLL},
        {
            "site": "https://jekyll.example/sub",
            "title": "Jekyll's",
            "permalink": "/{categories?}/{year}/{month}/{day}/{slug}/",
        },
    ),
    ("jekyll", {"_config.yml": JEKYLL_DEFAULTS}, {"site": "https://jekyll.example", "permalink": "/{year}/{slug}/"}),
    ("jekyll", {"_config.yml": "title: x", "CNAME": "blog.example.com\n"}, {"site": "https://blog.example.com"}),
    (
        "mkdocs",
        {"mkdocs.yml": MKDOCS},
        {"site": "https://mk.example", "title": "Mk", "permalink": "/news/{year}/{month}/{slug}/", "language": "de"},
    ),
    (
        "pelican",
        {"pelicanconf.py": PELICAN, "publishconf.py": "SITEURL = 'https://pelican.example'\n"},
        {
            "site": "https://pelican.example",
            "title": "Pelican's",
            "permalink": "/posts/{date:%Y}/{date:%b}/{slug}/",
            "language": "en",
        },
    ),
    ("pelican", {"pelicanconf.py": "ARTICLE_SAVE_AS = '{slug}/index.html'"}, {"permalink": "/{slug}/"}),
    ("quarto", {"_quarto.yml": "website:\n  title: Q\n  site-url: https://q.example/b/\nlang: es"},
     {"site": "https://q.example/b", "title": "Q", "language": "es"}),
    ("zola", {"config.toml": 'base_url = "https://zola.example"\ntitle = "Z"\n[languages.fr]\n'},
     {"site": "https://zola.example", "title": "Z", "languages": frozenset({"fr"})}),
]  # fmt: skip


@pytest.mark.parametrize(("preset", "files", "said"), CASES, ids=[f"{case[0]} {next(iter(case[1]))}" for case in CASES])
def test_a_configuration_says_where_the_blog_is(
    preset: str, files: dict[str, str], said: dict[str, object], tmp_path: Path
) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    found = read(preset, gather_in(tmp_path, preset))
    assert {key: getattr(found, key) for key in said} == said


@pytest.mark.parametrize(
    ("preset", "name", "text"),
    [
        ("hugo", "hugo.toml", "baseURL = "),
        ("hugo", "hugo.toml", 'baseURL = "/"'),
        ("hugo", "hugo.toml", 'baseURL = "ftp://x.example"\npermalinks = 3\nlanguages = ["de"]'),
        ("hugo", "hugo.toml", 'baseURL = "http://localhost:1313/"'),
        ("jekyll", "_config.yml", "- a\n- list"),
        ("jekyll", "_config.yml", "url: [x]\npermalink: '/:nothing/{'"),
        ("jekyll", "_config.yml", "url: https://[x"),
        ("pelican", "pelicanconf.py", "SITEURL = (\n"),
        ("pelican", "pelicanconf.py", "ARTICLE_URL = '{author}/{slug}'"),
        ("mkdocs", "mkdocs.yml", "plugins: {blog: {post_url_format: '{file}'}}"),
        ("astro", "astro.config.mjs", "site: 'javascript:alert(1)'"),
    ],
)
def test_what_is_wrong_or_computed_counts_as_not_said(preset: str, name: str, text: str) -> None:
    found = read(preset, {name: text.encode()})
    assert (found.site, found.permalink, found.sections) == ("", "", {})


@given(st.sampled_from(["hugo", "jekyll", "pelican", "mkdocs", "quarto", "zola", "astro", "docusaurus"]), st.binary())
def test_no_bytes_are_more_than_unclear(preset: str, data: bytes) -> None:
    files = gather(preset, lambda _name: data)
    assert isinstance(read(preset, files), EngineConfig)


def test_it_is_taken_where_the_source_leaves_it_open(tmp_path: Path) -> None:
    write(tmp_path / "hugo.toml", HUGO)
    write(tmp_path / "content/posts/hello.md", post())
    document = poll(tmp_path, site="", preset="auto")
    assert only(document).url == "https://hugo.example/blog/2026/06/hello/"
    assert (document.title, document.link) == ("Hugo's", "https://hugo.example/blog")
    assert "site and permalinks from hugo.toml" in document.notes

    document = poll(tmp_path, site="https://other.example", permalink="/p/{slug}/", preset="hugo")
    assert only(document).url == "https://other.example/p/hello/"
    assert not any("hugo.toml" in note for note in document.notes)


def test_it_may_lie_above_the_folder_of_the_posts(tmp_path: Path) -> None:
    write(tmp_path / "hugo.toml", HUGO)
    write(tmp_path / "content/posts/hello.md", post())
    assert only(poll(tmp_path, site="", preset="hugo", path="content/posts")).url.startswith("https://hugo.example/")


def test_each_section_has_its_own_pattern(tmp_path: Path) -> None:
    write(tmp_path / "hugo.toml", HUGO)
    write(tmp_path / "content/notes/one.md", post())
    write(tmp_path / "content/other/two.md", post())
    urls = [item.url for item in poll(tmp_path, site="", preset="hugo").items]
    assert urls == ["https://hugo.example/blog/n/one/", "https://hugo.example/blog/other/two/"]


def test_posts_are_read_anew_when_it_changes(tmp_path: Path) -> None:
    write(tmp_path / "_config.yml", JEKYLL)
    write(tmp_path / "_posts/2026-06-01-hello.md", post())
    blog = source(tmp_path, site="", preset="jekyll")
    before = blog.poll(Memory(), LATER)
    assert blog.poll(before.memory, LATER).not_modified
    write(tmp_path / "_config.yml", JEKYLL.replace("pretty", "/:year/:title"))
    after = blog.poll(before.memory, LATER + timedelta(minutes=1))
    assert only(before).url == "https://jekyll.example/sub/2026/06/01/hello/"
    assert only(after).url == "https://jekyll.example/sub/2026/hello"


def test_tags_are_called_what_the_tool_calls_them(tmp_path: Path) -> None:
    write(tmp_path / "docusaurus.config.js", DOCUSAURUS)
    write(tmp_path / "blog/tags.yml", "a:\n  label: An A\n")
    write(tmp_path / "blog/2026-06-01-x.md", post("tags: [a, b, An A]"))
    assert only(poll(tmp_path, preset="docusaurus")).tags == ("An A", "b")


def test_translations_are_posts_of_their_own_language(tmp_path: Path) -> None:
    write(tmp_path / "hugo.toml", HUGO)
    for name in ("a/index.md", "a/index.de.md", "b.en.md", "c.v2.md"):
        write(tmp_path / "content/posts" / name, post())
    items = poll(tmp_path, site="", preset="hugo", permalink="/{slug}/").items
    assert {item.url.removeprefix("https://hugo.example/blog"): item.language for item in items} == {
        "/a/": "",
        "/de/a/": "de",
        "/b/": "en",
        "/c.v2/": "",
    }


def test_what_cannot_be_understood_is_said(tmp_path: Path) -> None:
    write(tmp_path / "_config.yml", "permalink: /:unheard/")
    write(tmp_path / "_posts/2026-06-01-hello.md", post())
    document = source(tmp_path, preset="jekyll").poll(Memory(), NOW)
    assert "permalink in _config.yml cannot be understood: set it here" in document.notes
