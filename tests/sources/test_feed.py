"""What a poll of a feed does with each kind of answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from feedbot.errors import SourceError
from feedbot.model import Memory, Validators
from feedbot.plugins import SOURCES, load
from feedbot.sources.feed import FeedSettings, FeedSource
from tests.sources.feeds import NOW, atom, from_file, ids, over_http, poll, rss
from tests.support.web import Answer, Asked, WebServer

ITEM = "<title>One</title><link>https://a.example/1</link>"


def failure(source: FeedSource, memory: Memory | None = None) -> SourceError:
    with pytest.raises(SourceError) as caught:
        poll(source, memory)
    return caught.value


def test_the_entry_point_names_the_source() -> None:
    assert load(SOURCES, "feed") is FeedSource


def test_a_feed_is_read_with_its_validators(web: WebServer) -> None:
    url = web.serve("/feed", rss(ITEM), Last_Modified="Mon, 02 Mar 2026 00:00:00 GMT")

    document = poll(over_http(url, web.address))

    assert ids(document.items) == ["https://a.example/1"]
    assert document.title == "Feed"
    assert document.memory.validators.etag
    assert document.memory.validators.last_modified == "Mon, 02 Mar 2026 00:00:00 GMT"
    assert not document.complete
    assert not document.trusted_dates
    assert "application/atom+xml" in web.asked[0].headers["accept"]


def test_what_did_not_change_is_asked_for_conditionally_and_not_read_again(web: WebServer) -> None:
    source = over_http(web.serve("/feed", rss(ITEM)), web.address)
    first = poll(source)

    second = poll(source, first.memory)

    assert second.not_modified
    assert second.memory == first.memory
    assert web.asked[1].headers["if-none-match"] == first.memory.validators.etag


def test_a_304_that_names_a_new_validator_renews_it_and_keeps_the_others(web: WebServer) -> None:
    web.answers["/feed"] = Answer(304, headers={"ETag": '"new"'})
    memory = Memory(Validators('"old"', "Mon, 02 Mar 2026 00:00:00 GMT"), "digest")

    document = poll(over_http(web.url("/feed"), web.address), memory)

    assert document.memory == Memory(Validators('"new"', "Mon, 02 Mar 2026 00:00:00 GMT"), "digest")


def test_a_304_that_nobody_asked_for_is_an_error(web: WebServer) -> None:
    web.answers["/feed"] = Answer(304)

    assert "304" in failure(over_http(web.url("/feed"), web.address)).message


def test_the_same_bytes_under_another_validator_are_not_read_again(web: WebServer) -> None:
    web.answers["/feed"] = Answer(200, rss(ITEM).encode(), {"ETag": '"1"'})
    source = over_http(web.url("/feed"), web.address)
    first = poll(source)
    web.answers["/feed"] = Answer(200, rss(ITEM).encode(), {"ETag": '"2"'})

    second = poll(source, first.memory)

    assert second.not_modified
    assert second.memory == Memory(Validators('"2"'), first.memory.digest, first.memory.extra)


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "refuses"), (403, "refuses"), (404, "no such feed"), (500, "fault"), (206, "no use")],
)
def test_other_answers_are_errors_with_their_status(web: WebServer, status: int, says: str) -> None:
    web.answers["/feed"] = Answer(status, rss(ITEM).encode())

    error = failure(over_http(web.url("/feed"), web.address))

    assert says in error.message
    assert str(status) in error.message
    assert not error.gone


def test_a_feed_that_is_gone_for_good_says_so(web: WebServer) -> None:
    web.answers["/feed"] = Answer(410)

    assert failure(over_http(web.url("/feed"), web.address)).gone


@pytest.mark.parametrize("status", [429, 503, 403])
def test_a_server_that_names_a_time_is_not_asked_before(web: WebServer, status: int) -> None:
    web.answers["/feed"] = Answer(status, headers={"Retry-After": "120"})

    error = failure(over_http(web.url("/feed"), web.address))

    assert error.not_before is not None
    assert (error.not_before - NOW).total_seconds() == 120


@pytest.mark.parametrize("answer", [Answer(200, b""), Answer(200, b" \n"), Answer(204)])
def test_an_empty_answer_is_an_error_and_no_empty_feed(web: WebServer, answer: Answer) -> None:
    web.answers["/feed"] = answer

    assert "empty" in failure(over_http(web.url("/feed"), web.address)).message


def test_a_private_address_is_refused_unless_listed(web: WebServer, tmp_path: Path) -> None:
    url = web.serve("/feed", rss(ITEM))

    error = failure(over_http(url, "127.0.0.2"))

    assert "allow_private" in str(error)
    assert poll(over_http(url, "127.0.0.2", allow_private=(web.address,))).items


def test_a_web_page_whose_feeds_cannot_be_read_is_named_as_such(web: WebServer) -> None:
    page = (
        '<!-- hi --><!DOCTYPE html><html><head><link rel="stylesheet" href="x.css">'
        '<link rel="alternate" type="application/rss+xml" href="/rss?a=1&amp;b=2" title="x">'
        "<LINK type='application/atom+xml' REL='alternate nofollow' href='https://b.invalid/atom'>"
        '<link rel="alternate" type="text/html" href="/en"></head><p>hello</html>'
    )
    url = web.serve("/", page, content_type="text/html")

    error = failure(over_http(url, web.address))

    assert error.message == "this is a web page, not a feed"
    assert f"{web.url('/rss?a=1&b=2')}, https://b.invalid/atom" in error.hint


def test_a_feed_inside_a_web_page_is_still_a_feed(web: WebServer) -> None:
    page = f"<!DOCTYPE html PUBLIC 'x' 'y'><html><body>{atom('<id>a:1</id>')}</body></html>"

    document = poll(over_http(web.serve("/feed", page), web.address))

    assert ids(document.items) == ["a:1"]


@pytest.mark.parametrize("body", ["Service unavailable", "<svg/>", "{}", '{"items": {}}', "[]", "null", '{"a": [1,\n2'])
def test_what_is_no_feed_is_an_error(web: WebServer, body: str) -> None:
    url = web.serve("/feed", body, content_type="application/json" if body == "null" else "application/xml")

    assert failure(over_http(url, web.address)).message


def test_broken_json_is_named_with_its_place(web: WebServer) -> None:
    url = web.serve("/feed", '{"version":\n "1.1",, }')

    assert "2:8" in failure(over_http(url, web.address)).message


def test_a_permanent_move_is_noted(web: WebServer) -> None:
    new = web.serve("/new", rss(ITEM))
    web.answers["/old"] = Answer(301, headers={"Location": new})

    document = poll(over_http(web.url("/old"), web.address))

    assert document.items
    assert document.notes == (f"moved permanently to {new}; change the url",)


def test_a_feed_without_entries_is_no_error(web: WebServer) -> None:
    document = poll(over_http(web.serve("/feed", rss()), web.address))

    assert document.items == ()
    assert document.memory.digest


def test_a_feed_that_was_cut_off_gives_its_whole_entries_and_is_read_anew_next_time(web: WebServer) -> None:
    whole = rss(ITEM, "<title>Two &amp; a half</title><link>https://a.example/2</link>", before="")
    url = web.serve("/feed", whole[: whole.index("a half") + 1])

    document = poll(over_http(url, web.address))

    assert ids(document.items) == ["https://a.example/1"]
    assert document.memory == Memory()
    (problem,) = document.problems
    assert problem.where == url
    assert "line 1" in problem.message


def test_an_entry_reads_the_same_in_a_whole_feed_and_in_one_that_was_cut_off(web: WebServer) -> None:
    entry = "<id>a:1</id><title>T &amp;amp; x</title><content type='html'>&lt;p title='a'&gt;&#233;&lt;/p&gt;</content>"
    whole = atom(entry, entry.replace("a:1", "a:2"))
    source = over_http(web.serve("/feed", whole), web.address)
    first, _ = poll(source).items
    web.serve("/feed", whole[:-40])

    assert poll(source).items == (first,)


def test_a_feed_that_is_broken_elsewhere_and_cut_off_loses_only_the_half_entry(web: WebServer) -> None:
    body = rss("<title>A & B</title><link>https://a.example/1</link>", "<title>Half", before="").partition("Half")[0]

    document = poll(over_http(web.serve("/feed", body), web.address))

    assert ids(document.items) == ["https://a.example/1"]
    assert document.memory == Memory()


def test_a_feed_that_is_not_well_formed_is_read_all_the_same(web: WebServer) -> None:
    body = rss(f"\n\n{ITEM}<description>fish &nbsp; chips</description>", before="\n")

    document = poll(over_http(web.serve("/feed", body), web.address))

    assert ids(document.items) == ["https://a.example/1"]
    assert document.memory.digest
    assert document.notes == ("not well-formed (line 4: undefined entity), read all the same",)


def test_configured_headers_and_credentials_are_sent_and_never_shown(web: WebServer) -> None:
    body = rss(ITEM)[:-30]
    web.answers["/feed?key=hush"] = Answer(200, body.encode())
    url = web.url("/feed?key=hush").replace("http://", "http://ann:p%40ss@")
    source = over_http(url, web.address, headers={"X-Key": "secret"})

    document = poll(source)

    assert web.asked[0].headers["x-key"] == "secret"
    assert web.asked[0].headers["authorization"] == "Basic YW5uOnBAc3M="
    assert document.problems[0].where == web.url("/feed?...")
    assert "secret" not in repr(source._settings)


def test_each_source_knows_the_host_it_asks() -> None:
    assert over_http("https://EXAMPLE.org:8443/feed", "127.0.0.1").host == "example.org"
    assert from_file(Path(), "a.rss").host == ""


def test_a_file_below_the_folder_is_read_by_path_or_address(tmp_path: Path) -> None:
    (tmp_path / "feeds").mkdir()
    file = tmp_path / "feeds" / "a b.rss"
    file.write_text(rss(ITEM))

    for settings in ({"path": "feeds/a b.rss"}, {"path": str(file)}, {"url": "feeds/a b.rss"}, {"url": file.as_uri()}):
        settings = {"path": "", **settings}
        assert poll(from_file(tmp_path, **settings)).items


def test_a_file_elsewhere_is_not_read_even_through_a_link(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "secret.rss").write_text(rss(ITEM))
    (home / "link.rss").symlink_to(tmp_path / "secret.rss")

    for path in ("../secret.rss", "link.rss", str(tmp_path / "secret.rss")):
        assert "not below" in failure(from_file(home, path)).message


@pytest.mark.parametrize("path", ["missing.rss", ".", "a\0b", "loop"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    assert failure(from_file(tmp_path, path)).message


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.rss").write_text(rss(ITEM))

    assert "larger" in failure(from_file(tmp_path, "a.rss", max_bytes="50")).message


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"url": "https://a.example/", "path": "a.rss"},
        {"url": "ftp://a.example/feed"},
        {"url": "https://"},
        {"url": "https://a.example:port/"},
        {"url": "https://a.example/", "headers": {"a b": "c"}},
        {"url": "https://a.example/", "headers": {"a": "b\r\nc: d"}},
        {"url": "https://a.example/", "allow_private": ["http://127.0.0.1"]},
        {"url": "https://a.example/", "identity": "guid"},
        {"url": "https://a.example/", "colour": "red"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FeedSettings.model_validate({"type": "feed", **wrong})


def test_relative_addresses_are_read_against_the_site_in_rss_and_the_feed_in_atom(web: WebServer) -> None:
    site = "<link>https://site.example/blog/</link>"
    rss_url = web.serve("/x/rss", rss("<link>1</link><enclosure url='/1.mp3'/>", head=site))
    atom_url = web.serve("/x/atom", atom("<id>a:1</id><link href='1'/>", head="<link href='https://site.example/'/>"))

    (from_rss,) = poll(over_http(rss_url, web.address)).items
    (from_atom,) = poll(over_http(atom_url, web.address)).items

    assert from_rss.url == "https://site.example/blog/1"
    assert from_rss.enclosures[0].url == "https://site.example/1.mp3"
    assert from_atom.url == web.url("/x/1")


def test_a_server_that_sends_the_whole_feed_each_time_costs_one_reading(web: WebServer) -> None:
    def always(asked: Asked) -> Answer:
        return Answer(200, rss(ITEM).encode())

    web.answers["/feed"] = always
    source = over_http(web.url("/feed"), web.address)

    assert poll(source, poll(source).memory).not_modified
