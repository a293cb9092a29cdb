from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from feedbot.errors import SourceError
from feedbot.http import Fetcher
from feedbot.model import Author, Document, Item, Memory
from feedbot.plugins import SourceContext
from feedbot.sources.posts import PostsSource
from feedbot.sources.posts.blog import read_blog
from feedbot.sources.posts.index import Index
from feedbot.sources.posts.outline import Site
from feedbot.sources.posts.presets import PRESETS
from feedbot.sources.posts.press import Plan
from feedbot.sources.posts.scan import scan
from feedbot.sources.posts.settings import PostsSettings

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(hours=1)
SITE = "https://example.org"


def no_fetcher() -> Fetcher:
    raise AssertionError("posts need no HTTP")


def source(folder: Path, *, timezone: Any = UTC, **settings: Any) -> PostsSource:
    settings = {"path": ".", "site": SITE, "preset": "generic", **settings}
    context = SourceContext(name="blog", folder=folder, timezone=timezone, fetcher=no_fetcher)
    return PostsSource(PostsSettings(**settings), context)


def poll(folder: Path, **settings: Any) -> Document:
    return source(folder, **settings).poll(Memory(), NOW)


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def post(matter: str = "", body: str = "Hello.") -> str:
    return f"---\ntitle: A post\ndate: 2026-06-01\n{matter}\n---\n{body}\n"


def only(document: Document) -> Item:
    assert document.problems == ()
    (item,) = document.items
    return item


def one(folder: Path, matter: str = "", body: str = "Hello.", name: str = "a-post.md", **settings: Any) -> Item:
    write(folder / name, post(matter, body))
    return only(poll(folder, **settings))


def test_a_post_is_read_whole(tmp_path: Path) -> None:
    matter = (
        "updated: 2026-06-02\nauthor: Jo\ntags: [a, 3.10]\ndescription: About *it*\nimage: /i.png\nlang: en_GB\n"
        "aliases: [/old, https://old.example/x]\nmood: good\nnested: {a: [1, null]}"
    )
    item = one(tmp_path, matter)

    assert item == Item(
        id="https://example.org/a-post/",
        keys=("path:a-post.md",),
        url="https://example.org/a-post/",
        title="A post",
        authors=(Author("Jo"),),
        published=datetime(2026, 6, 1, tzinfo=UTC),
        updated=datetime(2026, 6, 2, tzinfo=UTC),
        tags=("a", "3.10"),
        summary="About <em>it</em>",
        content="<p>Hello.</p>\n",
        base="https://example.org/a-post/",
        language="en-GB",
        image="https://example.org/i.png",
        aliases=("https://example.org/old", "https://old.example/x"),
        extra={"mood": "good", "nested": {"a": ["1", None]}},
    )


def test_the_document_lists_all_there_is(tmp_path: Path) -> None:
    write(tmp_path / "b.md", post("title2: x"))
    write(tmp_path / "a.md", post())
    write(tmp_path / "c.md", post("draft: true"))
    document = poll(tmp_path)

    assert [item.url for item in document.items] == ["https://example.org/a/", "https://example.org/b/"]
    assert (document.complete, document.trusted_dates, document.not_modified) == (True, True, False)
    assert document.notes == ("2 posts, 1 draft skipped",)
    assert document.standing == frozenset()


