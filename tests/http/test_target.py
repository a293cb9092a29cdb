from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.http import HttpError
from feedbot.http.target import follow, parse_target, shown


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://Blog.Example.org", "http://blog.example.org/"),
        ("HTTPS://example.org:443/a?b=c#d", "https://example.org/a?b=c"),
        ("http://example.org:8080?x", "http://example.org:8080/?x"),
        ("http://user:secret@example.org/feed", "http://example.org/feed"),
        ("http://bücher.example/straße?ö=ü", "http://xn--bcher-kva.example/stra%C3%9Fe?%C3%B6=%C3%BC"),
        ("http://example.org/a%20b%2F", "http://example.org/a%20b%2F"),
        ("http://[2606:4700:0:0::1]:81/", "http://[2606:4700::1]:81/"),
        ("http://under_score.example/", "http://under_score.example/"),
    ],
)
def test_an_address_is_read_into_what_is_asked(url: str, normal: str) -> None:
    assert parse_target(url).url == normal


@pytest.mark.parametrize(
    "url",
    [
        "", "example.org/feed", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)", "http://",
        "http:///path", "http://user@/x", "http://example.org:0/", "http://example.org:99999/",
        "http://example.org:http/", "http://exa mple.org/", "http://example.org/a b", "http://example.org/\r\nX: y",
        "http://example.org/\x00", "http://example.org\t/", "http://" + "a" * 64 + ".org/", "http://a..b/",
        "http://" + "a." * 130 + "org/", "http://[::1", "http://[::1%25eth0]/", "http://[nonsense]/",
        "http://exa\\mple.org/", "http://example.org@[evil/", "http://ex\u2100mple.org/", "http://%31.example/",
        "http://example.org/" + "a" * 9000, "http://example.org/\ud800",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_for_good(url: str) -> None:
    with pytest.raises(HttpError) as caught:
        parse_target(url)
    assert caught.value.forbidden
    assert "\r" not in str(caught.value)


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda text: "http://" + text))
def test_any_text_is_a_target_or_an_http_error(url: str) -> None:
    shown(url)
    try:
        target = parse_target(url)
    except HttpError:
        return
    assert target.url.isascii()
    assert parse_target(target.url).origin == target.origin


@given(st.text(max_size=60), st.sampled_from(["", "//", "http://", "/", "?", "https://x.example/"]))
def test_any_location_leads_somewhere_or_is_an_http_error(text: str, start: str) -> None:
    try:
        led = follow(parse_target("http://example.org/a"), start + text)
    except HttpError:
        return
    assert led.scheme in ("http", "https")


@pytest.mark.parametrize(
    ("location", "led"),
    [
        ("other", "http://example.org/a/other"),
        ("/top?q", "http://example.org/top?q"),
        ("?page=2", "http://example.org/a/b?page=2"),
        ("//cdn.example/x", "http://cdn.example/x"),
        ("http://u:p@example.net/#part", "http://example.net/"),
        (" /with space ", "http://example.org/with%20space"),
        ("/stra\xc3\x9fe", "http://example.org/stra%C3%9Fe"),
        ("/caf\xe9#x", "http://example.org/caf%E9"),
        ("http://b\xc3\xbccher.example/", "http://xn--bcher-kva.example/"),
    ],
)
def test_a_location_is_resolved_against_what_sent_it(location: str, led: str) -> None:
    assert follow(parse_target("http://example.org/a/b?c#d"), location).url == led


@pytest.mark.parametrize("location", ["http://example.org/", "//example.org:80", "ftp://example.org/", "data:,x"])
def test_a_redirect_does_not_lead_out_of_https(location: str) -> None:
    if location.startswith("//"):
        assert follow(parse_target("https://example.org/"), location).scheme == "https"
        return
    with pytest.raises(HttpError) as caught:
        follow(parse_target("https://example.org/"), location)
    assert caught.value.forbidden


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://user:secret@example.org:81/feed?key=secret#x", "example.org:81/feed"),
        ("https://[::1]:81/feed", "[::1]:81/feed"),
        ("user:secret@example.org/feed", "the address"),
        ("http://exa\nmple.org/\x1b[31m", "example.org/[31m"),
        ("http://[oops", "the address"),
        ("", "the address"),
    ],
)
def test_an_address_is_shown_without_what_is_secret(url: str, text: str) -> None:
    assert shown(url) == text


def test_credentials_of_an_address_become_basic_authorization() -> None:
    assert parse_target("http://Aladdin:open%20sesame@example.org/").credentials == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert parse_target("http://token@example.org/").credentials == "Basic dG9rZW46"
    assert parse_target("http://example.org/").credentials == ""


PATHS = st.text("abzAZ059/%2F.~_-!$&'()*+,:;=@?", max_size=12)
HOSTS = st.from_regex(r"[a-z0-9-]{1,4}(\.[a-z0-9-]{1,4}){0,3}", fullmatch=True)
PORTS = st.sampled_from(["", ":1", ":80", ":443", ":8080", ":65535", ":65536", ":99999"])


def target_of(url: str) -> object:
    try:
        return parse_target(url)
    except HttpError as error:
        return error.message


@given(st.sampled_from(["http", "https"]), HOSTS, PORTS, PATHS)
def test_a_usual_address_is_read_at_a_glance_as_it_is_at_length(scheme: str, host: str, port: str, path: str) -> None:
    url = f"{scheme}://{host}{port}/{path}"

    assert target_of(url) == target_of(f"{url}#fragment")  # with which it is taken apart
