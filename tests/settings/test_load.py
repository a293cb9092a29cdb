"""Configurations that are in order."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from feedbot.model import ChangeKind
from feedbot.settings import FeedSettings, RouteSettings
from tests.settings.conftest import Config
from tests.settings.plugins import HookSink, WebSettings, WebSource

SOURCE = '[sources.a]\ntype = "web"\nurl = "https://example.org/feed"\n'
SINKS = '[sinks.log]\ntype = "print"\n[sinks.team]\ntype = "hook"\nurl = "${HOOK_URL:-https://hook.example/}"\n'


def test_the_smallest_configuration_is_one_source(config: Config) -> None:
    found = config.load(SOURCE)

    assert found.sources == {"a": WebSettings(type="web", url="https://example.org/feed")}
    assert found.source_types == {"a": WebSource}
    assert (found.feeds, found.sinks, found.routes, found.warnings) == ({}, {}, (), ())


def test_without_routes_every_source_goes_to_every_sink(config: Config) -> None:
    found = config.load(SOURCE + SINKS)

    assert found.routes == (RouteSettings(sources=("*",), on=(ChangeKind.NEW,), to=("*",)),)
    assert found.sinks_of(found.routes[0]) == ("log", "team")
    assert found.sources_of(found.routes[0]) == ("a",)
    assert found.sink_types["team"] is HookSink


def test_an_empty_list_of_routes_announces_nothing(config: Config) -> None:
    assert config.load("routes = []\n" + SOURCE + SINKS).routes == ()


def test_routes_are_read_in_their_order(config: Config) -> None:
    routes = """
        [[routes]]
        to = ["log"]
        on = ["new", "updated", "withdrawn"]
        [[routes]]
        sources = ["b*"]
        filter = "'releases' in tags"
        to = ["t*"]
    """
    found = config.load(SOURCE + SOURCE.replace("sources.a", "sources.blog") + SINKS + routes)

    assert [found.sinks_of(route) for route in found.routes] == [("log",), ("team",)]
    assert [found.sources_of(route) for route in found.routes] == [("a", "blog"), ("blog",)]
    assert found.routes[0].on == (ChangeKind.NEW, ChangeKind.UPDATED, ChangeKind.WITHDRAWN)


def test_a_feed_has_sensible_defaults(config: Config) -> None:
    found = config.load(SOURCE + "[feeds.all]\n")

    assert found.feeds["all"] == FeedSettings(title="all", formats=("atom", "rss", "json"), sources=("*",), limit=50)
    assert found.sources_of(found.feeds["all"]) == ("a",)


def test_durations_and_sizes_are_read(config: Config) -> None:
    settings = config.load('[feedbot]\ntimeout = "1m 30s"\nmax_bytes = "2 MiB"\n' + SOURCE).feedbot

    assert settings.timeout == timedelta(seconds=90)
    assert settings.max_bytes == 2 * 1024 * 1024


def test_paths_are_relative_to_the_file(config: Config) -> None:
    config.file("ca.pem", "")
    text = '[feedbot]\nstate = "s/f.db"\noutput = "../feeds"\nca_file = "ca.pem"\n'

    found = config.load(text + SOURCE)

    assert found.folder == config.folder
    assert found.state == config.folder / "s/f.db"
    assert found.output_path == config.folder.parent / "feeds"
    assert found.ca_path == config.folder / "ca.pem"


def test_paths_have_defaults(config: Config) -> None:
    found = config.load(SOURCE)

    assert found.state == config.folder / "feedbot.db"
    assert found.output_path == config.folder / "public"
    assert found.ca_path is None


def test_the_state_folder_of_systemd_is_used(config: Config, tmp_path: Path) -> None:
    assert config.load(SOURCE, STATE_DIRECTORY="/var/lib/f").state == Path("/var/lib/f/feedbot.db")


@pytest.mark.parametrize("given", ["https://example.org/feeds", "https://example.org/feeds/"])
def test_the_base_address_ends_with_a_slash(config: Config, given: str) -> None:
    assert config.load(f'[feedbot]\nbase_url = "{given}"\n' + SOURCE).feedbot.base_url == "https://example.org/feeds/"


def test_the_user_agent_names_a_contact_where_one_is_known(config: Config) -> None:
    base = '[feedbot]\nbase_url = "https://example.org/"\n'

    assert config.load(SOURCE).feedbot.user_agent.startswith("feedbot/")
    assert config.load(base + SOURCE).feedbot.user_agent.endswith(" (+https://example.org/)")
    assert config.load(base + 'user_agent = "me"\n' + SOURCE).feedbot.user_agent == "me"


def test_private_addresses_may_be_allowed(config: Config) -> None:
    allowed = '["127.0.0.1:8080", "10.0.0.0/8", "intranet", "::1", "[::1]:80"]'

    found = config.load(f"[feedbot]\nallow_private = {allowed}\n{SOURCE}allow_private = {allowed}\n")

    assert found.feedbot.allow_private[1] == "10.0.0.0/8"


def test_the_time_zone_is_ready_for_use(config: Config) -> None:
    assert str(config.load('[feedbot]\ntimezone = "Europe/Berlin"\n' + SOURCE).zone) == "Europe/Berlin"
    assert str(config.load(SOURCE).zone) == "UTC"


def test_references_are_replaced_wherever_a_string_stands(config: Config) -> None:
    text = SOURCE + 'tags = ["${TAG}"]\nheaders = { Authorization = "Bearer ${TOKEN}" }\nbackfill = "${COUNT}"\n'

    source = config.load(text, TAG="python", TOKEN="t0ken", COUNT="3").sources["a"]

    assert isinstance(source, WebSettings)
    assert source.tags == ("python",)
    assert source.headers["Authorization"].get_secret_value() == "Bearer t0ken"
    assert source.backfill == 3


def test_a_secret_may_stand_in_a_file_of_its_own(config: Config) -> None:
    config.file("url.txt", "https://hook.example/secret\n")

    found = config.load(SOURCE + '[sinks.team]\ntype = "hook"\nurl_file = "${NAME}.txt"\n', NAME="url")

    assert found.sinks["team"].url.get_secret_value() == "https://hook.example/secret"  # type: ignore[attr-defined]


def test_aliases_are_paths_in_the_output_folder(config: Config) -> None:
    found = config.load(SOURCE + '[feeds.all]\naliases = ["feeds/posts/default", "feed.xml"]\n')

    assert found.feeds["all"].aliases == ("feeds/posts/default", "feed.xml")


def test_secrets_are_known_to_whoever_redacts(config: Config) -> None:
    config.file("pw", "pa55word")
    text = """
        [sinks.team]
        type = "hook"
        url = "${HOOK}"
        [sinks.mail]
        type = "mail"
        host = "${HOST}"
        from = "a@b.c"
        to = ["me@x.org"]
        password_file = "pw"
    """
    found = config.load(SOURCE + text, HOOK="https://hook.example/abc", HOST="smtp.example")

    assert found.secrets == {"https://hook.example/abc", "pa55word"}
    assert "pa55word" not in repr(found)
    assert "hook.example" not in repr(found)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o604])
def test_a_file_with_secrets_that_others_can_read_is_warned_of(config: Config, mode: int) -> None:
    from feedbot.settings import load

    path = config.write(SOURCE + '[sinks.team]\ntype = "hook"\nurl = "https://hook.example/s3cret"\n')
    path.chmod(mode)

    warnings = load(path, {"HOME": "/"}).warnings

    assert len(warnings) == (0 if mode == 0o600 else 1)
    for warning in warnings:
        assert warning.where == "feedbot.toml:6"
        assert '"url" in [sinks.team] holds a secret' in warning.message
        assert "chmod 600" in warning.hint
        assert "s3cret" not in str(warning)


@pytest.mark.parametrize("address", ["https://me:s3cret@example.org/feed", "https://t0ken@example.org/feed"])
def test_a_password_in_an_address_is_a_secret_as_well(config: Config, address: str) -> None:
    from feedbot.settings import load

    path = config.write(SOURCE.replace("https://example.org/feed", address))
    path.chmod(0o644)

    [warning] = load(path, {"HOME": "/"}).warnings

    assert '"url" in [sources.a] holds a secret' in warning.message
    assert "s3cret" not in str(warning)


@pytest.mark.parametrize("value", ["true", "false", '"${YES}"', '"${NO}"'])
def test_true_and_false_are_written_without_quotes_or_come_from_elsewhere(config: Config, value: str) -> None:
    found = config.load(SOURCE + f"paused = {value}\n", YES="true", NO="false").sources["a"]

    assert found.paused is (value in ("true", '"${YES}"'))


def test_two_configurations_that_name_no_state_do_not_share_one(config: Config) -> None:
    from feedbot.settings import load

    paths = [config.write(SOURCE, name) for name in ("feedbot.toml", "news.toml")]
    (config.folder / "other").mkdir()
    paths.append(config.write(SOURCE, "other/feedbot.toml"))

    assert len({load(path, {"HOME": "/home/me"}).state for path in paths}) == 3


def test_secrets_by_reference_may_be_read_by_others(config: Config) -> None:
    from feedbot.settings import load

    headers = 'headers = { Authorization = "Bearer ${TOKEN}", Accept = "text/xml" }\n'
    path = config.write(SOURCE + headers + '[sinks.team]\ntype = "hook"\nurl = "${HOOK}"\n')
    path.chmod(0o644)

    assert load(path, {"HOME": "/", "HOOK": "https://x.org", "TOKEN": "x"}).warnings == ()


def test_a_source_that_does_not_verify_certificates_is_warned_of(config: Config) -> None:
    [warning] = config.load(SOURCE + "verify_tls = false\n").warnings

    assert str(warning).startswith("feedbot.toml:4: [sources.a] does not verify TLS certificates")


def test_a_sink_that_no_route_leads_to_is_warned_of(config: Config) -> None:
    [warning] = config.load(SOURCE + SINKS + '[[routes]]\nto = ["log"]\n').warnings

    assert warning.where == "feedbot.toml:6"
    assert '"team"' in warning.message


def test_where_the_feeds_are_served_is_known_in_ascii(config: Config) -> None:
    found = config.load('[feedbot]\nbase_url = "https://exämple.org/ü"\n' + SOURCE)
    assert found.feedbot.base_url == "https://xn--exmple-cua.org/%C3%BC/"
