"""A real blog read whole, where the corpus is there."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedbot.core.html import clean, to_text
from feedbot.model import Document, Item, Memory
from tests.conftest import CORPUS
from tests.sources.test_posts import NOW, source

BLOG = [CORPUS / "posts"] if (CORPUS / "posts").exists() else []


def read(folder: Path) -> Document:
    blog = source(folder, preset="keystatic", site="https://blog.example.org")
    return blog.poll(Memory(), NOW)


def item(document: Document, slug: str) -> Item:
    (found,) = (item for item in document.items if item.url.endswith(f"/{slug}/"))
    return found


@pytest.mark.parametrize("folder", BLOG)
def test_every_post_is_read_and_the_missing_image_told_of(folder: Path) -> None:
    document = read(folder)

    assert document.notes == ("43 posts",)
    missing, *unknown = [problem.message for problem in document.problems]
    assert missing == "the image cpython_growth.svg does not exist"
    assert len(unknown) == 4
    assert all(re.fullmatch(r"the component Showcase\w+ is not known and left out", message) for message in unknown)
    assert document.standing == frozenset()
    assert all(each.published and each.title and each.content for each in document.items)
    assert all(author.url for each in document.items for author in each.authors)
    assert all(len(each.authors) == 1 for each in document.items)
    assert len({each.id for each in document.items}) == 43


@pytest.mark.parametrize("folder", BLOG)
def test_every_post_can_be_published_with_absolute_addresses(folder: Path) -> None:
    document = read(folder)
    for each in document.items:

        def published(address: str) -> str:
            return address.replace("feedbot-asset:", "https://feeds.example.org/media/")

        page = clean(each.content, each.base, published)

        assert to_text(page)
        assert all(re.match(r"https?://|mailto:|#", address) for address in re.findall(r'(?:href|src)="([^"]*)"', page))
    assert len(document.assets) > 10
    assert all(Path(path).is_file() for path in document.assets.values())


@pytest.mark.parametrize("folder", BLOG)
def test_words_in_angle_brackets_are_still_to_be_read(folder: Path) -> None:
    shown = " ".join(to_text(clean(each.content, each.base)) for each in read(folder).items)

    for word in ("<module>", "<bomb>", "<root>", "<pid>"):
        assert word in shown


@pytest.mark.parametrize("folder", BLOG)
def test_what_is_special_about_some_posts_is_understood(folder: Path) -> None:
    document = read(folder)

    moved = item(document, "the-python-insider-blog-has-moved")
    assert "Showcase" not in moved.content
    assert "Some interactive content is only on the site" in moved.content
    assert moved.aliases == ("https://blog.example.org/2026/03/the-python-insider-blog-has-moved.html",)
    assert item(document, "cpython-codebase-growth").published == datetime(2026, 3, 8, tzinfo=UTC)
    assert "&" not in item(document, "python-3120-alpha-1-released").title


@pytest.mark.parametrize("folder", BLOG)
def test_a_real_blog_is_read_quickly(folder: Path) -> None:
    read(folder)
    started = time.process_time()
    read(folder)

    assert time.process_time() - started < 1.5
