"""What is said about configurations that are not in order."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.settings.conftest import Config
from tests.support.examples import examples

SOURCE = '[sources.a]\ntype = "web"\nurl = "https://example.org/feed"\n'
FEEDBOT = SOURCE + "[feedbot]\n"  # its keys are on line 5
FEED = SOURCE + "[feeds.all]\n"
SINK = SOURCE + '[sinks.team]\ntype = "hook"\n'
ROUTE = SOURCE + '[sinks.team]\ntype = "print"\n[[routes]]\n'  # its keys are on line 7
MAIL = '[sinks.m]\ntype = "mail"\nhost = "h"\nfrom = "a@b.c"\nto = ["x@y.z"]\n'


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ('intervall = "1h"', 'unknown key "intervall" in [sources.a]', 'did you mean "interval"?'),
        ("zzz = 1", 'unknown key "zzz" in [sources.a]', "known: "),
        ('backfill = "some"', '"backfill" in [sources.a]: expected a whole number or "all", found "some"', ""),
        ("backfill = -1", 'expected a number of at least 0 or "all", found -1', ""),
        ("backfill = true", "expected a number, found true", ""),
        ("interval = 30", 'expected a duration such as "30s" or "30m", found 30', ""),
        ('interval = "often"', "'often' is no duration", ""),
        ('updates = "txt"', 'expected "never", "text", "markup" or "any", found "txt"', 'did you mean "text"?'),
        ('tags = "python"', '"tags" in [sources.a]: expected a list, found "python"', 'write ["python"]'),
        ("tags = [1]", '"tags" in [sources.a]: expected text in quotes, found 1', ""),
        ("tags = { a = 1 }", "expected a list, found a table", ""),
        ("paused = 1", "expected true or false, found 1", ""),
        ('paused = "maybe"', 'expected true or false without quotes, found "maybe"', ""),
        ('paused = "true"', 'expected true or false without quotes, found "true"', ""),
        ('verify_tls = "no"', 'expected true or false without quotes, found "no"', ""),
        ('paused = "${MAYBE:-maybe}"', 'expected true or false, found "${MAYBE:-maybe}"', ""),
        ('max_bytes = "much"', "'much' is no size", ""),
        ("max_bytes = 1.5", "expected a whole number, found 1.5", ""),
        ("headers = 3", "expected a table", ""),
        ("headers = { Accept = 3 }", '"headers.Accept" in [sources.a]: expected text in quotes', ""),
        ('allow_private = ["10.0.0.0/8", "http://x/"]', '"allow_private" in [sources.a]: ', ""),
        ('settle = "soon"', "'soon' is no duration", ""),
        ("settle = 0", 'expected a duration such as "30s" or "30m", found 0', ""),
        ('tags = ["${NONE}"]', '"tags" in [sources.a]: the environment variable NONE is not set', "${NONE:-default}"),
        ('interval = "${NONE"', '"interval" in [sources.a]: "${NONE" opens a reference that is not closed', "$$"),
    ],
)
def test_a_key_of_a_source_that_is_wrong_is_named_with_its_line(
    config: Config, line: str, message: str, hint: str
) -> None:
    problem = config.problem(SOURCE + line)

    assert problem.where == "feedbot.toml:4"
    assert message in problem.message
    assert problem.hint.startswith(hint) or hint in problem.hint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("flood_limit = 0", '"flood_limit" in [feedbot]: expected a number of at least 1, found 0'),
        ("flood_limit = true", "expected a number, found true"),
        ("floodlimit = 3", 'unknown key "floodlimit" in [feedbot]'),
        ("concurrency = 10000", "expected a number of at most 1000, found 10000"),
        ('timeout = "0s"', 'expected a duration of more than 0s, found "0s"'),
        ('state = "postgresql:db/feedbot"', "expected a URL such as"),
        ('state = "redis://db"', "expected the path of a file"),
        ('state = ""', "expected the path of a file"),
        ('state = "."', '"." is a folder, not a file'),
        ('output = "/"', '"output" in [feedbot] must not be the root of the file system'),
        ('output = "a/../../../../../../../../../../../../.."', "must not be the root"),
        ('output = "feedbot.toml"', '"feedbot.toml" is not a folder'),
        ('output = ""', "expected text that is not empty"),
        ('token = ""', "expected text that is not empty"),
        ('token = "${NO_TOKEN:-}"', "expected text that is not empty"),
        ('ca_file = "none.pem"', 'there is no file "none.pem"'),
        ('base_url = "example.org/feeds"', 'expected an address that starts with "https://" or "http://"'),
        ('base_url = "ftp://example.org/"', "expected an address"),
        ('base_url = "https://"', "expected an address"),
        ('base_url = "https://example.org/my feeds/"', 'an address has no spaces: write "%20"'),
        ('base_url = "https://example.org:99999/"', "expected an address"),
        ('base_url = "https://example.org/?a=b"', "expected the address of a folder"),
        ('base_url = "https://me:pw@example.org/"', "must not hold a user name or password"),
        ('timezone = "europe/berln"', 'there is no time zone of this name; did you mean "Europe/Berlin"?'),
        ('timezone = "../../etc/passwd"', "there is no time zone"),
        ('timezone = "America"', "there is no time zone"),
        ('user_agent = "a\\nb"', "expected plain ASCII text on one line"),
        ('allow_private = ["a b c"]', '"allow_private" in [feedbot]: '),
        ('alerts = ["nobody"]', 'there is no sink "nobody"'),
    ],
)
def test_a_key_of_feedbot_that_is_wrong_is_named_with_its_line(config: Config, line: str, message: str) -> None:
    problem = config.problem(FEEDBOT + line)

    assert problem.where == "feedbot.toml:5"
    assert message in problem.message
    assert "pw" not in problem.message


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("limit = 0", "expected a number of at least 1, found 0", ""),
        ('formats = ["atm"]', 'there is no format "atm"', 'did you mean "atom"?'),
        ('formats = ["atom", "atom"]', '"atom" is there twice', ""),
        ("formats = []", "expected a list that is not empty, found []", ""),
        ('sources = ["b"]', '"sources" in [feeds.all]: there is no source "b"', "known: a"),
        ('sources = ["blog-*"]', 'no source fits "blog-*"', ""),
        ("filter = \"'x' in tgs\"", '"filter" in [feeds.all]: ', ""),
        ('filter = "a b"', "is no expression", ""),
        ('split = ["taste"]', 'expected "tag"', ""),
        ('archive = "yes"', "expected true or false", ""),
        ('hub = "https://hub.example/"', "a hub is told addresses", "set base_url in [feedbot]"),
        ('language = "english language"', 'expected a language tag such as "en"', ""),
        ('link = "here"', "expected an address", ""),
        ('token = ""', "expected text that is not empty", ""),
        ('aliases = ["../x"]', "expected a path inside the output folder", ""),
        ('aliases = ["/x"]', "expected a path inside the output folder", ""),
        ('aliases = ["a/../../x"]', "expected a path inside the output folder", ""),
        ('aliases = ["a//x"]', "expected the path of a file", ""),
        ('aliases = ["a/"]', "expected the path of a file", ""),
        ('aliases = [""]', "expected the path of a file", ""),
        ('aliases = ["."]', "expected the path of a file", ""),
        ('aliases = ["a\\\\b"]', "expected the path of a file", ""),
        ('aliases = ["a\\u0000b"]', "expected the path of a file", ""),
        ('aliases = ["all.atom"]', 'would be written to "all.atom", where the feed "all" as atom is written', ""),
        ('aliases = ["ALL.RSS"]', 'where the feed "all" as rss is written', ""),
        ('aliases = ["index.html"]', "where the page of all feeds is written", ""),
        ('aliases = ["x", "x"]', 'where the alias 1 of the feed "all" is written', ""),
        ('aliases = ["x/y", "x"]', 'written to "x/y", but "x" is a file', ""),
        ('aliases = ["all.json/x"]', 'but "all.json" is a file', ""),
        ('aliases = ["all/tag/x.atom"]\nsplit = ["tag"]', 'but "all/tag" is the folder of the feed "all" by tag', ""),
        ('aliases = ["all"]\narchive = true', 'but "all/archive" is the folder of the archive of the feed "all"', ""),
        ('aliases = ["Media/x"]', 'but "media" is the folder of copied files', ""),
    ],
)
def test_a_key_of_a_feed_that_is_wrong_is_named_with_its_line(
    config: Config, line: str, message: str, hint: str
) -> None:
    problem = config.problem(FEED + line)

    assert problem.where == "feedbot.toml:5"
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (FEEDBOT + 'sate = "x"', 'did you mean "state"?'),
        (FEED + 'titel = "x"', 'did you mean "title"?'),
        (FEED + 'title = "x"\ntitel = "y"', "known: aliases"),
    ],
)
def test_a_key_that_has_a_default_is_suggested_too_unless_it_is_there(config: Config, text: str, hint: str) -> None:
    assert config.problem(text).hint.startswith(hint)


def test_two_feeds_do_not_write_the_same_file(config: Config) -> None:
    problem = config.problem(FEED + '[feeds.news]\naliases = ["all.json"]\n')

    assert problem.where == "feedbot.toml:6"
    assert problem.message == (
        'the alias 1 of the feed "news" would be written to "all.json", where the feed "all" as json is written'
    )


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ('to = ["tem"]', '"to" in [[routes]] number 1: there is no sink "tem"', 'did you mean "team"?'),
        ('to = ["x*"]', 'no sink fits "x*"', ""),
        ("to = []", "expected a list that is not empty", ""),
        ('to = "team"', "expected a list", 'write ["team"]'),
        (
            'on = ["new", "update"]',
            'expected "new", "updated" or "withdrawn", found "update"',
            'did you mean "updated"?',
        ),
        ("on = []", "expected a list that is not empty", ""),
        ('sources = ["b"]', 'there is no source "b"', ""),
        ('filter = "autor == 1"', "autor", ""),
        ('digest = "0 0 31 2 *"', "names a day that never comes", ""),
        ('digest = "8:00"', "expected the five fields of a crontab line", ""),
        ('quiet = "22-7"', 'expected hours such as "22:00-07:00"', ""),
        ("max_per_run = 0", "at least 1", ""),
        ("dedupe = true", '"dedupe" in [[routes]] number 1: expected', ""),
    ],
)
def test_a_key_of_a_route_that_is_wrong_is_named_with_its_line(
    config: Config, line: str, message: str, hint: str
) -> None:
    problem = config.problem(ROUTE + line)

    assert problem.where == "feedbot.toml:7"
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("", "feedbot.toml", "there is no source", "feedbot add"),
        ("[sources]\n", "feedbot.toml:1", "there is no source", ""),
        (SOURCE + "[source.b]\n", "feedbot.toml:4", 'unknown table "source"', 'did you mean "sources"?'),
        ("bogus = 1\n" + SOURCE, "feedbot.toml:1", 'unknown key "bogus"', "the tables are"),
        ('output = "x"\n' + SOURCE, "feedbot.toml:1", 'unknown key "output"', "belongs below [feedbot]"),
        ("feedbot = 1\n" + SOURCE, "feedbot.toml:1", "expected a table [feedbot]", ""),
        ("[[sources]]\ntype = 'web'\n", "feedbot.toml:1", "expected tables [sources.NAME], found [[sources]]", ""),
        ("[sources]\ntype = 'web'\n", "feedbot.toml:2", 'expected a table [sources.NAME], found sources.type =', ""),
        ("[[sources.a]]\ntype = 'web'\n", "feedbot.toml:1", "found [[sources.a]]", ""),
        (SOURCE + "[routes]\nto = ['x']\n", "feedbot.toml:4", "written as [[routes]]", ""),
        (SOURCE + "[sources.b]\nurl = 'x'\n", "feedbot.toml:4", '"type" is missing in [sources.b]', "types: broken"),
        (SOURCE + "[sources.b]\ntyp = 'web'\n", "feedbot.toml:4", '"type" is missing', 'instead of "typ"'),
        (SOURCE + "[sources.b]\ntype = 'wbe'\n", "feedbot.toml:5", 'there is no source of type "wbe"', '"web"'),
        (SOURCE + "[sources.b]\ntype = 7\n", "feedbot.toml:5", "expected text in quotes, found 7", "known types"),
        (SOURCE + "[sources.b]\ntype = 'git'\n", "feedbot.toml:5", "there is no source of type", 'is of type "posts"'),
        (SOURCE + "[sources.b]\ntype = 'web'\n", "feedbot.toml:4", '"url" is missing in [sources.b]', ""),
        (SOURCE + "[sinks.b]\ntype = 'hook'\n", "feedbot.toml:4", '"url" or "url_file" is missing in [sinks.b]', ""),
        (SOURCE.replace("sources.a", 'sources."My Blog"'), "feedbot.toml:1", '"My Blog" is no name', '"my-blog"'),
        (SOURCE + "[feeds.A]\n", "feedbot.toml:4", '"A" is no name for a feed', '"a"'),
        (SOURCE + '[[routes]]\nto = ["x"]\n', "feedbot.toml:5", "leads nowhere: there is no sink", "[sinks.NAME]"),
        (SOURCE + "[sources.b]\ntype = 'broken'\n", "feedbot.toml:5", "cannot be loaded", ""),
        (SOURCE + "[sources.b]\ntype = 'faulty'\n", "feedbot.toml:5", "is faulty", ""),
        (SOURCE + "[sources.b]\ntype = 'moody'\n", "feedbot.toml:4", "failed (KeyError)", "fault of the plugin"),
        (SOURCE + "[sources.b]\ntype = 'folder'\npath = 'missing/x'\n", "feedbot.toml:6", "no folder 'missing/x'", ""),
        (SOURCE + MAIL + "username = 'u'\n", "feedbot.toml:4", "[sinks.m]: a username needs a password", ""),
        (SOURCE + MAIL.replace("from", "sender_"), "feedbot.toml:4", '"from" is missing', ""),
    ],
)  # fmt: skip
def test_a_table_that_is_wrong_is_named_with_its_line(
    config: Config, text: str, where: str, message: str, hint: str
) -> None:
    problems = config.problems(text)

    assert any(one.where == where and message in one.message and hint in one.hint for one in problems), [
        str(one) for one in problems
    ]


def test_every_problem_of_a_file_is_found_at_once(config: Config) -> None:
    found = config.problems(
        """
        [feedbot]
        timezone = "Nowhere"
        timeout = 30
        output = "/"
        [sources.a]
        type = "web"
        interval = 30
        intervall = "1h"
        [sources.b]
        type = "folder"
        path = "${NONE}"
        preset = "hugoo"
        [feeds.x]
        limit = 0
        formats = ["atm"]
        filter = "nonsense =="
        sources = ["c"]
        [sinks.m]
        type = "mail"
        port = "abc"
        password_file = "nowhere"
        [[routes]]
        on = ["never"]
        to = ["n"]
        [nonsense]
        """
    )
    lines = [int(one.where.partition(":")[2]) for one in found]

    assert lines == [3, 4, 5, 6, 8, 9, 12, 13, 15, 16, 17, 18, 19, 19, 19, 21, 22, 24, 25, 26]


@pytest.mark.parametrize(
    "line", ["url = 12345678", 'secret = ["s3cret-value"]', 'url = "s3cret-value"', "secret = true"]
)
def test_a_secret_is_never_in_a_message(config: Config, line: str) -> None:
    text = SINK + line + ("" if line.startswith("url") else '\nurl = "https://x.org"')
    [problem] = [one for one in config.problems(text) if one.where == "feedbot.toml:6"]

    assert "s3cret" not in str(problem)
    assert "12345678" not in str(problem)


@pytest.mark.parametrize(
    "line",
    ['interval = "${API_TOKEN}"', 'backfill = "${API_TOKEN}"', 'updates = "x ${API_TOKEN}"', 'type = "${API_TOKEN}"'],
)
def test_what_a_reference_stands_for_is_never_in_a_message(config: Config, line: str) -> None:
    text = '[sources.a]\nurl = "https://x.org"\n' + line + ("" if "type" in line else '\ntype = "web"')

    problem = config.problem(text, API_TOKEN="s3cret-value")

    assert "s3cret" not in str(problem)
    assert "${API_TOKEN}" in str(problem)


def test_a_password_in_an_address_is_never_in_a_message(config: Config) -> None:
    problem = config.problem(FEED + 'link = "gopher://me:s3cret@example.org"')

    assert "s3cret" not in str(problem)


def test_a_secret_is_given_once(config: Config) -> None:
    config.file("url", "https://x.org/")

    problem = config.problem(SINK + 'url = "https://y.org"\nurl_file = "url"\n')

    assert str(problem).startswith('feedbot.toml:7: "url" and "url_file" are both given in [sinks.team]')


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"none"', "does not exist"),
        ('"."', "is not a file"),
        ("3", "expected the path of a file, found 3"),
        ('""', "expected the path of a file"),
        ('"${NONE}"', "the environment variable NONE is not set"),
    ],
)
def test_the_file_of_a_secret_must_be_readable(config: Config, value: str, message: str) -> None:
    problem = config.problem(SINK + f"url_file = {value}\n")

    assert problem.where == "feedbot.toml:6"
    assert message in problem.message


def test_a_short_value_from_elsewhere_leaves_the_sentence_readable(config: Config) -> None:
    problem = config.problem(SOURCE + 'interval = "${SPAN}"\n', SPAN="s")

    assert problem.message.startswith("\"interval\" in [sources.a]: '${SPAN}' is no duration")


@pytest.mark.parametrize("levels", [100, 300, 450])
def test_deep_nesting_is_a_problem_like_any_other(config: Config, levels: int) -> None:
    assert config.problems(SOURCE + "tags = " + "[" * levels + "]" * levels)


def test_a_filter_nested_too_deeply_is_a_problem_like_any_other(config: Config) -> None:
    problem = config.problem(FEED + f'filter = "{"(" * 300}1{")" * 300}"')

    assert '"filter" in [feeds.all]: ' in problem.message


def test_text_from_the_environment_that_is_no_text_is_refused(config: Config) -> None:
    problem = config.problem(SOURCE + 'tags = ["${NAME}"]', NAME="caf\udce9")

    assert problem.message == '"tags" in [sources.a]: the environment variable NAME is not text in UTF-8'


@pytest.mark.parametrize("key", ["output", "state", "ca_file"])
def test_paths_that_cannot_be_are_no_reason_to_fail(config: Config, key: str) -> None:
    for path in ("x" * 300, "~nobody-of-this-name/x", "a\\u0000b"):
        config.problems(FEEDBOT + f'{key} = "{path}"\nzzz = 1')


def test_a_problem_is_one_line_without_control_characters(config: Config) -> None:
    for problem in config.problems('"a\\nb\\u001b[2J" = 1\n[sources."c\\nd"]\n"e\\nf" = 1\ntype = "web"\n'):
        assert str(problem).isprintable()


JARGON = re.compile(r"Input should|pydantic|valid (integer|string|tuple|dict)|errors\.|type=|\bctx\b|None\b|tuple")
VALUES = [
    "1",
    "-1",
    "1.5",
    "true",
    '""',
    '"x"',
    "[]",
    "[1]",
    "{}",
    "{ a = 1 }",
    "2026-01-01",
    "nan",
    "[[1], {}]",
    '["", "x"]',
]
TABLES = {
    "feedbot": [
        "state",
        "output",
        "base_url",
        "timezone",
        "flood_limit",
        "timeout",
        "max_bytes",
        "allow_private",
        "ca_file",
    ],
    "sources.a": [
        "type",
        "url",
        "interval",
        "tags",
        "backfill",
        "updates",
        "paused",
        "headers",
        "settle",
        "verify_tls",
    ],
    "feeds.f": ["title", "formats", "sources", "filter", "limit", "content", "aliases", "split"],
    "sinks.s": ["type", "url", "secret", "url_file", "wait", "rate"],
}


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {
            table: st.dictionaries(st.sampled_from(keys), st.sampled_from(VALUES), max_size=4)
            for table, keys in TABLES.items()
        }
    )
)
def test_whatever_the_values_are_the_problems_are_plain_sentences(
    config: Config, tables: dict[str, dict[str, str]]
) -> None:
    text = "[sources.z]\n"  # without a type, so that there is a problem in any case
    for table, values in tables.items():
        kind = {"sources.a": "web", "sinks.s": "hook"}.get(table)
        given_type = {"type": f'"{kind}"'} if kind else {}
        lines = [f"{name} = {value}" for name, value in {**given_type, **values}.items()]
        text += f"[{table}]\n" + "\n".join(lines) + "\n"

    for problem in config.problems(text):
        assert not JARGON.search(problem.message), str(problem)
        assert re.fullmatch(r"feedbot\.toml:\d+", problem.where)
        assert "\n" not in str(problem)


PLACES = '[sources.p]\ntype = "folder"\npath = "{}"\n'


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", 'there is no folder "nowhere"'),
        ("feedbot.toml", '"feedbot.toml" is not a folder'),
        ("a\\u0000b", "is not the path of a file"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_problem_for_who_asks_for_it_only(
    config: Config, path: str, message: str
) -> None:
    from feedbot.errors import ConfigError
    from feedbot.settings import load

    file = config.write(PLACES.format(path))
    load(file, {"HOME": "/"})
    with pytest.raises(ConfigError) as caught:
        load(file, {"HOME": "/"}, thorough=True)

    [problem] = caught.value.problems
    assert problem.where == "feedbot.toml:3"
    assert problem.message.startswith('"path" in [sources.p]: ')
    assert message in problem.message


@pytest.mark.parametrize("key", ["state", "output"])
def test_a_path_that_cannot_be_made_is_a_problem_for_who_asks_for_it_only(config: Config, key: str) -> None:
    from feedbot.errors import ConfigError
    from feedbot.settings import load

    file = config.write(FEEDBOT + f'{key} = "feedbot.toml/x"\n')
    load(file, {"HOME": "/"})
    with pytest.raises(ConfigError) as caught:
        load(file, {"HOME": "/"}, thorough=True)

    [problem] = caught.value.problems
    assert f'"{key}" in [feedbot]: ' in problem.message
    assert "cannot be made" in problem.message
