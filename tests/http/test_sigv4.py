"""Signatures are those of the reference implementation."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Reference
from hypothesis import given
from hypothesis import strategies as st

from feedbot.http.sigv4 import Credentials, encoded, sign
from tests.support.examples import examples

KEY, SECRET = "AKIDEXAMPLE", "a-secret/key+of=forty"
HOST = "bucket.example:9000"


def ours(method: str, path: str, query: str, headers: dict[str, str], body: bytes, token: str, now: datetime) -> str:
    credentials = Credentials(access_key=KEY, secret_key=SECRET, token=token)
    return sign(
        credentials, region="eu-west-1", method=method, host=HOST, path=path, query=query, headers=headers,
        body=body, now=now,
    )["Authorization"]  # fmt: skip


def theirs(method: str, path: str, query: str, headers: dict[str, str], body: bytes, token: str, now: datetime) -> str:
    url = f"http://{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    request.context["payload_signing_enabled"] = True
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    auth = S3SigV4Auth(Reference(KEY, SECRET, token or None), "s3", "eu-west-1")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.headers["X-Amz-Content-SHA256"] = auth.payload(request)
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    assert urlsplit(url).netloc == HOST
    return str(signature)


NOW = datetime(2026, 11, 21, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize("token", ["", "a-token/for+a=while"])
def test_a_conditional_write_is_signed_as_the_reference_does(token: str) -> None:
    asked = ("PUT", "/bucket/site/all.atom", "", {"If-Match": '"abc"', "Content-Type": "text/html"}, b"<p>", token, NOW)
    assert ours(*asked).endswith(theirs(*asked))


@examples(20)
@given(
    key=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1), value=st.text("ab +/=&ü%~*")
)
def test_any_key_and_query_are_signed_as_the_reference_does(key: str, value: str) -> None:
    query = f"list-type=2&prefix={encoded(value)}"
    path = "/" + encoded(f"b/{key}", slashes=True)
    assert ours("GET", path, query, {}, b"", "", NOW).endswith(theirs("GET", path, query, {}, b"", "", NOW))


def test_no_secret_is_shown_with_credentials() -> None:
    assert SECRET not in repr(Credentials(access_key=KEY, secret_key=SECRET, token=SECRET))
