from __future__ import annotations

import gzip
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.http.body import BodyError, Decoder, format_size

TEXT = b"words of a feed, " * 5000


def decode(coding: str, data: bytes, step: int = 4096, limit: int = 1_000_000) -> bytes:
    decoder = Decoder(coding, limit)
    for start in range(0, len(data), step):
        decoder.feed(data[start : start + step])
    return decoder.result()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_every_encoding_that_servers_use_is_decoded(step: int) -> None:
    packed = gzip.compress(TEXT)
    assert decode("", TEXT, step) == TEXT
    assert decode("Identity", TEXT, step) == TEXT
    assert decode("gzip", packed, step) == TEXT
    assert decode(" X-GZIP ", packed, step) == TEXT
    assert decode("deflate", zlib.compress(TEXT), step) == TEXT
    assert decode("deflate", raw_deflate(TEXT), step) == TEXT


@pytest.mark.parametrize("step", [1, 100_000])
def test_gzip_of_several_members_and_padding_behind_it_are_read(step: int) -> None:
    packed = gzip.compress(TEXT)
    assert decode("gzip", packed + gzip.compress(b"") + packed, step) == TEXT + TEXT
    assert decode("gzip", packed + b"\0" * 512, step) == TEXT
    assert decode("gzip", packed + b"\x1f", step) == TEXT
    assert decode("deflate", zlib.compress(TEXT) + b"rest", step) == TEXT


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_stream_that_is_cut_off_anywhere_is_an_error(coding: str) -> None:
    packed = gzip.compress(b"some words") if coding == "gzip" else zlib.compress(b"some words")
    for end in range(1, len(packed)):
        with pytest.raises(BodyError, match="cut off"):
            decode(coding, packed[:end])
    assert decode(coding, b"") == b""


def test_a_second_member_that_is_cut_off_is_an_error() -> None:
    with pytest.raises(BodyError, match="cut off"):
        decode("gzip", gzip.compress(b"a") + gzip.compress(TEXT)[:-9])


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "identity, gzip", "\x1b[31m"])
def test_encodings_that_were_not_asked_for_are_refused(coding: str) -> None:
    with pytest.raises(BodyError, match="not asked for"):
        Decoder(coding, 100)


def test_what_is_not_what_it_claims_to_be_is_an_error() -> None:
    with pytest.raises(BodyError, match="not the gzip"):
        decode("gzip", b"<rss></rss>")
    broken = bytearray(gzip.compress(TEXT))
    broken[-6] ^= 0xFF
    with pytest.raises(BodyError, match="not the gzip"):
        decode("gzip", bytes(broken))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw_deflate, bytes])
def test_the_cap_is_exact_and_what_fits_is_kept(pack: object) -> None:
    coding = {gzip.compress: "gzip", bytes: ""}.get(pack, "deflate")
    packed = pack(TEXT)  # type: ignore[operator]
    assert decode(coding, packed, limit=len(TEXT)) == TEXT
    decoder = Decoder(coding, len(TEXT) - 1)
    with pytest.raises(BodyError, match="more than 84999B"):
        decoder.feed(packed)
    assert decoder.so_far() == TEXT[:-1]


def test_many_tiny_members_do_not_cost_time() -> None:
    started = time.process_time()
    with pytest.raises(BodyError, match="parts"):
        decode("gzip", gzip.compress(b"") * 200_000, step=65536)
    assert time.process_time() - started < 1


@given(st.binary(max_size=2000), st.integers(1, 50), st.sampled_from(["gzip", "deflate", "identity"]))
def test_any_bytes_decode_or_are_a_body_error(data: bytes, step: int, coding: str) -> None:
    try:
        decode(coding, data, step)
    except BodyError:
        pass


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 70))
def test_what_was_packed_comes_out(pieces: list[bytes], step: int) -> None:
    assert decode("gzip", b"".join(gzip.compress(piece) for piece in pieces), step) == b"".join(pieces)


def test_sizes_are_written_as_settings_take_them() -> None:
    assert [format_size(n) for n in (10_000_000, 64_000, 1234, 0)] == ["10MB", "64KB", "1234B", "0B"]
