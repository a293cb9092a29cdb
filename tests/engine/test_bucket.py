"""Publishing to a bucket: what is written, when, and that nobody puts what is older over what is newer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from feedbot.engine.bucketed import Bucketed
from feedbot.engine.output import OutputError, OvertakenError
from feedbot.http import HttpError, Request, Response
from feedbot.http.bucket import Bucket
from feedbot.http.client import Client
from feedbot.http.sigv4 import Credentials
from tests.support.bucket import KEY, S3, SECRET, s3_server
from tests.support.cli import Ran, feedbot

CONFIG = """
[feedbot]
output = "s3://{bucket}/site"
base_url = "https://feeds.example/"
s3_endpoint = "{url}"
allow_private = ["{place}"]
{more}

[sources.blog]
type = "posts"
path = "posts"
site = "https://blog.example/"

[feeds.all]
formats = ["atom", "rss", "json", "html"]
"""
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def name(s3: S3) -> str:
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.client.create_bucket(Bucket=bucket)
    return bucket


class Losing:
    """Asks, and loses the answers of the first requests of a method; lists ``most`` objects at once."""

    def __init__(self, url: str, method: str = "", number: int = 0, most: int = 0) -> None:
        self._client = Client(user_agent="test", allow_private=(url.removeprefix("http://"),))
        self._method, self._left, self._most = method, number, most
        self.methods: list[str] = []

    def send(self, request: Request, now: datetime) -> Response:
        self.methods.append(request.method)
        if self._most:  # the server does not look at signatures
            request = replace(request, url=f"{request.url}&max-keys={self._most}")
        answer = self._client.send(request, now)
        if request.method == self._method and self._left:
            self._left -= 1
            raise HttpError("the answer was lost")
        return answer

    def close(self) -> None:
        self._client.close()


def clock() -> datetime:
    return datetime.now(UTC)


def opened(
    s3: S3, name: str, fetcher: Losing | None = None, pause: Callable[[float], None] = lambda _: None
) -> Bucketed:
    asks = fetcher or Losing(s3.url)
    bucket = Bucket(
        name=name, prefix="site", endpoint=s3.url, region="us-east-1", fetcher=lambda: asks, clock=clock, pause=pause,
        credentials=Credentials(access_key=KEY, secret_key=SECRET),
    )  # fmt: skip
    return Bucketed(bucket, "public, max-age=60", clock)


def write(folder: Path, slug: str, text: str) -> None:
    (folder / "posts").mkdir(exist_ok=True)
    (folder / "posts" / f"{slug}.md").write_text(f"---\ntitle: {slug}\ndate: 2026-11-20\n---\n{text}\n")


def run(folder: Path, s3: S3, name: str, more: str = "", extra: str = "", env: dict[str, str] = ENVIRONMENT) -> Ran:
    (folder / "feedbot.toml").write_text(CONFIG.format(bucket=name, url=s3.url, place=s3.place, more=more) + extra)
    return feedbot("run", "--force", "--json", cwd=folder, env=env)


def test_a_run_publishes_with_media_types_and_caching_and_writes_nothing_twice(
    tmp_path: Path, s3: S3, name: str
) -> None:
    write(tmp_path, "a", "hello")
    first = run(tmp_path, s3, name)
    assert first.code == 0, first.err
    objects = s3.objects(name)
    assert set(objects) == {
        *(f"site/all.{extension}" for extension in ("atom", "rss", "json", "html")),
        "site/index.html", "site/feeds.opml", "site/feed.css",
    }  # fmt: skip
    types = {key: s3.head(name, key)["ContentType"] for key in objects}
    assert types["site/all.atom"] == "application/atom+xml; charset=utf-8"
    assert types["site/all.json"] == "application/feed+json; charset=utf-8"
    assert types["site/index.html"] == types["site/all.html"] == "text/html; charset=utf-8"
    assert types["site/feed.css"] == "text/css; charset=utf-8"
    assert s3.head(name, "site/all.atom")["CacheControl"] == "public, max-age=300"
    before = {key: s3.head(name, key)["LastModified"] for key in objects}
    assert run(tmp_path, s3, name).json["feeds"]["all"]["written"] == []
    assert {key: s3.head(name, key)["LastModified"] for key in objects} == before
    assert SECRET not in first.out + first.err


def test_what_was_removed_or_changed_by_hand_is_mended_and_what_left_the_configuration_removed(
    tmp_path: Path, s3: S3, name: str
) -> None:
    write(tmp_path, "a", "hello")
    run(tmp_path, s3, name, extra='[feeds.old]\nformats = ["rss"]\n')
    good = s3.objects(name)
    s3.client.delete_object(Bucket=name, Key="site/all.rss")
    s3.client.put_object(Bucket=name, Key="site/all.atom", Body=b"<feed/>")
    s3.client.put_object(Bucket=name, Key="site/notes.txt", Body=b"of somebody else")
    report = run(tmp_path, s3, name).json
    assert report["feeds"]["old"]["removed"] == ["old.rss"]
    now = s3.objects(name)
    assert now["site/all.rss"] == good["site/all.rss"]
    assert now["site/all.atom"] == good["site/all.atom"]
    assert "site/old.rss" not in now
    assert now["site/notes.txt"] == b"of somebody else"


def test_a_dry_run_writes_nothing_to_a_bucket(tmp_path: Path, s3: S3, name: str) -> None:
    write(tmp_path, "a", "hello")
    (tmp_path / "feedbot.toml").write_text(CONFIG.format(bucket=name, url=s3.url, place=s3.place, more=""))
    ran = feedbot("run", "--dry-run", "--json", cwd=tmp_path, env=ENVIRONMENT)
    assert "all.atom" in ran.json["feeds"]["all"]["written"]
    assert s3.objects(name) == {}


def test_images_beside_posts_are_put_there_once_for_ever(tmp_path: Path, s3: S3, name: str) -> None:
    write(tmp_path, "a", "![dot](dot.png)")
    (tmp_path / "posts" / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    assert run(tmp_path, s3, name).code == 0
    (media,) = [key for key in s3.objects(name) if "/media/" in key]
    head = s3.head(name, media)
    assert (head["ContentType"], "immutable" in head["CacheControl"]) == ("image/png", True)


def test_of_two_publishers_the_one_that_looked_earlier_does_not_overwrite_the_other(s3: S3, name: str) -> None:
    slow, quick = opened(s3, name), opened(s3, name)
    for output in (slow, quick):
        output.look()
    assert quick.write("all.atom", b"newer", "application/atom+xml")
    with pytest.raises(OvertakenError):
        slow.write("all.atom", b"older", "application/atom+xml")
    slow.look()
    quick.look()
    assert quick.write("all.atom", b"newest", "application/atom+xml")
    with pytest.raises(OvertakenError):
        slow.write("all.atom", b"older again", "application/atom+xml")
    assert not slow.remove("all.atom", slow.mark("all.atom"))
    assert s3.objects(name) == {"site/all.atom": b"newest"}


def test_two_that_write_the_same_do_not_stand_in_each_others_way(s3: S3, name: str) -> None:
    one, other = opened(s3, name), opened(s3, name)
    for output in (one, other):
        output.look()
    one.write("all.rss", b"same", "application/rss+xml")
    other.write("all.rss", b"same", "application/rss+xml")
    assert one.mark("all.rss")[-1] == other.mark("all.rss")[-1]


def test_a_write_whose_answer_was_lost_is_known_as_ones_own(s3: S3, name: str) -> None:
    paused: list[float] = []
    fetcher = Losing(s3.url, "PUT", 1)
    output = opened(s3, name, fetcher, paused.append)
    assert output.write("all.rss", b"text", "application/rss+xml")
    assert fetcher.methods.count("PUT") == 2
    assert paused == [0.2]
    assert s3.objects(name) == {"site/all.rss": b"text"}


def test_a_server_that_stays_away_is_told_in_a_sentence(s3: S3, name: str) -> None:
    with pytest.raises(OutputError, match="cannot be reached: the answer was lost"):
        opened(s3, name, Losing(s3.url, "GET", 9)).look()


def test_more_objects_than_one_answer_lists_are_all_seen(s3: S3, name: str) -> None:
    for number in range(5):
        s3.client.put_object(Bucket=name, Key=f"site/tag/{number} ö+&.atom", Body=b"x")
    fetcher = Losing(s3.url, most=2)
    output = opened(s3, name, fetcher)
    output.look()
    assert all(output.has(f"tag/{number} ö+&.atom") for number in range(5))
    assert fetcher.methods == ["GET"] * 3


def test_a_path_of_any_characters_is_written_and_read(s3: S3, name: str) -> None:
    output = opened(s3, name)
    path = "tag/c++ & ü 100%/a=b~(c)*'!.atom"
    assert output.write(path, b"x", "application/atom+xml")
    assert output.read(path) == b"x"
    assert s3.objects(name) == {f"site/{path}": b"x"}


def test_a_bucket_that_is_not_there_fails_the_feeds_and_says_what_to_do(tmp_path: Path, s3: S3) -> None:
    write(tmp_path, "a", "hello")
    ran = run(tmp_path, s3, "nowhere-at-all")
    feed = ran.json["feeds"]["all"]
    assert ran.code != 0
    assert "s3://nowhere-at-all/site" in feed["error"]
    assert "NoSuchBucket" in feed["error"]


def test_a_bucket_takes_credentials_and_says_where_they_are_looked_for(tmp_path: Path, s3: S3, name: str) -> None:
    write(tmp_path, "a", "hello")
    ran = run(tmp_path, s3, name, env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
    assert ran.code == 2
    assert "AWS_SECRET_ACCESS_KEY" in ran.err
    given = f's3_access_key = "{KEY}"\ns3_secret_key = "${{OURS}}"'
    assert run(tmp_path, s3, name, more=given, env={"OURS": SECRET}).code == 0


def test_a_folder_is_served_and_a_bucket_is_not(tmp_path: Path, s3: S3, name: str) -> None:
    run(tmp_path, s3, name)
    ran = feedbot("serve", "--port", "0", cwd=tmp_path, env=ENVIRONMENT)
    assert ran.code == 2
    assert "s3://" in ran.err


def test_doctor_and_feed_list_look_into_the_bucket(tmp_path: Path, s3: S3, name: str) -> None:
    write(tmp_path, "a", "hello")
    run(tmp_path, s3, name)
    (listed,) = feedbot("feed", "list", "--json", cwd=tmp_path, env=ENVIRONMENT).json["feeds"].values()
    assert all(file["size"] > 0 and file["updated"] for file in listed["files"])
    found = feedbot("doctor", cwd=tmp_path, env=ENVIRONMENT).out
    assert f"s3://{name}/site can be listed" in found
