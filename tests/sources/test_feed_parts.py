"""Only what changed in a feed is read, and gives the same as reading the whole."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedbot.app import App, RunOptions
from feedbot.errors import SourceError
from feedbot.model import Document, Memory, Validators
from feedbot.settings import load
from feedbot.sources.feed import document, reading
from feedbot.sources.feed.decode import as_it_came, decode, readable_xml
from feedbot.sources.feed.hub import NO_HUB
from feedbot.sources.feed.parsed import Parsed
from feedbot.sources.feed.survey import Survey, survey
from tests.conftest import CORPUS
from tests.sources.feeds import NOW, atom, check_as_the_whole, from_file, ids, items_of, over_http, poll, rss
from tests.support.examples import examples
from tests.support.web import Answer, WebServer

URL = "https://a.example/feed"
XML = sorted((CORPUS / "feeds").glob("*.xml")) if CORPUS.exists() else []


def item(name: str, text: str = "hello") -> str:
    return f"<title>{name.upper()}</title><guid>urn:x:{name}</guid><description>{text}</description>"


def understood(text: str, memory: Mapping[str, Any] | None = None) -> Parsed:
    """What is read of a document; that a glance at it, where it tells, tells the same."""
    parsed = reading.read(reading.Task(text=text, url=URL, now=NOW, memory=memory or {}), watched=True)
    assert parsed is not None
    assert glanced(text.encode("utf-8", "surrogatepass"), memory or {}) in (None, parsed)
    return parsed


def glanced(body: bytes, memory: Mapping[str, Any], content_type: str = "") -> Parsed | None:
    """What a glance at the bytes of a body tells."""
    data = as_it_came(body, content_type)
    seen = reading.look(data, URL, NOW, memory) if data else None
    return seen and seen[0]


def then(first: str, second: str) -> Parsed:
    """What reading the second body gives when the first was the last one."""
    return understood(second, understood(first).memory)


# What is read again


def test_only_new_and_changed_entries_are_read_and_the_others_are_said_to_stand() -> None:
    before = rss(item("a"), item("b"), item("c"))
    after = rss(item("d"), item("a"), item("b", "edited"))

    parsed = then(before, after)

    assert ids(parsed.items) == ["urn:x:d", "urn:x:b"]
    assert parsed.standing == {"id:urn:x:a"}
    assert parsed.title == "Feed"
    assert parsed.memory == understood(after).memory


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<lastBuildDate>1</lastBuildDate>", "<lastBuildDate>2</lastBuildDate>"),
        ("<pubDate>1</pubDate><ttl>5</ttl>", "<pubDate/><ttl>60</ttl>"),
        ("", "<!-- made in 0.2 s -->"),
        ("<generator>v1</generator>", "\n<generator uri='x'>v2</generator>\n"),
        ("<language>en</language>", "<language>en</language>\n\n"),
    ],
)
def test_what_is_stamped_into_every_answer_is_no_change(before: str, after: str) -> None:
    assert then(rss(item("a"), head=before), rss(item("a"), head=after)).unchanged
    assert then(rss(item("a"), head=before), rss(item("a"), head=after) + "<!-- from a cache -->").unchanged


@pytest.mark.parametrize(
    "head",
    [
        "<language>de</language>",
        "<link>https://other.example/</link>",
        "<managingEditor>Ann</managingEditor>",
        "<image><url>x</url></image>",
        "<title>Other</title>",
    ],
)
def test_a_head_that_entries_inherit_from_makes_all_of_them_be_read(head: str) -> None:
    parsed = then(rss(item("a"), item("b")), rss(item("a"), item("b"), head=head))

    assert ids(parsed.items) == ["urn:x:a", "urn:x:b"]
    assert not parsed.standing


def test_what_the_root_says_counts_too() -> None:
    feed = atom("<id>a:1</id>", "<id>a:2</id>")

    assert len(then(feed, feed.replace("<feed ", "<feed xml:lang='de' ")).items) == 2
    assert len(understood(feed, replace_url(understood(feed).memory, feed)).items) == 2


def replace_url(memory: Mapping[str, Any], feed: str) -> Mapping[str, Any]:
    """What was left by reading the same from elsewhere."""
    task = reading.Task(text=feed, url="https://b.example/feed", now=NOW, memory=memory)
    parsed = reading.read(task, watched=True)
    assert parsed is not None
    return parsed.memory


def test_entries_that_only_moved_or_went_are_no_change() -> None:
    before = rss(item("a"), item("b"), item("c"))

    for after in (rss(item("c"), item("a"), item("b")), rss(item("b"))):
        parsed = then(before, after)
        assert parsed.unchanged
        assert parsed.memory == understood(after).memory


@pytest.mark.parametrize("hidden", ["<!-- {} -->", "<x:quote xmlns:x='urn:x'><![CDATA[{}]]></x:quote>"])
def test_an_entry_that_is_only_quoted_now_is_not_taken_for_one(hidden: str) -> None:
    before = rss(item("a"), item("b"))
    first = f"<item>{item('a')}</item>"
    assert first in before
    after = before.replace(first, hidden.format(first))

    assert ids(understood(after).items) == ["urn:x:b"]
    assert then(before, after).memory == understood(after).memory


@pytest.mark.parametrize(
    "around",
    [
        "{}<language>fr</language>{}",
        "<channel xml:base='http://b.example/'>{}</channel>{}",
        "{}</channel><channel xml:lang='fr'>{}",
    ],
)
def test_where_in_the_frame_entries_stand_counts(around: str) -> None:
    entries = f"<item>{item('a')}<link>/a</link></item>"
    before, after = (rss(head=around.format(*places)) for places in ((entries, ""), ("", entries)))

    check_as_the_whole(understood, understood(before), after)
    assert not then(before, after).unchanged


def test_what_is_mended_leaves_nothing_to_mend() -> None:
    mended = rss(item("b"), item("a", "<![CDATA[&#&#1;1;]]>"))
    raw = rss(item("b"), item("a", "<![CDATA[&#1;]]>"))

    check_as_the_whole(understood, understood(mended), raw)
    for text in ("x&#&#1;1;", "x" + "&#" * 9 + "1;" * 9, "x" + "&&##" * 9 + "1;" * 9, "x&#xD8&#1;3D;&#xDE00;"):
        body, _ = readable_xml(text)
        assert readable_xml(body) == (body, 0)


def test_rdf_lists_its_items_anew_each_time_without_being_read_anew() -> None:
    def rdf(*names: str) -> str:
        listed = "".join(f"<rdf:li resource='https://a.example/{name}'/>" for name in names)
        items = "".join(f"<item rdf:about='https://a.example/{n}'><title>{n}</title></item>" for n in names)
        return (
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
            f"<channel><title>F</title><items><rdf:Seq>{listed}</rdf:Seq></items></channel>{items}</rdf:RDF>"
        )

    assert ids(then(rdf("a", "b"), rdf("c", "a", "b")).items) == ["https://a.example/c"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # An id that two entries share names none of them.
        ((item("a"), item("b")), (item("a"), item("a", "other"))),
        ((item("a"), item("a", "other")), (item("a"), item("b"))),
        ((item("a"), item("a", "other")), (item("a"),)),
        # A link, in any form, and as the id of another.
        (("<guid>1</guid><link>https://a.example/x</link>",), ("<guid>2</guid><link>http://www.a.example/x/</link>",)),
        (("<guid>1</guid><link>https://a.example/x</link>",), ("<guid>https://a.example/x</guid>",)),
        # Neither: named by what it says.
        (("<title>A</title>",), ("<title>B</title>",)),
    ],
)
def test_where_names_are_shared_the_whole_is_read(before: Sequence[str], after: Sequence[str]) -> None:
    body = rss(*before, *after) if len(before) == 1 else rss(*after)

    parsed = then(rss(*before), body)

    assert parsed.items == understood(body).items
    assert not parsed.standing


def test_names_that_were_shared_already_do_not_keep_an_equal_document_from_being_recognised() -> None:
    entries = (item("a"), item("a", "other"), "<title>Nameless</title>")

    assert then(rss(*entries), rss(*entries, head="<pubDate>now</pubDate>")).unchanged
    assert not then(rss(*entries), rss(*reversed(entries))).unchanged


@pytest.mark.parametrize(
    "odd",
    [
        "<item><guid>o</guid><item><guid>p</guid></item></item>",
        "<x><item><guid>o</guid></item></x>",
        "</channel><channel><item><guid>o</guid></item>",
        "<entry><guid>o</guid></entry><x:item xmlns:x='urn:x'><guid>p</guid></x:item>",
        "<pubDate><item><guid>o</guid></item></pubDate>",
        "<image><item/></image>",
        "<item><guid>o</guid></item>&nbsp;",
    ],
)
def test_what_is_not_plain_is_read_whole(odd: str) -> None:
    before = rss(item("a")).replace("</channel>", f"{odd}</channel>")
    after = rss(item("b"), item("a")).replace("</channel>", f"{odd}</channel>")

    assert then(before, after).items == understood(after).items


def test_the_first_poll_after_an_upgrade_and_one_with_a_memory_gone_bad_read_the_whole() -> None:
    feed = rss(item("a"))
    frame = understood(feed).memory["frame"]

    assert ids(understood(feed, {"frame": 1}).items) == ["urn:x:a"]
    damaged: list[Any] = [None, [], {}, {"x": ["only id"]}, {"x": "id"}]
    for entries in damaged:
        assert ids(understood(feed, {"frame": frame, "entries": entries}).items) == ["urn:x:a"]


def test_what_is_remembered_is_bounded() -> None:
    many = understood(rss(*(item(f"{n:04}") for n in range(5_000))))
    endless = understood(rss(*(f"<guid>{n}{'x' * 100_000}</guid>" for n in range(10))))

    assert len(json.dumps(many.memory)) < 400_000
    assert len(json.dumps(endless.memory)) < 1_000


def test_an_empty_entry_and_one_that_closes_itself_have_their_places() -> None:
    before = "<rss version='2.0'><channel><item/><item><guid>a</guid></item></channel></rss>"
    after = "<rss version='2.0'><channel><item/><item><guid>b</guid></item ><item><guid>a</guid></item></channel></rss>"

    assert set(items_of(then(before, after))) == {"a", "b"}
    assert then(before, before.replace("<item/>", "<item/><!-- -->")).unchanged


# In a poll


def test_a_poll_that_finds_no_new_entry_is_as_good_as_not_modified(web: WebServer) -> None:
    web.answers["/feed"] = Answer(200, rss(item("a"), head="<pubDate>1</pubDate>").encode(), {"ETag": '"1"'})
    source = over_http(web.url("/feed"), web.address)
    first = poll(source)
    web.answers["/feed"] = Answer(200, rss(item("a"), head="<pubDate>2</pubDate>").encode(), {"ETag": '"2"'})

    second = poll(source, first.memory)

    assert second.not_modified
    assert second.memory.validators == Validators('"2"')
    assert second.memory.digest != first.memory.digest
    assert second.memory.extra == first.memory.extra


def test_what_is_remembered_outlives_a_304_and_an_equal_body(web: WebServer) -> None:
    source = over_http(web.serve("/feed", rss(item("a"))), web.address)
    first = poll(source)

    assert poll(source, first.memory).memory == first.memory
    assert poll(source, replace(first.memory, validators=Validators())).memory.extra == first.memory.extra


def test_a_body_that_was_cut_off_leaves_no_memory_so_that_the_next_is_read_whole(web: WebServer) -> None:
    whole = rss(item("c"), item("a"), item("b"), before="")
    source = over_http(web.serve("/feed", rss(item("a"), item("b"), before="")), web.address)
    first = poll(source)

    web.serve("/feed", whole[:-40])
    second = poll(source, first.memory)
    web.serve("/feed", whole)
    third = poll(source, second.memory)

    assert ids(second.items) == ["urn:x:c", "urn:x:a"]
    assert second.memory == Memory()
    assert ids(third.items) == ["urn:x:c", "urn:x:a", "urn:x:b"]


def test_entries_named_by_other_rules_are_read_whole_unless_none_is_new(tmp_path: Path) -> None:
    file = tmp_path / "a.rss"
    for identity in ("link", "content"):
        file.write_text(rss(item("a")))
        source = from_file(tmp_path, "a.rss", identity=identity)
        memory = poll(source).memory
        file.write_text(rss(item("a"), head="<ttl>5</ttl>"))
        assert poll(source, memory).not_modified
        file.write_text(rss(item("b"), item("a")))
        assert len(poll(source, memory).items) == 2


def test_nothing_new_is_found_without_loading_a_parser(tmp_path: Path) -> None:
    (tmp_path / "a.rss").write_text(rss(item("a"), head="<ttl>5</ttl>"))
    memory = poll(from_file(tmp_path, "a.rss")).memory
    (tmp_path / "a.rss").write_text(rss(item("a"), head="<ttl>6</ttl>"))
    program = (
        "import sys; from pathlib import Path; from feedbot.model import Memory; from tests.sources.feeds import *\n"
        f"document = poll(from_file(Path({str(tmp_path)!r}), 'a.rss'), Memory(extra={memory.extra!r}))\n"
        "assert document.not_modified and not {'feedparser', 'subprocess'} & set(sys.modules), sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


# Both ways alike


NEW = rss(item("new"), item("b", "grüß"), item("a"))
CLEAN = (
    NEW.encode(),
    b"\xef\xbb\xbf \n" + NEW.encode(),
    NEW.replace('<?xml version="1.0"?>', "<?xml version='1.0' encoding='UTF-8'?>\n").encode(),
    rss(item("b", "grüß"), item("new", "&#228; &#x1F600;"), item("a")).encode(),
)
ODD = (
    NEW.replace('"1.0"', "'1.0' encoding='iso-8859-1'").encode("latin-1"),
    NEW.replace('"1.0"', "'1.0' encoding='iso-8859-1'").encode(),
    NEW.encode("utf-16"),
    NEW.encode("utf-16-le"),
    rss(item("new", "a\x01b"), item("b", "grüß"), item("a")).encode(),
    rss(item("new", "&#xD83D;&#xDE00;"), item("b", "grüß"), item("a")).encode(),
    rss(item("new", "?"), item("b", "grüß"), item("a")).encode().replace(b"?", b"\xff"),
    NEW.encode()[:-20],
    b"<html><body>" + NEW.encode() + b"</body></html>",
    b"<?xml <?xml version='1.0'?>" + NEW.encode(),
    NEW.replace("?>", " \x0b?>").encode(),
    NEW.encode().replace(b"?>", b" \xff?>"),
    b"",
)


@pytest.mark.parametrize("body", CLEAN)
def test_what_is_new_is_told_at_a_glance(body: bytes) -> None:
    memory = understood(rss(item("b", "grüß"), item("a"))).memory
    seen = glanced(body, memory)
    assert seen is not None
    assert seen == understood(decode(body), memory)
    assert ids(seen.items) == ["urn:x:new"]


@pytest.mark.parametrize("body", ODD)
def test_what_is_to_be_cleaned_is_not_told_at_a_glance(body: bytes) -> None:
    memory = understood(rss(item("b", "grüß"), item("a"))).memory
    assert glanced(body, memory) is None


def test_what_its_answer_says_of_another_encoding_counts() -> None:
    memory = understood(rss(item("b", "grüß"), item("a"))).memory
    assert glanced(NEW.encode(), memory, "text/xml; charset=koi8-r") is None
    assert glanced(NEW.encode(), memory, "text/xml; charset=utf-8") is not None


def test_a_replacement_character_does_not_make_utf_8_something_else() -> None:
    feed = rss(item("new", "\ufffd"), item("a"), before="<?xml version='1.0' encoding='utf-8'?>")
    assert decode(feed.encode(), "text/xml; charset=iso-8859-1") == feed


def test_a_glance_tells_of_the_head_what_the_whole_does(tmp_path: Path) -> None:
    feed = rss(item("a"), head="<!--{:49900}--><ttl>60</ttl>", before="<?xml version='1.0' encoding='utf-8' ?>\n\n")
    source = from_file(tmp_path, "a.rss")
    (tmp_path / "a.rss").write_text(feed.format(1))
    memory = poll(source).memory
    (tmp_path / "a.rss").write_text(feed.format(2))

    assert poll(source, memory).not_modified
    assert poll(source, memory).memory == poll(source).memory


def test_a_web_page_with_entries_is_not_looked_at() -> None:
    page = f"<html><channel><title>F</title><item>{item('a')}</item></channel></html>"
    memory = Memory(extra={"parts": json.dumps(understood(page).memory)})
    assert document.look(page.encode(), "", URL, memory, NOW) is None


@pytest.mark.parametrize(
    "trap",
    [
        b"<itemx" * 600_000 + b"</item>",  # hours, if the end were looked for behind each
        b"<item >" * 500_000 + b"</item>",
        b"<item ></item>" * 200_000,
        b"<item><entry></entry></item>" * 3_000,
        b"<entry></entry><item></item>",
        b"<b>" * 30_000,
        b"x" * 5_000_000,
        b"<item",
        b"&#65;" * 700_000,
    ],
)
def test_what_is_made_to_be_slow_is_not_looked_at_for_long(trap: bytes) -> None:
    memory = understood(rss(item("a"))).memory
    feed = rss(item("a")).encode().replace(b"</channel>", trap + b"</channel>")
    assert glanced(feed, memory) is None


def test_names_that_stand_in_each_other_are_not_looked_at_for_each() -> None:
    names = b"<author>" * 5_000 + b"two words " * 30_000 + b"</author>" * 5_000
    with pytest.raises(SourceError, match="in each other"):
        survey(b"<rss><channel></x>" + names + b"</channel></rss>")


def test_every_stamp_in_a_large_feed_costs_no_survey_of_its_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [item(str(number), "text " * 500) for number in range(30)]
    memory = understood(rss(*entries)).memory
    surveyed: list[int] = []

    def counted(data: bytes) -> Survey:
        surveyed.append(len(data))
        return survey(data)

    monkeypatch.setattr("feedbot.sources.feed.glance.survey", counted)
    seen = glanced(rss(item("new"), *entries).replace("<channel>", "<channel><ttl>60</ttl>").encode(), memory)
    assert seen is not None
    assert ids(seen.items) == ["urn:x:new"]
    assert sum(surveyed) < 2_000


@pytest.mark.parametrize("feed", XML, ids=lambda path: path.name)
def test_each_entry_of_a_real_feed_reads_the_same_alone_as_among_the_others(feed: Path) -> None:
    text = decode(feed.read_bytes())
    try:
        whole = understood(text)
    except SourceError:
        return
    entries = whole.memory.get("entries", {})
    assert isinstance(entries, dict) or feed.name == "feed-rs-rss_0.92_spec_1.xml"  # which names none of them
    for index, digest in enumerate(entries):
        others = {other: entries[other] for other in entries if other != digest} if isinstance(entries, dict) else []
        parsed = understood(text, {**whole.memory, "entries": others})
        if others:
            assert parsed.items == (whole.items[index],)
            assert len(parsed.standing) == len(whole.items) - 1
        assert (parsed.title, parsed.link, parsed.memory) == (whole.title, whole.link, whole.memory)


@dataclass(frozen=True)
class Piece:
    """An entry as a feed may hold it; ``shape`` chooses how it is written."""

    name: int
    version: int
    shape: int


SHAPES = (
    "<guid>urn:{name}</guid><title>T{name}</title><description>v{version}</description>",
    "<guid>https://a.example/{name}</guid><description><![CDATA[<p>v{version} ]]>&amp;<!-- c --></description>",
    "<link>https://a.example/{name}</link><title>v{version} &lt;b&gt;</title><?pi x?>",
    "<guid>urn:{name}</guid><link>/rel/{name}</link><d:creator xmlns:d='{dc}'>Bob</d:creator><d:x xmlns:d='urn:d'/>",
    "<guid isPermaLink='false'>{name}</guid><category>c{version}</category><media:content url='/{name}.mp3'/>",
    "<a:id>tag:{name}</a:id><a:updated>2026-01-0{version}T00:00:00Z</a:updated><a:link href='x{version}'/>",
    "<guid>urn:{name}</guid><a:content type='xhtml' xml:base='https://b.example/' xml:lang='fr'>{xhtml}</a:content>",
    "<guid>urn:{name}</guid><description><div>not <b>escaped</b> v{version}</div></description>",
    "<guid>urn:{name}</guid><description xml:base='/sub/'><div lang='de'>v{version}</div></description>",
    "<guid>urn:{name}</guid><description><p>x<div base='/q'>v{version}</div></p></description>",
    "<guid>urn:{name}</guid><a:source><a:title>S</a:title><a:author><a:name>N</a:name></a:author></a:source>",
    "<guid>urn:{name}</guid><image><url>/{name}.png</url></image><textinput/>",
    "<title>no name, v{version}</title>",
    "<guid>urn:{name}</guid><author>a{version}@a.example (Ann)</author><language>it</language>",
    "<guid>urn:{name}</guid><media:group><media:title>m</media:title><media:rating>r</media:rating></media:group>",
    "",
)
HEADS = st.lists(
    st.sampled_from(
        [
            "<link>https://a.example/home/</link>", "<language>en</language>", "<managingEditor>Eve</managingEditor>",
            "<lastBuildDate>{stamp}</lastBuildDate>", "<pubDate>{stamp}</pubDate>", "<!-- {stamp} -->",
            "<a:author><a:name>Feed</a:name></a:author>", "<ttl>{stamp}</ttl>", "<image><url>i</url></image>",
            "<media:thumbnail url='t'/>", "<title>{stamp}</title>",
        ]
    ),
    max_size=4,
).map("".join)  # fmt: skip
ROOTS = st.sampled_from(["", " xml:base='https://base.example/x/'", " xml:lang='de'"])
PIECES = st.lists(st.builds(Piece, st.integers(1, 5), st.integers(1, 2), st.integers(0, len(SHAPES) - 1)), max_size=6)


def written(pieces: Sequence[Piece], head: str, tail: str, root: str, stamp: int, kind: str) -> str:
    xhtml = "<h:div xmlns:h='http://www.w3.org/1999/xhtml'><h:a href='x'>y</h:a><div>z</div></h:div>"
    dc, media = "http://purl.org/dc/elements/1.1/", "http://search.yahoo.com/mrss/"
    entry = "entry" if kind == "feed" else "item"
    texts = [SHAPES[p.shape].format(name=p.name, version=p.version, dc=dc, xhtml=xhtml) for p in pieces]
    body = "\n".join(f"<{entry}>{text}</{entry}>" if text else f"<{entry}/>" for text in texts)
    inner = f"<title>F</title>{head}{body}<!-- between -->{tail}".replace("{stamp}", str(stamp))
    spaces = f"xmlns:a='http://www.w3.org/2005/Atom' xmlns:media='{media}'{root}"
    if kind == "feed":
        return f"<feed xmlns='http://www.w3.org/2005/Atom' {spaces}>{inner}</feed>"
    return f"<rss version='2.0' {spaces}><channel>{inner}</channel></rss>"


@examples(40)
@given(PIECES, PIECES, HEADS, HEADS, HEADS, ROOTS, st.booleans(), st.sampled_from(["rss", "feed"]), st.data())
def test_reading_what_changed_gives_what_reading_the_whole_does(
    pieces: list[Piece], new: list[Piece], head: str, other: str, tail: str, root: str, same: bool, kind: str, data: Any
) -> None:
    kept = data.draw(st.permutations(pieces)) if data.draw(st.booleans()) else pieces[: len(pieces) // 2 + 1]
    first = understood(written(pieces, head, tail, root, 1, kind))
    body = written([*new[:2], *kept, *new[2:]], head if same else other, tail, root, 2, kind)

    check_as_the_whole(understood, first, body)


CONFIG = """
[feedbot]
state = "feedbot.db"
output = "public"
flood_limit = 1000

