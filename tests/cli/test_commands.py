"""The command line as a person or a script meets it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import CONFIG, write_post
from tests.conftest import PROJECT
from tests.support.cli import Ran, bound, feedbot, started
from tests.support.processes import wait_until
from tests.support.web import Answer, WebServer

HEAVY = {"feedparser", "feedgen", "lxml", "requests", "urllib3", "sqlalchemy", "pydantic", "jinja2", "rich", "alembic"}
FOR_WHAT_IS_NEW = {"nh3", "cronsim", "markdown_it", "yaml", "feedbot.core.policy", "feedbot.engine.planning"}
FOR_WHAT_GOES_OUT = {"smtplib", "standardwebhooks", "urllib.request", "feedbot.core.html", "feedbot.engine.pages"}


def imported(*arguments: str, cwd: Path) -> set[str]:
    script = (
        "import sys\nfrom feedbot.cli.entrance import enter\n"
        f"code = enter({list(arguments)!r})\n"
        "print(' '.join(sys.modules), file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("run", "--help"), ("queue", "retry", "--help")])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert not imported(*arguments, cwd=tmp_path) & HEAVY


def test_a_run_with_nothing_new_imports_only_what_it_needs(place: Path) -> None:
    time.sleep(2.1)  # a file that changed just now is read once more
    assert feedbot("run", cwd=place).code == 0
    loaded = imported("run", "-q", cwd=place)
    assert not loaded & (HEAVY - {"pydantic", "sqlalchemy"}), loaded & HEAVY
    assert not loaded & (FOR_WHAT_IS_NEW | FOR_WHAT_GOES_OUT)


def test_a_check_imports_nothing_of_the_state(place: Path) -> None:
    assert not imported("check", "-q", cwd=place) & (HEAVY - {"pydantic"})


def test_a_run_prints_a_line_a_source_the_entries_and_what_was_done(place: Path) -> None:
    ran = feedbot("run", cwd=place)
    assert ran.code == 0
    assert ran.err == ""
    head, source, entry, written, sent = filter(None, ran.out.splitlines())
    assert head.startswith("feedbot ")
    assert source.split()[:4] == ["✓", "blog", "posts", "(keystatic)"]
    assert "1 new" in source
    assert entry.split()[:3] == ["NEW", "First", "blog"]
    assert written == "  wrote public/: all.atom (1), all.rss (1), all.json (1)"
    assert sent == "  sent 1 → log"

    assert "nothing new" in feedbot("run", cwd=place).out


def test_json_is_one_document_as_the_contract_says(place: Path) -> None:
    document = feedbot("run", "--json", cwd=place).json
    url = "https://blog.example/2026/11/first/"
    blog = document["sources"]["blog"]
    assert (blog["status"], blog["entries"], blog["new"]) == ("ok", 1, [url])
    assert blog["updated"] == blog["withdrawn"] == []
    assert blog["error"] is None
    assert document["feeds"]["all"] == {
        "written": ["all.atom", "all.rss", "all.json"],
        "removed": [],
        "entries": 1,
        "error": None,
    }
    sink = document["deliveries"]["log"]
    assert (sink["sent"], sink["pending"], sink["dead"]) == (1, 0, 0)

    status = feedbot("status", "--json", cwd=place).json
    assert status["sources"]["blog"]["state"] == "ok"
    assert status["sources"]["blog"]["entries"] == 1
    assert {"failures", "last_poll", "next_poll", "error"} <= status["sources"]["blog"].keys()
    sink = {"pending": 0, "held": 0, "dead": 0, "sent": 1, "configured": True, "disabled": None, "failing_since": None}
    assert sink.items() <= status["sinks"]["log"].items()

    (entry,) = feedbot("entry", "list", "--json", cwd=place).json["entries"]
    assert (entry["id"], entry["title"], entry["content"]) == (url, "First", "<p>hello</p>")
    assert feedbot("entry", "show", url, "--json", cwd=place).json["id"] == url


def test_global_options_stand_before_or_after_the_command(place: Path, tmp_path: Path) -> None:
    config = place / "feedbot.toml"
    assert feedbot("-c", config, "--json", "run", cwd=Path("/")).json["sources"]
    assert feedbot("run", "--json", "--config", config, cwd=Path("/")).json["sources"]


def test_quiet_prints_nothing(place: Path) -> None:
    assert feedbot("run", "-q", cwd=place) == Ran(0, "", "")


def test_a_dry_run_leaves_nothing_behind(place: Path) -> None:
    before = sorted(place.rglob("*"))
    ran = feedbot("run", "--dry-run", cwd=place)
    assert "would write public/" in ran.out
    assert "would announce 1" in ran.out
    assert sorted(place.rglob("*")) == before


def test_strict_leaves_with_3_for_a_failed_source_and_4_for_a_failed_delivery(place: Path, web: WebServer) -> None:
    config = place / "feedbot.toml"
    broken = f'\n[sources.gone]\ntype = "feed"\nurl = "{web.url("/gone")}"\nallow_private = ["{web.address}"]\n'
    config.write_text(CONFIG + broken)
    assert feedbot("run", cwd=place).code == 0
    assert feedbot("run", "--strict", "--force", cwd=place).code == 3

    web.answers["/hook"] = Answer(500)
    hook = f'\n[sinks.hook]\ntype = "webhook"\nurl = "{web.url("/hook")}"\nallow_private = ["{web.address}"]\n'
    config.write_text(CONFIG + broken + hook)
    write_post(place, "second")
    assert feedbot("run", "--strict", "--force", cwd=place).code == 4


def test_a_wrong_configuration_is_told_whole_with_code_2(place: Path) -> None:
    (place / "feedbot.toml").write_text(CONFIG.replace("interval", "intervall").replace('"file"', '"flie"'))
    ran = feedbot("check", cwd=place)
    assert ran.code == 2
    assert "feedbot.toml:11" in ran.err
    assert 'did you mean "interval"?' in ran.err
    assert 'did you mean "file"?' in ran.err

    problems = feedbot("check", "--json", cwd=place).json["problems"]
    assert [problem["where"] for problem in problems] == ["feedbot.toml:11", "feedbot.toml:17"]


def test_check_looks_where_paths_lead_and_a_run_goes_on_without(place: Path) -> None:
    paths = f"""
