"""The command line as a person or a script meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.cli import Ran, feedbot
from tests.support.web import Answer, WebServer

HEAVY = {"feedparser", "feedgen", "lxml", "requests", "urllib3", "sqlalchemy", "pydantic", "jinja2", "rich", "alembic"}

CONFIG = """
[feedbot]
state = "state/feedbot.db"
output = "public"

[sources.blog]
type = "posts"
path = "blog"
preset = "keystatic"
site = "https://blog.example"
interval = "0s"
backfill = "all"

[feeds.all]

[sinks.log]
type = "file"
path = "log.jsonl"
"""


def write_post(folder: Path, slug: str, text: str = "hello", **front: str) -> Path:
    post = folder / "blog" / "content" / "posts" / slug / "index.md"
    post.parent.mkdir(parents=True, exist_ok=True)
    values = {"title": slug.title(), "publishDate": "2026-11-01", **front}
    lines = "".join(f"{key}: {value}\n" for key, value in values.items())
    post.write_text(f"---\n{lines}---\n{text}\n")
    return post


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a configuration and a blog of one post."""
    (tmp_path / "feedbot.toml").write_text(CONFIG)
    write_post(tmp_path, "first")
    return tmp_path


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
    assert feedbot("run", cwd=place).code == 0
    loaded = imported("run", "-q", cwd=place)
    assert not loaded & (HEAVY - {"pydantic", "sqlalchemy"}), loaded & HEAVY
    assert not loaded & {"markdown_it", "yaml", "smtplib", "standardwebhooks"}


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
    assert document["feeds"]["all"] == {"written": ["all.atom", "all.rss", "all.json"], "entries": 1, "error": None}
    sink = document["deliveries"]["log"]
    assert (sink["sent"], sink["pending"], sink["dead"]) == (1, 0, 0)

    status = feedbot("status", "--json", cwd=place).json
    assert status["sources"]["blog"]["state"] == "ok"
    assert status["sources"]["blog"]["entries"] == 1
    assert {"failures", "last_poll", "next_poll", "error"} <= status["sources"]["blog"].keys()
    assert status["sinks"]["log"] == {"pending": 0, "held": 0, "dead": 0, "sent": 1, "configured": True}

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


def test_check_says_that_all_is_well(place: Path) -> None:
    ran = feedbot("check", cwd=place)
    assert ran.code == 0
    assert "no problems (1 source, 1 feed, 1 sink, 1 route)" in ran.out


def test_an_unknown_source_or_option_is_code_2(place: Path) -> None:
    ran = feedbot("run", "blgo", cwd=place)
    assert ran.code == 2
    assert 'did you mean "blog"?' in ran.err
    assert feedbot("run", "--frce", cwd=place).code == 2
    assert feedbot("frobnicate", cwd=place).code == 2


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
    started = []

    def slow(handler: object) -> None:
        started.append(True)
        time.sleep(5)

    web.answers["/slow"] = Answer(raw=slow)
    source = f'\n[sources.slow]\ntype = "feed"\nurl = "{web.url("/slow")}"\nallow_private = ["{web.address}"]\n'
    (place / "feedbot.toml").write_text(CONFIG + source)
    first = subprocess.Popen([sys.executable, "-m", "feedbot", "run"], cwd=place, stdout=subprocess.DEVNULL)
    try:
        while not started:
            time.sleep(0.02)
        ran = feedbot("run", cwd=place)
        assert ran.code == 6
        assert "another feedbot works on" in ran.err
        begun = time.monotonic()
        first.send_signal(signal.SIGTERM)
        assert first.wait(10) == 128 + signal.SIGTERM
        assert time.monotonic() - begun < 3
    finally:
        first.kill()
        first.wait()
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
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-m", "feedbot", "run"], cwd=place, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        assert process.wait(30) == 0
    os.close(ours)
    assert b"polling" in shown