def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    text = post("tags:\n  - a", "Some *text*\n\n```\ncode\n\ncode\n```\n\n- a\n- b\n")
    write(tmp_path / "unix/a.md", text)
    write(tmp_path / "dos/a.md", b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    assert only(poll(tmp_path / "unix")) == only(poll(tmp_path / "dos"))


# --- dates


@pytest.mark.parametrize(
    "written", ["'2026-06-01'", '"2026-06-01"', "2026-06-01", "2026-06-01T00:00:00Z", "1 June 2026"]
)
def test_a_date_is_read_however_it_is_written(tmp_path: Path, written: str) -> None:
    write(tmp_path / "a.md", f"---\ntitle: A\npublishDate: {written}\n---\n")

    assert only(poll(tmp_path)).published == datetime(2026, 6, 1, tzinfo=UTC)


def test_a_date_that_is_none_leaves_the_post_as_it_is_known(tmp_path: Path) -> None:
    write(tmp_path / "bad.md", "---\ntitle: A\ndate: soon\n---\n")
    write(tmp_path / "odd.md", "---\ntitle: A\nupdated: 0206-01-01\n---\n")
    write(tmp_path / "good.md", post())
    document = poll(tmp_path)

    assert [item.url for item in document.items] == ["https://example.org/good/"]
    assert [problem.where for problem in document.problems] == ["bad.md:3", "odd.md:3"]
    assert "date is 'soon'" in document.problems[0].message
    assert document.standing == {"path:bad.md", "path:odd.md"}


def test_a_post_needs_no_date_unless_its_address_does(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "---\ntitle: A\n---\n")

    assert only(poll(tmp_path)).published is None
    (problem,) = poll(tmp_path, permalink="/{year}/{slug}/").problems
    assert "needs {year}, and the post has no date" in problem.message


def test_days_are_those_of_the_zone(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "---\ntitle: A\ndate: 2026-07-01\n---\n")
    write(tmp_path / "b.md", "---\ntitle: B\ndate: 2026-06-30T23:30:00Z\n---\n")
    documents = poll(tmp_path, timezone=ZoneInfo("Europe/Berlin"), permalink="/{year}/{month}/{day}/{slug}")

    assert [item.url for item in documents.items] == [
        "https://example.org/2026/07/01/a",
        "https://example.org/2026/07/01/b",
    ]
    assert documents.items[0].published == datetime(2026, 6, 30, 22, tzinfo=UTC)


def test_a_date_in_the_name_counts_where_there_is_no_other(tmp_path: Path) -> None:
    write(tmp_path / "2026-05-04-first.md", "---\ntitle: A\n---\n")
    write(tmp_path / "2026-05-05-second/index.md", "---\ntitle: B\ndate: 2026-06-01\n---\n")
    first, second = poll(tmp_path).items

    assert (first.url, first.published) == ("https://example.org/first/", datetime(2026, 5, 4, tzinfo=UTC))
    assert (second.url, second.published) == ("https://example.org/second/", datetime(2026, 6, 1, tzinfo=UTC))


def test_a_date_to_come_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "---\ntitle: A\ndate: 2027-01-01\n---\n")

    assert only(poll(tmp_path)).published == datetime(2027, 1, 1, tzinfo=UTC)


# --- drafts


@pytest.mark.parametrize(
    "matter",
    ["draft: true", "draft: yes", "draft: 'true'", "Draft: TRUE", "draft: maybe", "published: false", "published: no",
     "publish: false", "status: draft", "Status: Hidden"],
)  # fmt: skip
def test_drafts_are_left_out(tmp_path: Path, matter: str) -> None:
    write(tmp_path / "a.md", post(matter))

    assert poll(tmp_path).items == ()
    assert poll(tmp_path).notes == ("0 posts, 1 draft skipped",)


@pytest.mark.parametrize(
    "matter", ["draft: false", "draft: no", "draft:", "published: true", "published: 2026-06-01", "status: published"]
)
def test_published_posts_are_not_drafts(tmp_path: Path, matter: str) -> None:
    assert one(tmp_path, matter).title == "A post"


def test_published_may_be_the_date_itself(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "---\ntitle: A\npublished: 2026-06-01\n---\n")

    assert only(poll(tmp_path)).published == datetime(2026, 6, 1, tzinfo=UTC)