[sources.remembers]
type = "feed"
path = "feed.xml"

[sources.forgets]
type = "feed"
path = "feed.xml"

[feeds.all]
formats = ["json"]
"""


def told(folder: Path, body: str) -> tuple[Any, Any]:
    """What two sources make of the same answer, one of which has forgotten what it read last."""
    (folder / "feed.xml").write_text(body)
    if (folder / "feedbot.db").exists():
        with closing(sqlite3.connect(folder / "feedbot.db")) as state, state:
            state.execute("update sources set memory = '{}', body_digest = '' where name = 'forgets'")
    reports = App(load(folder / "feedbot.toml", {}), out=io.StringIO()).run(RunOptions(force=True)).sources
    one, other = (
        (sorted(report.new), sorted(report.updated), report.edited, report.entries, report.error)
        for report in (reports["remembers"], reports["forgets"])
    )
    return one, other


@examples(5)
@given(st.lists(st.tuples(PIECES, st.sampled_from(["", "<language>en</language>"]), st.booleans()), max_size=5))
def test_a_history_of_polls_leads_to_the_same_entries_and_news(history: list[tuple[list[Piece], str, bool]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "feedbot.toml").write_text(CONFIG)
        for stamp, (pieces, head, cut) in enumerate(history):
            body = written(pieces, head + "<ttl>{stamp}</ttl>", "", "", stamp, "rss")
            one, other = told(folder, body[:-25] if cut else body)
            assert one == other


def test_a_poll_says_what_a_document_does(tmp_path: Path) -> None:
    (tmp_path / "a.rss").write_text(rss(item("a")))
    source = from_file(tmp_path, "a.rss")
    memory = poll(source).memory
    (tmp_path / "a.rss").write_text(rss(item("b"), item("a")))

    document = poll(source, memory)

    assert document == Document(
        items=poll(source).items[:1],
        standing=frozenset({"id:urn:x:a"}),
        memory=document.memory,
        title="Feed",
        hub=NO_HUB,
        size=document.size,
    )
