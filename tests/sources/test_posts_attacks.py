"""Posts that people write by accident, by habit or by malice: what is lost, leaked or published at a wrong address."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedbot.model import Document, Memory
from feedbot.plugins import SourceContext
from feedbot.sources.posts import PostsSource
from feedbot.sources.posts.fields import in_words
from feedbot.sources.posts.frontmatter import FrontMatterError, read
from feedbot.sources.posts.outline import Outline, Site, Skipped, outline
from feedbot.sources.posts.settings import PostsSettings
from feedbot.sources.posts.tree import Found

SITE = "https://blog.example"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def post(preset: str, matter: str, name: str = "a-post.md", *, folder: str = "") -> Outline:
    rules = PostsSettings.model_validate({"path": ".", "preset": preset}).rules()
    text = f"---\ntitle: A post\n{matter}\n---\nHello.\n"
    return outline(Found(name, name, 0, ""), text.encode(), Site(SITE, rules, UTC, folder))


def is_draft(preset: str, matter: str) -> bool:
    try:
        post(preset, f"date: 2026-06-01\n{matter}")
    except Skipped:
        return True
    return False


def poll(folder: Path, preset: str = "generic") -> Document:
    context = SourceContext(name="blog", folder=folder, timezone=UTC, fetcher=lambda: pytest.fail("it asked"))
    return PostsSource(PostsSettings.model_validate({"path": ".", "preset": preset, "site": SITE}), context).poll(
        Memory(), NOW
    )


# --- what must not get out


@pytest.mark.parametrize(
    "matter",
    ["publish: 0", "published: 0", "published: 12", "public: false", "isPublic: no", "listed: false", "visible: false",
     "password: open sesame", "encrypted: true", "protected: yes", "members-only: true", "state: draft",
     "status: archived", "status: deleted", "status: in review"],
)  # fmt: skip
@pytest.mark.parametrize("preset", ["generic", "hugo", "keystatic"])
def test_what_is_kept_from_readers_anywhere_is_kept_from_feeds(preset: str, matter: str) -> None:
    assert is_draft(preset, matter)


@pytest.mark.parametrize("matter", ["password: ''", "public: true", "listed: yes", "state: California", "visible: 1"])
def test_what_only_sounds_like_it_is_published(matter: str) -> None:
    assert not is_draft("generic", matter)


def test_a_key_that_may_mean_something_else_can_still_be_filtered_by() -> None:
    assert post("generic", "date: 2026-06-01\nstate: California").extra == {"state": "California"}


# --- what must not get lost


@pytest.mark.parametrize("preset", ["quarto", "astro", "keystatic", "docusaurus"])
@pytest.mark.parametrize("date", ["7/28/2026", "07/28/2026", '"07-28-2026"'])
def test_a_date_with_the_month_first_is_read_where_the_tool_does(preset: str, date: str) -> None:
    assert post(preset, f"date: {date}").published == datetime(2026, 7, 28, tzinfo=UTC)


@pytest.mark.parametrize("preset", ["generic", "hugo", "jekyll", "eleventy"])
def test_a_date_that_nobody_can_be_sure_of_is_told(preset: str) -> None:
    with pytest.raises(FrontMatterError, match="which is no date"):
        post(preset, "date: 07/08/2026")


def test_no_month_is_made_up() -> None:
    with pytest.raises(FrontMatterError, match="which is no date"):
        post("quarto", "date: 28/07/2026")


@pytest.mark.parametrize(
    "key", ["pubDate", "pubDatetime", "publishDate", "publishedDate", "publishedAt", "datePublished", "published"]
)
@pytest.mark.parametrize("preset", ["astro", "keystatic"])
def test_themes_of_astro_call_the_date_what_they_like(preset: str, key: str) -> None:
    assert post(preset, f"{key}: 2026-06-01").published == datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n\n---\ntitle: A\n---\nHello.\n", 6),
        (" \n---\ntitle: A\n---\nHello.\n", 5),
        ("\r\n---\r\ntitle: A\r\n---\r\nHello.\r\n", 5),
        ("\n+++\ntitle = 'A'\n+++\nHello.\n", 5),
    ],
)
def test_front_matter_below_blank_lines_is_no_text(text: str, line: int) -> None:
    matter, body, body_line = read(text)
    assert matter is not None
    assert matter.get("title") == "A"
    assert matter.line("title") == line - 2
    assert (body, body_line) == ("Hello.\n", line)


def test_what_is_wrong_below_blank_lines_names_its_line() -> None:
    with pytest.raises(FrontMatterError) as failure:
        read("\n\n---\ntitle: A\n")
    assert failure.value.line == 3


@pytest.mark.parametrize("text", ["\n\n---\n\nA rule above.\n", "\n---\nNote that: this is text\n\n---\n"])
def test_a_rule_below_blank_lines_is_a_rule(text: str) -> None:
    assert read(text)[0] is None


# --- where it is


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("fourth/fourth.md", "/blog/fourth/"),
        ("fourth/other.md", "/blog/fourth/other/"),
        ("a/fourth/fourth.md", "/blog/a/fourth/"),
        ("2026-06-01-fourth/fourth.md", "/blog/fourth/"),
        ("fourth.md", "/blog/fourth/"),
        ("fourth/index.md", "/blog/fourth/"),
    ],
)
def test_eleventy_names_a_file_that_is_called_as_its_folder_once(name: str, address: str) -> None:
    assert post("eleventy", "date: 2026-06-01", name, folder="content/blog").url == SITE + address


def test_other_tools_name_it_twice() -> None:
    address = post("hugo", "date: 2026-06-01", "fourth/fourth.md", folder="content/posts").url
    assert address == f"{SITE}/posts/fourth/fourth/"


def test_a_post_without_a_title_is_not_called_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "docusaurus.config.js").write_text("export default {};\n")
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog" / "2026-06-01-small-news.md").write_text("Hello.\n")

    (item,) = poll(tmp_path, "auto").items

    assert (item.title, item.url) == ("Small news", f"{SITE}/blog/2026/06/01/small-news")
    assert in_words("2026/06/01/small-news") == "Small news"


# --- what is said


def test_a_missing_image_is_told_as_it_is_published(tmp_path: Path) -> None:
    (tmp_path / "a-post.md").write_text("---\ntitle: A\n---\n![x](missing.png)\n")

    document = poll(tmp_path)

    (problem,) = document.problems
    assert (problem.where, problem.message) == ("a-post.md:4", "the image missing.png does not exist")
    assert problem.hint == "put it there; until then the post shows it from where the site would have it"
    assert 'src="missing.png"' in document.items[0].content