# --- what a post is called


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: ' Two\n  lines '\n---\n# Other", "Two lines"),
        ("---\ntitle:\n---\n# From *here*\n", "From here"),
        ("---\ndate: 2026-01-01\n---\ntext\n", "My first post"),
        ("# Bare\n\nNo front matter.\n", "Bare"),
    ],
)
def test_the_title_is_found_where_there_is_one(tmp_path: Path, text: str, title: str) -> None:
    write(tmp_path / "my-first_post.md", text)

    assert only(poll(tmp_path)).title == title


@pytest.mark.parametrize(
    ("matter", "tags"),
    [
        ("tags: [a, A, 'b c', null, 3, true]", ("a", "b c", "3", "true")),
        ("tags: one, two ,#three", ("one", "two", "three")),
        ("tags:\ncategories: [x]\ncategory: y", ("x", "y")),
        ("tags: {a: 1, b: 2}", ("a", "b")),
        ("tags: [{name: a}, [b]]", ("a",)),
    ],
)
def test_tags_are_read_in_every_form(tmp_path: Path, matter: str, tags: tuple[str, ...]) -> None:
    assert one(tmp_path, matter).tags == tags


def test_authors_are_joined_by_name_or_by_file(tmp_path: Path) -> None:
    write(tmp_path / "content/authors/jo.json", '{"name": "Jo Doe", "website": "https://jo.example", "github": "jo"}')
    write(tmp_path / "content/authors/ann.json", '{"name": "Ann", "github": "@ann", "email": "ann@example.org"}')
    write(tmp_path / "content/authors/bad.json", '{"name":\n oops')
    write(tmp_path / "content/authors/list.json", "[]")
    matter = "author: ['jo doe', ann, {name: Zoe, url: 'https://zoe.example'}, 'Max <max@example.org>', 'Davis, Jr.']"
    write(tmp_path / "content/posts/a/index.md", post(matter))
    write(tmp_path / "content/posts/b/index.md", post("authors: Ann, Jo Doe"))

    for path in (".", "content", "content/posts"):
        document = poll(tmp_path, path=path)
        ann = Author("Ann", "https://github.com/ann", "ann@example.org")
        jo = Author("Jo Doe", "https://jo.example")
        assert document.items[0].authors == (
            jo,
            ann,
            Author("Zoe", "https://zoe.example"),
            Author("Max", "", "max@example.org"),
            Author("Davis, Jr."),
        )
        assert document.items[1].authors == (ann, jo)
        assert [problem.where for problem in document.problems] == [
            "content/authors/bad.json:2",
            "content/authors/list.json",
        ]


# --- addresses and ids


@pytest.mark.parametrize(
    ("matter", "settings", "url"),
    [
        ("", {}, "https://example.org/dir/"),
        ("slug: /other/", {}, "https://example.org/other/"),
        ("slug: 'Ünder score?'", {}, "https://example.org/%C3%9Cnder%20score%3F/"),
        ("slug: ../../a/./b", {}, "https://example.org/a/b/"),
        ("", {"permalink": "/{path}.html"}, "https://example.org/deep/dir.html"),
        ("category: [A/B, c]", {"permalink": "{category}/{slug}"}, "https://example.org/A%2FB/dir"),
        ("", {"permalink": "/{date:%Y-%m}/{slug}/"}, "https://example.org/2026-06/dir/"),
        ("", {"preset": "keystatic"}, "https://example.org/2026/06/dir/"),
        ("", {"preset": "astro"}, "https://example.org/blog/dir/"),
        ("", {"site": "https://example.org/blog/"}, "https://example.org/blog/dir/"),
        ("permalink: /here/it/is/", {}, "https://example.org/here/it/is/"),
        ("permalink: /blog/x", {"site": "https://example.org/blog"}, "https://example.org/blog/x"),
        ("canonicalUrl: https://other.example/é", {}, "https://other.example/%C3%A9"),
        ("permalink: pretty", {}, "https://example.org/dir/"),
        ("permalink: '/{{ x }}/'", {}, "https://example.org/dir/"),
        ("permalink: '/:year/:title/'", {}, "https://example.org/dir/"),
        ("url: 'javascript:alert(1)//'", {}, "https://example.org/dir/"),
        ("url: //evil.example/x", {}, "https://example.org/dir/"),
        ("url: false", {}, "https://example.org/dir/"),
    ],
)
def test_the_address_follows_the_pattern_or_what_the_post_says(
    tmp_path: Path, matter: str, settings: dict[str, str], url: str
) -> None:
    assert one(tmp_path, matter, name="deep/dir/index.md", **settings).url == url