[sources.lost]
type = "posts"
path = "blgo"

[sources.none]
type = "feed"
path = "none.xml"

[sources.outside]
type = "feed"
url = "file:{place.parent}/outside.xml"

[sinks.mails]
type = "file"
path = "feedbot.toml/mails/"

[sinks.smtp]
type = "email"
host = "smtp.example"
from = "me@blog.example"
to = "me@blog.example"
ca_file = "none.pem"

[[routes]]
to = ["log"]
"""
    (place.parent / "outside.xml").write_text("<rss/>")
    (place / "feedbot.toml").write_text(CONFIG + paths)

    ran = feedbot("check", cwd=place)

    assert ran.code == 2
    line = CONFIG.count("\n") + 1
    assert f'feedbot.toml:{line + 3}: "path" in [sources.lost]: there is no folder "blgo"' in ran.err
    assert f'feedbot.toml:{line + 7}: "path" in [sources.none]: there is no file "none.xml"' in ran.err
    assert f'feedbot.toml:{line + 11}: "url" in [sources.outside]: ' in ran.err
    assert f"is not below {place}" in ran.err
    assert f'feedbot.toml:{line + 15}: "path" in [sinks.mails]: ' in ran.err
    assert f'feedbot.toml:{line + 22}: "ca_file" in [sinks.smtp]: there is no file "none.pem"' in ran.err

    sources = feedbot("run", "--json", cwd=place).json["sources"]
    assert (sources["blog"]["status"], sources["lost"]["status"]) == ("ok", "failed")


def test_check_says_that_all_is_well(place: Path) -> None:
    ran = feedbot("check", cwd=place)
    assert ran.code == 0
    assert "no problems (1 source, 1 feed, 1 sink, 1 route)" in ran.out


def test_an_unknown_source_or_option_is_code_2(place: Path) -> None:
    ran = feedbot("run", "blgo", cwd=place)
    assert ran.code == 2
    assert 'did you mean "blog"?' in ran.err
    assert feedbot("run", "--frce", cwd=place).code == 2
    assert 'there is no command "feedbot runn"; did you mean "run"?' in feedbot("runn", cwd=place).err
    ran = feedbot("entry", "list", "blgo", cwd=place)
    assert (ran.code, "there is no state" in ran.err) == (5, True)
    feedbot("run", cwd=place)
    assert 'did you mean "blog"?' in feedbot("entry", "list", "blgo", cwd=place).err


@pytest.mark.parametrize("arguments", [("run", "--frce"), ("runn",), ("daemon",), ("queue", "retry", "x")])
def test_with_json_a_usage_error_is_a_document_too(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = feedbot(*arguments, "--json", cwd=tmp_path)
    assert ran.code == 2
    assert ran.json["error"]
    assert ran.err


def test_without_a_configuration_it_says_where_it_looked(tmp_path: Path) -> None:
    ran = feedbot("run", cwd=tmp_path, env={"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})
    assert ran.code == 2
    assert "feedbot.toml" in ran.err


def test_a_bad_state_is_code_5_and_stays(place: Path) -> None:
    (place / "state").mkdir()
    (place / "state" / "feedbot.db").write_bytes(b"not a database at all" * 99)
    ran = feedbot("run", cwd=place)
    assert ran.code == 5
    assert "damaged" in ran.err
    assert (place / "state" / "feedbot.db").read_bytes() == b"not a database at all" * 99
    assert not (place / "log.jsonl").exists()


def test_an_output_that_cannot_be_written_is_code_5_and_mended_later(place: Path) -> None:
    (place / "public" / "all.atom").mkdir(parents=True)
    ran = feedbot("run", cwd=place)
    assert ran.code == 5
    assert "feed all was not written" in ran.out
    (place / "public" / "all.atom").rmdir()
    assert feedbot("run", cwd=place).code == 0
    assert (place / "public" / "all.atom").is_file()


def test_two_runs_at_once_are_kept_apart_with_code_6(place: Path, web: WebServer) -> None:
    asked = []

    def slow(handler: object) -> None:
        asked.append(True)
        time.sleep(5)

    web.answers["/slow"] = Answer(raw=slow)
    source = f'\n[sources.slow]\ntype = "feed"\nurl = "{web.url("/slow")}"\nallow_private = ["{web.address}"]\n'
    (place / "feedbot.toml").write_text(CONFIG + source)
    first = started("run", cwd=place, env={}, out=place / "first.out", err=place / "first.err")
    try:
        assert wait_until(lambda: asked)
        ran = feedbot("run", cwd=place)
        assert ran.code == 6
        assert "another feedbot works on" in ran.err
        begun = time.monotonic()
        first.terminate()
        first.join(10)
        assert first.exitcode == 128 + signal.SIGTERM
        assert time.monotonic() - begun < 3
    finally:
        first.kill()
        first.join()
    (place / "feedbot.toml").write_text(CONFIG)
    assert feedbot("run", cwd=place).code == 0
    assert len((place / "log.jsonl").read_text().splitlines()) == 1


def test_a_reader_that_closes_early_gets_no_traceback(place: Path) -> None:
    command = f"{sys.executable} -m feedbot entry list | head -c 1; exit ${{PIPESTATUS[0]}}"
    feedbot("run", cwd=place)
    done = subprocess.run(["bash", "-c", command], cwd=place, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, 128 + signal.SIGPIPE)


def test_the_queue_is_listed_tried_again_and_dropped(place: Path, web: WebServer) -> None:
    hook = f'\n[sinks.hook]\ntype = "webhook"\nurl = "{web.url("/hook")}"\nallow_private = ["{web.address}"]\n'
    (place / "feedbot.toml").write_text(CONFIG + hook)
    web.answers["/hook"] = Answer(500)
    feedbot("run", cwd=place)

    (waiting,) = feedbot("queue", "list", "--json", cwd=place).json["deliveries"]
    assert (waiting["sink"], waiting["state"], waiting["attempts"]) == ("hook", "pending", 1)
    assert "500" in waiting["error"]
    assert "First" in feedbot("queue", "list", cwd=place).out

    web.answers["/hook"] = Answer(204)
    assert feedbot("queue", "retry", str(waiting["number"]), cwd=place).code == 0
    assert feedbot("run", "--json", cwd=place).json["deliveries"]["hook"]["sent"] == 1
    keys = {asked.headers["webhook-id"] for asked in web.asked}
    assert keys == {waiting["key"]}
    assert len(web.asked) == 2

    assert feedbot("queue", "drop", cwd=place).code == 2
    assert "nothing is waiting" in feedbot("queue", "list", cwd=place).out


def test_what_the_queue_does_not_know_is_a_usage_error(place: Path) -> None:
    feedbot("run", "--no-notify", cwd=place)

    for command in ("list", "retry", "drop"):
        ran = feedbot("queue", command, "--sink", "lgo", cwd=place)
        assert (ran.code, ran.out) == (2, "")
        assert 'there is no sink named "lgo"' in ran.err
        assert 'did you mean "log"?' in ran.err
    ran = feedbot("queue", "retry", "99999", cwd=place)
    assert ran.code == 2
    assert "there is no delivery 99999" in ran.err

    (place / "feedbot.toml").write_text(CONFIG.replace("sinks.log", "sinks.other"))
    assert feedbot("queue", "list", "--sink", "log", cwd=place).code == 0


def test_without_notifying_deliveries_are_left_in_the_outbox(place: Path) -> None:
    ran = feedbot("run", "--no-notify", cwd=place)
    assert "  1 left in the outbox for a later run: 1 → log" in ran.out
    assert "NEW" not in ran.out
    assert "at the next run, 0 tries" in feedbot("queue", "list", cwd=place).out
    assert "sent 1 → log" in feedbot("run", cwd=place).out
    assert "sent, 1 try\n" in feedbot("queue", "list", "--state", "sent", cwd=place).out


@pytest.mark.parametrize(
    ("options", "config", "why"),
    [
        (("--mark-seen",), CONFIG, "1 new; none announced (--mark-seen)"),
        ((), CONFIG.replace('"all"', "0"), "1 new; none announced (backfill)"),
        ((), CONFIG.partition("[sinks.log]")[0], "1 new; none announced (no sink)"),
        ((), CONFIG + '\n[[routes]]\non = ["updated"]\n', "1 new; none announced (no route)"),
        ((), CONFIG + "\n[[routes]]\nfilter = \"title == 'Second'\"\n", "1 new; none announced (filter)"),
    ],
)
def test_a_run_says_why_it_announces_nothing(place: Path, options: tuple[str, ...], config: str, why: str) -> None:
    (place / "feedbot.toml").write_text(config)
    assert why in feedbot("run", *options, cwd=place).out


def test_a_long_error_is_shown_whole_and_a_long_list_of_files_is_not(place: Path) -> None:
    feeds = "".join(f"\n[feeds.f{number}]\n" for number in range(4))
    lost = f'\n[sources.lost]\ntype = "posts"\npath = "{"somewhere/" * 8}"\n'
    (place / "feedbot.toml").write_text(CONFIG + feeds + lost)

    lines = feedbot("run", cwd=place).out.splitlines()

    [whole] = [line for line in lines if ("somewhere/" * 8).rstrip("/") in line]
    assert lines[lines.index(whole) - 1].lstrip().startswith("✗ lost")
    [wrote] = [line for line in lines if line.startswith("  wrote")]
    assert wrote.count("(1)") == 8
    assert wrote.endswith(", … 7 more")


def test_verbose_tells_of_each_source_feed_and_sink(place: Path) -> None:
    err = feedbot("run", "-vv", cwd=place).err
    assert "DEBUG source blog: ok in 0." in err
    assert "DEBUG feed all: 1 entry, wrote all.atom, all.rss, all.json" in err
    assert "DEBUG sink log: 1 sent" in err


def test_what_a_person_must_know_is_told_in_quiet_too() -> None:
    from feedbot.cli.runreport import needs_a_person
    from feedbot.engine.report import RunReport, SinkReport, SourceReport

    report = RunReport(
        sources={"blog": SourceReport(name="blog", alert="it is well again")},
        sinks={"log": SinkReport(name="log", failed=1, dead=1)},
    )
    assert list(needs_a_person(report)) == [
        "blog: it is well again",
        "log: 1 delivery is dead; see feedbot queue list",
    ]


def test_a_current_folder_that_is_gone_is_no_hindrance(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    gone = tmp_path_factory.mktemp("gone")
    command = f'rmdir "{gone}"; exec "{sys.executable}" -m feedbot -c "{place}/feedbot.toml" run'
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1"}
    done = subprocess.run(["bash", "-c", command], cwd=gone, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "sent 1 → log" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="takes a right of the superuser away as Linux does")
def test_a_state_that_may_only_be_read_can_be_looked_at(place: Path) -> None:
    feedbot("run", cwd=place)
    state = place / "state"
    before = {path.name: path.stat().st_mtime_ns for path in state.iterdir()}
    (state / "feedbot.db").chmod(0o444)
    state.chmod(0o555)
    try:
        assert "blog" in as_reader("status", cwd=place)
        assert "First" in as_reader("entry", "list", cwd=place)
        assert "First" in as_reader("queue", "list", "--state", "sent", cwd=place)
        assert {path.name: path.stat().st_mtime_ns for path in state.iterdir()} == before
        assert "cannot be written" in as_reader("queue", "drop", "--all", cwd=place)
    finally:
        state.chmod(0o755)


@pytest.mark.skipif(sys.platform != "linux", reason="takes a right of the superuser away as Linux does")
def test_who_may_only_read_sees_what_another_has_just_written(place: Path) -> None:
    feedbot("run", cwd=place)
    state = place / "state"
    with contextlib.closing(sqlite3.connect(state / "feedbot.db")) as writer:
        writer.execute("UPDATE outbox SET attempts = 7")
        writer.commit()
        (state / "feedbot.db").chmod(0o444)
        state.chmod(0o555)
        try:
            assert "sent, 7 tries" in as_reader("queue", "list", "--state", "sent", cwd=place)
        finally:
            state.chmod(0o755)


def as_reader(*arguments: str, cwd: Path) -> str:
    """What feedbot prints for a user whom the rights of files bind."""
    ran = feedbot(*arguments, cwd=cwd, first=bound)
    return ran.out + ran.err


def test_held_entries_are_released_or_absorbed(place: Path) -> None:
    feedbot("run", cwd=place)
    (place / "feedbot.toml").write_text(CONFIG.replace("[feedbot]", "[feedbot]\nflood_limit = 1"))
    for slug in ("second", "third"):
        write_post(place, slug, slug)
    assert feedbot("run", "--json", cwd=place).json["sources"]["blog"]["status"] == "held"
    assert feedbot("queue", "release", "--all", cwd=place).out == "2 will go out at the next run\n"
    assert feedbot("run", "--json", cwd=place).json["deliveries"]["log"]["sent"] == 2


def test_secrets_are_shown_nowhere(place: Path, web: WebServer) -> None:
    hook = f'\n[sinks.hook]\ntype = "webhook"\nurl = "{web.url("/hook")}/tok3n-in-path"\nsecret = "${{HOOK_SECRET}}"\n'
    (place / "feedbot.toml").write_text(CONFIG + hook)
    env = {"HOOK_SECRET": "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"}
    for arguments in (("config", "show"), ("config", "show", "--json"), ("run", "-v"), ("queue", "list"), ("check",)):
        ran = feedbot(*arguments, cwd=place, env=env)
        assert "c2VjcmV0" not in ran.out + ran.err
        assert "tok3n" not in ran.out + ran.err


def test_config_path_show_and_schema(place: Path) -> None:
    assert str(place / "feedbot.toml") in feedbot("config", "path", cwd=place).out
    assert 'site = "https://blog.example"' in feedbot("config", "show", cwd=place).out
    schema = json.loads(feedbot("config", "schema", cwd=place).out)
    assert "sources" in schema["properties"]


def test_a_progress_bar_shows_on_a_terminal_when_a_run_takes_long(place: Path, web: WebServer) -> None:
    import pty

    def slow(asked: object) -> Answer:
        time.sleep(0.8)
        return Answer(200, b"<rss version='2.0'><channel><title>t</title></channel></rss>")

    sources = ""
    for number in range(4):
        web.answers[f"/{number}"] = slow
        sources += f'\n[sources.s{number}]\ntype = "feed"\nurl = "{web.url(f"/{number}")}"\n'
    (place / "feedbot.toml").write_text(
        CONFIG.replace("[feedbot]", f'[feedbot]\nper_host = 1\nallow_private = ["{web.address}"]') + sources
    )
    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm", "COLUMNS": "100"}
    process = started("run", cwd=place, env=environment, out=place / "out", err=Path(os.ttyname(theirs)))
    process.join(30)
    assert process.exitcode == 0
    shown = os.read(ours, 65536)
    os.close(theirs)
    os.close(ours)
    assert b"polling" in shown
