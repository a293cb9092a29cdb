"""feedbot template: own texts around entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import feedbot

CONFIG = """
[sources.blog]
type = "feed"
path = "blog.xml"
[sinks.readers]
type = "email"
transport = "maildir"
path = "mails"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feedbot.toml").write_text(CONFIG)
    return tmp_path


def test_templates_are_listed_with_the_files_in_their_place(folder: Path) -> None:
    assert feedbot("template", "export", "mail.txt", "--to", "readers", cwd=folder).code == 0
    listed = {row["name"]: row["own"] for row in feedbot("template", "list", "--json", cwd=folder).json["templates"]}
    assert listed == {
        "mail.txt": ["templates/readers/mail.txt.j2"],
        "mail.html": [],
        "digest.txt": [],
        "digest.html": [],
        "chat.txt": [],
    }


def test_a_template_is_printed_or_written_but_never_over_another(folder: Path) -> None:
    printed = feedbot("template", "export", "mail.html", cwd=folder)
    assert '{% extends "page.html.j2" %}' in printed.out
    assert (
        "wrote templates/email/mail.html.j2"
        in feedbot("template", "export", "mail.html", "--to", "email", cwd=folder).out
    )
    again = feedbot("template", "export", "mail.html", "--to", "email", cwd=folder)
    assert again.code == 2
    assert "is there already" in again.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("mail.text",), 'there is no template named "mail.text"'),
        (("mail.txt", "--to", "raeders"), 'did you mean "readers"?'),
    ],
)
def test_what_there_is_not_is_refused_with_the_nearest(folder: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = feedbot("template", "export", *arguments, cwd=folder)
    assert done.code == 2
    assert sentence in done.err


def test_own_templates_are_tried(folder: Path) -> None:
    assert "there are no templates of your own" in feedbot("template", "test", cwd=folder).out
    own = folder / "templates" / "readers"
    own.mkdir(parents=True)
    (own / "mail.txt.j2").write_text("{{ title }}")
    (own / "digest.txt.j2").write_text("{% for entry in entries %}{{ entry.nothing.there }}{% endfor %}")

    done = feedbot("template", "test", cwd=folder)

    assert done.code == 2
    assert "templates/readers/mail.txt.j2: works" in done.out
    assert "templates/readers/digest.txt.j2: fails: " in done.out
    assert "1 of 2 templates fail" in done.err


def test_a_check_tells_where_templates_are_wrong(folder: Path) -> None:
    own = folder / "templates" / "readers"
    own.mkdir(parents=True)
    (own / "mail.txt.j2").write_text("{{ title }}\n{{ title.nothing.there }}")
    (own / "mail.html.j2").write_text("\n\n{{ title|shout }}")
    (own / "digest.txt.j2").write_text(
        "{{ enclosures }}{% for entry in entries %}{{ entry.enclosures[0].url }}{% endfor %}"
    )

    (folder / "blog.xml").touch()
    done = feedbot("check", cwd=folder)

    assert done.code == 2
    assert "templates/readers/mail.txt.j2:2: the template fails: " in done.err
    assert "templates/readers/mail.html.j2:3: the template is no template: No filter named 'shout'" in done.err
    assert "digest.txt" not in done.err


def test_a_failing_template_costs_no_mail_and_is_told(folder: Path) -> None:
    own = folder / "templates" / "email"
    own.mkdir(parents=True)
    (own / "mail.txt.j2").write_text("{{ 1 / 0 }}")

    done = feedbot("sink", "test", "readers", cwd=folder)

    assert done.code == 0
    assert len(list((folder / "mails" / "new").iterdir())) == 1
    assert "mail.txt.j2 fails: line 1: ZeroDivisionError" in done.err
    assert "the shipped one was used" in done.err