def test_a_field_that_a_post_does_not_have_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post())
    (problem,) = poll(tmp_path, permalink="/{category}/{slug}/").problems

    assert str(problem).startswith("a.md:1: its address /{category}/{slug}/ needs {category}")


def test_an_id_of_its_own_comes_first(tmp_path: Path) -> None:
    item = one(tmp_path, "guid: tag:example.org,2011:1")

    assert item.id == "tag:example.org,2011:1"
    assert item.keys == ("id:tag:example.org,2011:1", "path:a-post.md")


def test_without_a_site_ids_come_from_the_files(tmp_path: Path) -> None:
    write(tmp_path / "a b/index.md", post("permalink: /x/"))
    write(tmp_path / "notes/c.md", post())
    document = poll(tmp_path, site="", permalink="/{year}/{nothing}/")

    assert [(item.id, item.url, item.base) for item in document.items] == [
        ("tag:feedbot,2026:blog/a%20b", "", ""),
        ("tag:feedbot,2026:blog/notes/c", "", ""),
    ]
    assert document.problems == ()


def test_two_posts_at_one_address_are_both_kept_and_told_of(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post("slug: same"))
    write(tmp_path / "b.md", post("slug: same"))
    document = poll(tmp_path)

    assert len(document.items) == 2
    assert [str(problem) for problem in document.problems] == [
        "b.md: it has the same address as a.md: https://example.org/same/ (give one of them another slug)"
    ]


# --- settings of one key


def test_keys_of_the_preset_can_be_overridden_one_by_one(tmp_path: Path) -> None:
    matter = "headline: Other\nwhen: 2026-05-01\ntopics: [x]\ntags: [y]"
    item = one(tmp_path, matter, title="headline", date=["when"], tags_from=["topics"])

    assert (item.title, item.published, item.tags) == ("Other", datetime(2026, 5, 1, tzinfo=UTC), ("x",))
    assert item.extra == {"title": "A post", "tags": ["y"]}


# --- links and images


def test_links_to_other_posts_lead_to_where_they_are_published(tmp_path: Path) -> None:
    write(tmp_path / "two/index.md", post("slug: second"))
    write(tmp_path / "three.md", post())
    markdown = "[a](../two/index.md#x) [b](../two/) [c](../three.md?q) [d](../none.md) [e](#f) [g](/h)"
    body = f"{markdown} <a href='../three'>i</a>"
    write(tmp_path / "one/index.md", post(body=body))
    item = poll(tmp_path).items[0]

    for address in (
        "https://example.org/second/#x",
        "https://example.org/second/",
        "https://example.org/three/?q",
        "../none.md",
        "#f",
        "/h",
        "https://example.org/three/",
    ):
        assert f'href="{address}"' in item.content


def test_images_beside_a_post_are_copied_under_a_name_of_their_content(tmp_path: Path) -> None:
    image = write(tmp_path / "a/my cat.PNG", b"png")
    name = hashlib.sha256(b"png").hexdigest()[:32] + ".png"
    body = "![cat](./my%20cat.PNG)\n\n<img src='my cat.PNG' alt='x'>\n\n[big](my%20cat.PNG)\n"
    write(tmp_path / "a/index.md", post("image: ./my cat.PNG", body))
    document = poll(tmp_path)
    item = only(document)

    assert document.assets == {name: str(image)}
    assert f'src="feedbot-asset:{name}?.%2Fmy%2520cat.PNG"' in item.content
    assert f'src="feedbot-asset:{name}?my%20cat.PNG"' in item.content
    assert f'href="feedbot-asset:{name}?my%2520cat.PNG"' in item.content
    assert item.image == f"feedbot-asset:{name}?.%2Fmy%20cat.PNG"


