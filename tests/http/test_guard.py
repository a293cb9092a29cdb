from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.http.guard import REFUSALS, Verdict, authority, judge, parse_allowance


def verdict(address: str, *listed: str, host: str = "blog.example.org", port: int = 80) -> Verdict:
    return judge(ip_address(address), host, port, [parse_allowance(entry) for entry in listed])


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::5db8:d822", "2002:5db8:d822::1"]
)
def test_public_addresses_may_be_asked(address: str) -> None:
    assert verdict(address) is Verdict.PUBLIC


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.1.2", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1",
        "3fff::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "2002:a00:1::1",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::5db8:d822", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:0:0:0:0:0:80ff:fffe", "5f00::1", "4000::1",
    ],
)  # fmt: skip
def test_other_addresses_may_not_be_asked_unless_listed(address: str) -> None:
    assert verdict(address) is Verdict.PRIVATE
    assert verdict(address, authority(address, 80)) is Verdict.LISTED
    assert verdict(address, authority(address, 81)) is Verdict.PRIVATE


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.0.1", "100.100.100.200", "fe80::1", "fe80::1%1", "fd00:ec2::254",
        "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "::169.254.169.254",
    ],
)  # fmt: skip
def test_metadata_addresses_must_be_listed_literally(address: str) -> None:
    wide = ("0.0.0.0/0", "::/0", "169.254.0.0/16", "169.254.169.0/24", "fe80::/10", "blog.example.org")
    assert verdict(address) is Verdict.METADATA
    assert verdict(address, *wide) is Verdict.METADATA
    assert verdict(address, address) is Verdict.LISTED
    assert verdict(address, authority(address, 80)) is Verdict.LISTED
    assert verdict(address, authority(address, 8080)) is Verdict.METADATA


@pytest.mark.parametrize(
    ("listed", "address", "host", "port", "admitted"),
    [
        ("127.0.0.1:8080", "127.0.0.1", "127.0.0.1", 8080, True),
        ("127.0.0.1:8080", "127.0.0.1", "127.0.0.1", 8081, False),
        ("127.0.0.1:8080", "127.0.0.2", "127.0.0.2", 8080, False),
        ("127.0.0.1:8080", "::ffff:127.0.0.1", "x", 8080, True),
        ("::ffff:127.0.0.1", "127.0.0.1", "x", 8080, True),
        ("127.0.0.1", "127.0.0.1", "localhost", 9, True),
        ("localhost:8080", "::1", "LOCALHOST.", 8080, True),
        ("localhost:8080", "::1", "localhost", 8081, False),
        ("localhost", "127.0.0.1", "localhost.example.org", 80, False),
        ("nas.example", "10.0.0.5", "nas.example", 5000, True),
        ("10.0.0.0/8", "10.200.3.4", "x", 1, True),
        ("10.0.0.0/8", "11.0.0.1", "11.0.0.1", 1, True),
        ("10.0.0.0/8", "192.168.0.1", "x", 1, False),
        ("[::1]:8080", "::1", "::1", 8080, True),
        ("[fd00::1]", "fd00::1", "x", 80, True),
        ("::1", "::1", "::1", 80, True),
        ("fd00::/8", "fd12:3456::1", "x", 80, True),
    ],
)
def test_an_entry_admits_what_it_names(listed: str, address: str, host: str, port: int, admitted: bool) -> None:
    assert (verdict(address, listed, host=host, port=port) not in REFUSALS) is admitted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no address"),
        ("http://127.0.0.1:8080", "URL"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("10.0.0.0/33", "no network"),
        ("127.1", "whole address"),
        ("0x7f000001", "whole address"),
        ("999.1.1.1", "whole address"),
        ("localhost:0", "port"),
        ("localhost:65536", "port"),
        ("localhost:", "port"),
        ("[::1]:http", "port"),
        ("[nas]:80", "brackets"),
        ("*.example.org", "no address"),
        ("two words", "no address"),
        ("a" * 64, "no address"),
    ],
)
def test_an_entry_that_is_none_is_refused_with_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_allowance(text)


@given(st.text(max_size=40))
def test_any_text_is_an_entry_or_a_value_error(text: str) -> None:
    try:
        allowance = parse_allowance(text)
    except ValueError:
        return
    assert bool(allowance.name) is (allowance.network is None)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_ipv6_form(address: IPv4Address) -> None:
    plain = verdict(str(address))
    assert verdict(str(IPv6Address(0xFFFF << 32 | int(address)))) is plain
    for wrapped in (0x64FF9B << 96 | int(address), 0x2002 << 112 | int(address) << 80):
        assert (verdict(str(IPv6Address(wrapped))) in REFUSALS) is (plain in REFUSALS)
