"""Lists of feeds, taken in and written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.support.cli import feedbot

START = (
    '# mine\n[feedbot]\nstate = "s.db"\n\n[sources.blog]\ntype = "feed"\nurl = "https://blog.example/feed"\n'
    'tags = ["own"]\n'
)
LIST = """<?xml version="1.0"?>
<opml version="2.0"><body>
<outline text="Python"><outline type="rss" text="News" xmlUrl="https://news.example/feed"/>
<outline type="rss" text="The blog" xmlUrl="http://www.blog.example/feed/"/></outline>
<outline type="rss" text="News" xmlUrl="https://other.example/${HOME}/feed"/>
<outline type="rss" text="Twice" xmlUrl="http://news.example/feed"/>
<outline type="rss" text="Broken"/>
</body></opml>
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "feedbot.toml").write_text(START)
    (tmp_path / "list.opml").write_text(LIST)
    return tmp_path


def test_a_list_is_merged_and_the_difference_shown(place: Path) -> None:
    ran = feedbot("opml", "import", "list.opml", cwd=place)
    assert ran.code == 0
    text = (place / "feedbot.toml").read_text()
    assert text.startswith(START)
    sources = tomllib.loads(text)["sources"]
    assert list(sources) == ["blog", "news", "news-2"]
    assert sources["news"] == {"type": "feed", "url": "https://news.example/feed", "tags": ["Python"]}
    assert sources["news-2"]["url"] == "https://other.example/$${HOME}/feed"
    assert "+ news  https://news.example/feed  [Python]" in ran.out
    assert "= blog" in ran.out
    assert "! line 7: Broken has no xmlUrl" in ran.out
    assert "added 2 sources, 0 sinks to" in ran.out

    assert "added 0 sources" in feedbot("opml", "import", "list.opml", cwd=place).out
    assert (place / "feedbot.toml").read_text() == text


def test_a_dry_run_shows_and_writes_nothing(place: Path) -> None:
    document = feedbot("opml", "import", "list.opml", "--dry-run", "--json", cwd=place).json
    assert list(document["added"]) == ["news", "news-2"]
    assert document["existing"] == {"blog": "http://www.blog.example/feed/"}
    assert document["omitted"] == [{"where": "line 7", "reason": "Broken has no xmlUrl"}]
    assert sorted(path.name for path in place.iterdir()) == ["feedbot.toml", "list.opml"]
    assert (place / "feedbot.toml").read_text() == START


def test_a_list_that_cannot_be_read_changes_nothing(place: Path) -> None:
    (place / "list.opml").write_text(LIST[:200])
    ran = feedbot("opml", "import", "list.opml", cwd=place)
    assert ran.code == 2
    assert "list.opml: line 4: this is not well-formed XML" in ran.err
    assert feedbot("opml", "import", "nothing.opml", cwd=place).code == 2
    assert (place / "feedbot.toml").read_text() == START


def test_sources_are_written_and_read_again(place: Path) -> None:
    secret = '\n[sources.mine]\ntype = "feed"\nurl = "https://me:word@x.example/"\n'
    more = '\n[sources.far]\ntype = "feed"\nurl = "https://x.example/${TOKEN}"\n'
    (place / "feedbot.toml").write_text(START + secret + more)
    ran = feedbot("opml", "export", "out.opml", cwd=place, env={"TOKEN": "tok3n"})
    assert ran.code == 0
    assert "wrote 1 feed to out.opml" in ran.out
    assert ran.err.count("holds what may be secret") == 2
    written = (place / "out.opml").read_text()
    assert "word" not in written
    assert "tok3n" not in written
    assert 'xmlUrl="https://blog.example/feed"' in written
    assert 'category="own"' in written
    assert feedbot("opml", "export", "-", cwd=place, env={"TOKEN": "tok3n"}).out == written

    (place / "feedbot.toml").write_text('[feedbot]\nstate = "s.db"\n')
    assert feedbot("opml", "import", "out.opml", cwd=place).code == 0
    assert tomllib.loads((place / "feedbot.toml").read_text())["sources"]["blog"] == {
        "type": "feed",
        "url": "https://blog.example/feed",
        "tags": ["own"],
    }


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://x.example/?feed=rss2&tag=a", "https://x.example/?feed=rss2&amp;tag=a"),
        ("https://x.example/f?format=atom&token=hush", "https://x.example/f?format=atom&amp;token="),
        ("https://x.example/f?key=hush&n=5", "https://x.example/f?key=&amp;n=5"),
        ("https://x.example/f?n=5&u=${HUSH}&price=$$1", "https://x.example/f?n=5&amp;u=&amp;price=$1"),
        ("https://x.example/f?n=5&u=${NONE:-hush}", "https://x.example/f?n=5&amp;u="),
        ("https://x.example/f?n=5&u=${NONE:-a&b=hush}", ""),
        ("https://x.example/${HUSH}/f", ""),
        ("https://x.example/f?${HUSH}", ""),
        ("https://me:hush@x.example/f", ""),
    ],
)
def test_addresses_are_written_without_their_secrets(tmp_path: Path, url: str, written: str) -> None:
    (tmp_path / "feedbot.toml").write_text(f'[sources.blog]\ntype = "feed"\nurl = "{url}"\n')
    ran = feedbot("opml", "export", "list.opml", cwd=tmp_path, env={"HUSH": "hush"})
    assert ran.code == 0
    text = (tmp_path / "list.opml").read_text()
    assert "hush" not in text + ran.out + ran.err
    assert (f'xmlUrl="{written}"' in text) == bool(written)
    warned = 'the source "blog" is ' in ran.err
    assert warned == ("hush" in url or "HUSH" in url)


def test_thousands_of_feeds_are_taken_in_at_once(place: Path) -> None:
    feeds = "".join(f'<outline text="Feed" xmlUrl="https://f{n}.example/"/>' for n in range(2000))
    (place / "list.opml").write_text(f"<opml><body>{feeds}</body></opml>")
    assert "added 2000 sources" in feedbot("opml", "import", "list.opml", cwd=place).out


def test_where_nothing_can_be_written_a_person_hears_of_the_folder_and_of_no_temporary_file(place: Path) -> None:
    ran = feedbot("opml", "export", "/proc/feeds.opml", cwd=place)
    assert (ran.code, "nothing can be written to /proc: " in ran.err) == (1, True)