def test_an_image_that_is_not_there_is_told_and_the_post_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "secret.png", b"secret")
    write(tmp_path / "blog/a.md", post("", "text\n\n![x](none.png) ![y](../secret.png) ![z](https://a.b/c.png)"))
    document = poll(tmp_path, path="blog")

    assert 'src="none.png"' in document.items[0].content
    assert document.assets == {}
    assert [(problem.where, problem.message) for problem in document.problems] == [
        ("blog/a.md:8", "the image none.png does not exist"),
        ("blog/a.md:8", "the image ../secret.png is outside of the folder"),
    ]


def test_images_can_be_linked_or_dropped(tmp_path: Path) -> None:
    write(tmp_path / "cat.png", b"png")
    write(tmp_path / "a.md", post("image: cat.png", "![a cat](cat.png) ![far](https://a.b/c.png)"))
    linked, dropped = only(poll(tmp_path, assets="link")), only(poll(tmp_path, assets="drop"))

    assert 'src="cat.png"' in linked.content
    assert linked.image == "https://example.org/a/cat.png"
    assert dropped.content == '<p>a cat <img src="https://a.b/c.png" alt="far" /></p>\n'
    assert dropped.image == ""


def test_what_only_the_site_can_show_is_told_once(tmp_path: Path) -> None:
    write(tmp_path / "a.mdx", post(body="import A from './a'\n\n<A />\n\ntext\n\n<B />"))
    document = poll(tmp_path)

    assert [str(problem) for problem in document.problems] == [
        "a.mdx:8: the component A is not known and left out",
        "a.mdx:12: the component B is not known and left out",
    ]
    assert document.items[0].content == (
        "<p>text</p>\n<p>Some interactive content is only on the site: "
        '<a href="https://example.org/a/">A post</a></p>\n'
    )


def test_the_opening_is_the_summary_where_there_is_no_description(tmp_path: Path) -> None:
    assert one(tmp_path, body="Short.\n\n<!-- more -->\n\nLong.").summary == "<p>Short.</p>\n"
    assert one(tmp_path, "description: See [a](/b) & <module>", "x\n\n<!-- more -->").summary == (
        'See <a href="/b">a</a> &amp; &lt;module&gt;'
    )


def test_the_first_paragraph_is_the_summary_where_that_is_asked_for(tmp_path: Path) -> None:
    asked: Any = {"summary": ["description", ":first-paragraph"]}
    body = "# A post\n\n![A cat](https://example.org/a.png)\n\n> Quoted.\n\nShort *words*[^1].\n\nLong.\n\n[^1]: Note."
    assert one(tmp_path, body=body, **asked).summary == "<p>Short <em>words</em>.</p>\n"
    assert one(tmp_path, body="Short.\n\nMore.\n\n<!-- more -->\n\nLong.", **asked).summary == (
        "<p>Short.</p>\n<p>More.</p>\n"
    )
    assert one(tmp_path, "description: Said.", "Short.", **asked).summary == "Said."
    assert one(tmp_path, body="Short.").summary == ""


def test_where_the_date_of_a_post_to_come_is_written_is_told(tmp_path: Path) -> None:
    write(tmp_path / "posts" / "a.md", "---\ntitle: A\ndate: 2026-08-07\n---\nHello.\n")
    document = poll(tmp_path, path="posts")
    assert document.places == {f"{SITE}/a/": "posts/a.md:3"}


# --- broken posts


