from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from feedbot.errors import SourceError
from feedbot.model import Author, Item
from feedbot.sources.posts.ghost import Export, read_export

SITE = "https://blog.example"


def post(number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "id": f"id{number}",
        "title": f"Post {number}",
        "slug": f"post-{number}",
        "status": "published",
        "visibility": "public",
        "type": "post",
        "html": "<p>Hello.</p>",
        "published_at": "2026-06-01T10:00:00.000Z",
        "updated_at": "2026-06-02T10:00:00.000Z",
        **values,
    }


def export(*posts: Any, site: str = SITE, permalink: str = "/{slug}/", **tables: Any) -> Export:
    document = {"db": [{"meta": {"version": "5.0"}, "data": {"posts": list(posts), **tables}}]}
    return read_export(json.dumps(document).encode(), site, where="blog.json", source="blog", permalink=permalink)


def one(**values: Any) -> Item:
    (item,) = export(post(**values)).items
    return item


def test_a_post_is_read_whole() -> None:
    read = export(
        post(
            html='<p><a href="__GHOST_URL__/other/">x</a><img src="__GHOST_URL__/content/images/a.png"></p>',
            feature_image="__GHOST_URL__/content/images/lead.png",
            custom_excerpt="About <it> & more",
            locale="en",
            uuid="u",
            featured=1,
            canonical_url="__GHOST_URL__/else/",
            codeinjection_head="<script>",
        ),
        users=[
            {"id": "a", "name": "Jo", "slug": "jo", "website": "https://jo.example", "email": "jo@private.example"},
            {"id": "b", "name": "", "slug": "ann", "website": "javascript:x"},
        ],
        posts_authors=[
            {"post_id": "id1", "author_id": "b", "sort_order": 1},
            {"post_id": "id1", "author_id": "a", "sort_order": 0},
        ],
        tags=[
            {"id": "t", "name": "News"},
            {"id": "i", "name": "#internal", "visibility": "internal"},
            {"id": "h", "name": "#hash"},
        ],
        posts_tags=[{"post_id": "id1", "tag_id": tag, "sort_order": 0} for tag in ("i", "t", "h", "gone")],
        settings=[{"key": "title", "value": "My blog"}],
    )

    assert read == Export(
        items=(
            Item(
                id="https://blog.example/post-1/",
                keys=("id:id1",),
                url="https://blog.example/post-1/",
                title="Post 1",
                authors=(Author("Jo", "https://jo.example"), Author("ann")),
                published=datetime(2026, 6, 1, 10, tzinfo=UTC),
                updated=datetime(2026, 6, 2, 10, tzinfo=UTC),
                tags=("News",),
                summary="About &lt;it&gt; &amp; more",
                content='<p><a href="https://blog.example/other/">x</a>'
                '<img src="https://blog.example/content/images/a.png"></p>',
                base="https://blog.example/post-1/",
                language="en",
                image="https://blog.example/content/images/lead.png",
                extra={"featured": 1, "canonical_url": "https://blog.example/else/"},
            ),
        ),
        problems=(),
        skipped=0,
        title="My blog",
    )


@pytest.mark.parametrize(
    ("values", "skipped"),
    [
        ({"status": "draft"}, 1),
        ({"status": "scheduled"}, 1),
        ({"status": "sent"}, 1),
        ({"status": None}, 1),
        ({"visibility": "members"}, 1),
        ({"visibility": "paid"}, 1),
        ({"visibility": "tiers"}, 1),
        ({"type": "page"}, 0),
        ({"type": "", "page": 1}, 0),
        ({"type": None, "page": True}, 0),
    ],
)
def test_only_what_everybody_may_read_is_published(values: dict[str, Any], skipped: int) -> None:
    read = export(post(**values), post(2))

    assert [item.title for item in read.items] == ["Post 2"]
    assert (read.skipped, read.problems) == (skipped, ())


def test_exports_of_old_are_read() -> None:
    legacy = {"id": 7, "title": "Old", "slug": "old", "status": "published", "page": 0,
              "html": "<p>x</p>", "published_at": 1_400_000_000_000, "author_id": 3,
              "image": "/content/a.png", "language": "en_US"}  # fmt: skip
    older = {**legacy, "id": 8, "slug": "older", "author_id": None, "author": 3}
    tables = {
        "posts": [legacy, older],
        "users": [{"id": 3, "name": "Jo"}],
        "tags": [{"id": 1, "name": "b"}, {"id": 2, "name": "a"}],
        "posts_tags": [{"post_id": 7, "tag_id": 2}, {"post_id": 7, "tag_id": 1}],
    }
    data = json.dumps({"meta": {"exported_on": 1, "version": "003"}, "data": tables}).encode()
    first, second = read_export(b"\xef\xbb\xbf" + data, SITE + "/", where="x.json", source="blog").items

    assert first.published == datetime(2014, 5, 13, 16, 53, 20, tzinfo=UTC)
    assert (first.keys, first.authors, first.tags) == (("id:7",), (Author("Jo"),), ("a", "b"))
    assert (first.image, first.language) == ("https://blog.example/content/a.png", "en-US")
    assert second.authors == (Author("Jo"),)


def test_without_a_site_posts_are_named_by_their_slugs() -> None:
    (item,) = export(post(feature_image="__GHOST_URL__/a.png"), site="").items

    assert (item.id, item.url, item.image) == ("tag:feedbot,2026:blog/post-1", "", "")


def test_addresses_follow_the_pattern_of_the_blog() -> None:
    (item,) = export(post(), permalink="/{year}/{month}/{slug}/", site=f"{SITE}/news").items

    assert item.url == "https://blog.example/news/2026/06/post-1/"


def test_text_stands_in_for_html_that_is_not_there() -> None:
    assert one(html=None, plaintext="One <a>\n\n\nTwo").content == "<p>One &lt;a&gt;</p>\n<p>Two</p>\n"


def test_what_is_wrong_with_one_post_leaves_the_others_alone() -> None:
    read = export(
        post(1, slug=""),
        post(2, id=None),
        post(3, html=None),
        post(4, published_at="soon", created_at=None),
        "no post",
        post(5),
    )

    assert [item.title for item in read.items] == ["Post 3", "Post 4", "Post 5"]
    assert [problem.where for problem in read.problems] == [f'blog.json: "Post {n}"' for n in (1, 2, 3, 4)]
    (dated,) = export(post(4, published_at=None), permalink="/{year}/").problems
    assert "needs {year}" in dated.message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is not valid JSON"),
        (b'{\n"db" 1}', "blog.json:2: it is not valid JSON"),
        (b"\xff", "not valid JSON in UTF-8"),
        (b"[" * 200_000, "not valid JSON"),
        (b"[]", "no export of a Ghost blog"),
        (b"{}", "no export of a Ghost blog"),
        (b'{"db": []}', "no export of a Ghost blog"),
        (b'{"db": [{"data": {"posts": {}}}]}', "no export of a Ghost blog"),
    ],
)
def test_what_is_no_export_removes_nothing(data: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        read_export(data, SITE, where="blog.json", source="blog")
    assert caught.value.hint


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, True, [1], {"a": 1}, -1, 10**30, 1.5])
@pytest.mark.parametrize(
    "key", ["id", "title", "slug", "html", "published_at", "visibility", "type", "page", "feature_image", "author_id"]
)
def test_values_of_any_kind_break_nothing(key: str, value: Any) -> None:
    read = export(post(**{key: value}), posts_authors=value, tags=[value], users=value)

    assert len(read.items) <= 1