def test_one_broken_post_leaves_the_others_alone(tmp_path: Path) -> None:
    write(tmp_path / "good.md", post())
    write(tmp_path / "colon.md", "---\ntitle: a: b\n---\n")
    write(tmp_path / "latin.md", b"---\ntitle: a\n---\n\nfa\xe7ade\n")
    write(tmp_path / "open.md", "---\ntitle: a\n")
    write(tmp_path / "huge.md", b"x" * 5_000_001)
    document = poll(tmp_path)

    assert [item.url for item in document.items] == ["https://example.org/good/"]
    assert {problem.where for problem in document.problems} == {"colon.md:2", "latin.md:5", "open.md:1", "huge.md:1"}
    assert document.standing == {"path:colon.md", "path:latin.md", "path:open.md", "path:huge.md"}
    assert all("is no UTF" not in str(problem) and str(problem) for problem in document.problems)


def test_a_blog_of_broken_posts_removes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "---\n[\n---\n")
    document = poll(tmp_path)

    assert document.items == ()
    assert document.standing == {"path:a.md"}


def test_a_post_that_is_too_long_is_cut(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post(body="```\n" + "A line of text.\n" * 70_000))
    document = poll(tmp_path)

    assert 1_000_000 < len(document.items[0].content) < 1_600_000
    assert document.problems[0].where.startswith("a.md:625")


def test_characters_that_no_feed_can_carry_are_dropped(tmp_path: Path) -> None:
    write(tmp_path / "a.md", b'---\ntitle: "a\x01b\\x02"\n---\ntext\x0c &#1; \x00\n')
    item = only(poll(tmp_path))

    assert (item.title, item.content) == ("ab", "<p>text \ufffd</p>\n")


# --- whether anything changed


def test_a_blog_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post())
    blog = source(tmp_path)
    memory = blog.poll(Memory(), LATER).memory

    again = blog.poll(memory, LATER)

    assert (again.not_modified, again.memory, again.items) == (True, memory, ())


def test_any_change_is_seen(tmp_path: Path) -> None:
    write(tmp_path / "content/posts/a/index.md", post("author: jo", "![](x.png)"))
    write(tmp_path / "content/posts/a/x.png", b"1")
    write(tmp_path / "content/authors/jo.json", "{}")

    memory = Memory()

    def changed(**settings: Any) -> bool:
        nonlocal memory
        document = source(tmp_path, **settings).poll(memory, LATER)
        memory = document.memory
        return not document.not_modified

    assert changed()
    assert not changed()
    write(tmp_path / "content/posts/a/index.md", post("tags: x\nauthor: jo", "![](x.png)"))
    assert changed()
    write(tmp_path / "content/posts/b/index.md", post())
    assert changed()
    write(tmp_path / "content/posts/a/x.png", b"22")
    assert changed()
    write(tmp_path / "content/authors/jo.json", '{"name": "Jo"}')
    assert changed()
    (tmp_path / "content/posts/b/index.md").unlink()
    assert changed()
    assert changed(assets="link")
    assert not changed(assets="link")


def test_an_edit_that_leaves_size_and_times_is_seen_when_it_follows_a_poll_at_once(tmp_path: Path) -> None:
    file = write(tmp_path / "a.md", post(body="one"))
    when = datetime.now(UTC)
    os.utime(file, (when.timestamp(), when.timestamp()))
    blog = source(tmp_path)
    memory = blog.poll(Memory(), when).memory
    assert blog.poll(memory, when).not_modified

    write(file, post(body="two"))
    os.utime(file, (when.timestamp(), when.timestamp()))

    assert "two" in blog.poll(memory, when).items[0].content


# --- what may be read


def test_a_folder_without_posts_removes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "file", "x")
    for path in ("missing", ".", "file"):
        with pytest.raises(SourceError) as caught:
            poll(tmp_path, path=path)
        assert str(tmp_path) in caught.value.message
        assert caught.value.hint


def test_files_that_are_no_posts_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post())
    for name in (".git/x.md", "node_modules/x/README.md", "_drafts/x.md", "_index.md", "x.txt", ".hidden.md"):
        write(tmp_path / name, post())
    write(tmp_path / "README.md", "# About this blog\n")

    assert only(poll(tmp_path)).url == "https://example.org/a/"
    assert poll(tmp_path).notes == ("1 post",)


def test_nothing_is_read_through_a_link_out_of_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "secret/secret.md", post(body="secret"))
    write(tmp_path / "secret/secret.png", b"secret")
    write(tmp_path / "blog/a.md", post(body="![x](link.png)"))
    write(tmp_path / "blog/sub/real.md", post())
    (tmp_path / "blog/link.md").symlink_to(tmp_path / "secret/secret.md")
    (tmp_path / "blog/link.png").symlink_to(tmp_path / "secret/secret.png")
    (tmp_path / "blog/folder").symlink_to(tmp_path / "secret")
    (tmp_path / "blog/inside.md").symlink_to(tmp_path / "blog/sub/real.md")
    document = poll(tmp_path, path="blog")

    assert [item.url for item in document.items] == [
        "https://example.org/a/",
        "https://example.org/inside/",
        "https://example.org/real/",
    ]
    assert document.assets == {}
    assert {problem.where for problem in document.problems} == {"blog/link.md", "blog/link.png", "blog/a.md:6"}


def test_a_folder_of_posts_that_is_a_link_out_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "secret/a.md", post())
    (tmp_path / "blog/content").mkdir(parents=True)
    (tmp_path / "blog/content/posts").symlink_to(tmp_path / "secret")

    with pytest.raises(SourceError, match="is a link out of"):
        poll(tmp_path, path="blog")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post())
    os.mkfifo(tmp_path / "pipe.md")
    document = poll(tmp_path)

    assert len(document.items) == 1
    assert str(document.problems[0]) == "pipe.md: it is no regular file"


def test_names_of_any_bytes_are_told_of(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post())
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.md")), post())
    write(tmp_path / "b\n.md", post())
    document = poll(tmp_path)

    assert len(document.items) == 1
    assert len(document.problems) == 2
    assert all("name" in problem.message for problem in document.problems)


def test_a_name_is_the_same_on_every_system(tmp_path: Path) -> None:
    write(tmp_path / "cafe\u0301.md", post())

    assert only(poll(tmp_path)).keys == ("path:caf\u00e9.md",)


def test_the_folder_is_found_below_or_is_the_path_itself(tmp_path: Path) -> None:
    write(tmp_path / "repo/src/content/blog/a.md", post())
    write(tmp_path / "repo/README.md", "# About\n")

    assert only(poll(tmp_path, path="repo", preset="astro")).keys == ("path:a.md",)
    assert only(poll(tmp_path, path="repo/src/content/blog", preset="astro")).keys == ("path:a.md",)


def test_a_post_that_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post())
    blog = source(tmp_path)
    found = scan(tmp_path, (), ("*.md",), (), NOW)
    (tmp_path / "a.md").unlink()
    (tmp_path / "a.md").symlink_to(tmp_path / "b.md")
    plan = Plan(
        site=Site(SITE, PRESETS["generic"], UTC), source="blog", assets="copy", assets_base="", known={}, components={}
    )
    reading = read_blog(found, plan, Index(), NOW)

    assert reading.document.standing == {"path:a.md"}
    assert reading.document.problems[0].message.startswith("it cannot be read: ")
    assert (reading.whole, reading.index.files) == (False, {})
    (tmp_path / "a.md").unlink()
    write(tmp_path / "a.md", post())
    assert len(blog.poll(Memory(), NOW).items) == 1


def test_posts_that_claim_one_id_are_told_apart_by_their_files(tmp_path: Path) -> None:
    write(tmp_path / "a.md", post("id: same"))
    write(tmp_path / "b.md", post("id: same", "Other."))

    document = poll(tmp_path)

    assert [item.keys for item in document.items] == [("path:a.md",), ("path:b.md",)]
    assert [problem.where for problem in document.problems] == ["b.md"]
