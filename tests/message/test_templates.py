from __future__ import annotations

import time
from pathlib import Path

import pytest

from feedbot.message import mail, templates, values
from feedbot.message.chat import notice, teller
from feedbot.message.templates import NAMES, TemplateFailedError, Templates
from tests.sinks.builders import delivery, digest


def own(folder: Path, name: str, text: str, sink: str = "readers") -> Path:
    path = folder / "templates" / sink / f"{name}.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


class Told(list[str]):
    def templates(self, folder: Path) -> Templates:
        return Templates.of(folder, "readers", "email", self.append)


def test_an_own_template_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    own(tmp_path, "mail.txt", "{{ title }} by {{ author }}: {{ tags|join(', ') }}")
    told = Told()
    text = told.templates(tmp_path).render("mail.txt", values.of_change(delivery(tags=("a", "b"))))
    assert (text, told) == ("Welcome by Ada: a, b", [])


def test_that_of_a_sink_counts_before_that_of_its_type(tmp_path: Path) -> None:
    own(tmp_path, "mail.txt", "of the type", "email")
    assert Told().templates(tmp_path).render("mail.txt", values.of_change(delivery())) == "of the type"
    own(tmp_path, "mail.txt", "of the sink")
    assert Told().templates(tmp_path).render("mail.txt", values.of_change(delivery())) == "of the sink"


def test_a_part_of_the_shipped_one_can_be_replaced(tmp_path: Path) -> None:
    own(tmp_path, "mail.html", '{% extends "shipped/mail.html.j2" %}{% block footer %}Bye, {{ sink }}{% endblock %}')
    page = Told().templates(tmp_path).render("mail.html", values.of_change(delivery()))
    assert "Bye, readers" in page
    assert "<b>reader</b>" in page
    assert "feedbot tells" not in page


def test_text_of_a_feed_is_only_ever_data(tmp_path: Path) -> None:
    own(tmp_path, "mail.html", "<h1>{{ title }}</h1>")
    page = Told().templates(tmp_path).render("mail.html", values.of_change(delivery(title="{{ 7 * 7 }} <script>")))
    assert page == "<h1>{{ 7 * 7 }} &lt;script&gt;</h1>"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{% if %}", "line 1"),
        ("\n{{ title", "line 2"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ nothing.there }}", "'nothing' is undefined"),
        ("{{ title.__class__.__mro__ }}", "unsafe"),
        ("{% include '/etc/passwd' %}", "fails"),
        ("{% include '../../feedbot.toml' %}", "fails"),
        ("{% for a in range(99999) %}{{ html * 99999 }}{% endfor %}", "characters"),
        ("{{ 'x' * 10 ** 10 }}", "memory"),
    ],
)
def test_one_that_fails_is_told_and_the_shipped_one_used(tmp_path: Path, text: str, reason: str) -> None:
    path = own(tmp_path, "mail.txt", text)
    told = Told()
    shown = values.of_change(delivery())
    assert told.templates(tmp_path).render("mail.txt", shown) == Templates().render("mail.txt", shown)
    (problem,) = told
    assert problem.startswith(f"the template {path} ")
    assert reason in problem
    assert problem.endswith("; the shipped one was used")


def test_one_that_never_ends_is_ended_and_not_tried_for_each_entry_of_a_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "SECONDS", 1.0)
    own(tmp_path, "chat.txt", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")
    told = Told()
    begun = time.monotonic()
    tell = teller(told.templates(tmp_path))
    assert {tell(delivery()).title for _ in range(20)} == {"Welcome"}
    assert time.monotonic() - begun < 5
    (problem,) = told
    assert "did not end within 1 s" in problem


def test_a_mail_is_made_whatever_the_templates_do(tmp_path: Path) -> None:
    own(tmp_path, "mail.html", "{{ oh no }}")
    told = Told()
    letterhead = mail.Letterhead(templates=told.templates(tmp_path), subject="{{ title.oops.no }}")
    message = mail.build(delivery(), letterhead)
    assert message["Subject"] == "[planet] Welcome"
    assert len(told) == 2
    assert told[0].startswith("the template in subject fails: ")
    assert "mail.html.j2 is no template: line 1: " in told[1]


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    own(tmp_path, "mail.txt", "").write_bytes(b"\xff")
    told = Told()
    told.templates(tmp_path).render("mail.txt", values.of_change(delivery()))
    assert "it is no utf-8" in told[0]


@pytest.mark.parametrize("name", NAMES)
def test_each_shipped_template_works_when_it_is_exported(tmp_path: Path, name: str) -> None:
    shown = values.of_digest(digest(), bodies=1) if name.startswith("digest") else values.of_change(delivery())
    path = own(tmp_path, name, templates.shipped(name))
    assert templates.rendered(path, shown, (path.parent,)) == Templates().render(name, shown)


def test_the_shipped_line_of_chats_is_the_usual_title() -> None:
    for change in ("new", "updated", "withdrawn"):
        one = delivery(change=change)
        assert Templates().render("chat.txt", values.line(one)) == notice(one).title


def test_chats_show_the_line_of_an_own_template_in_one_line(tmp_path: Path) -> None:
    own(tmp_path, "chat.txt", "{{ source }}:\n{{ title }} ({{ date }})")
    told = Told()
    assert teller(told.templates(tmp_path))(delivery()).title == "planet: Welcome (20 Nov 2026)"
    own(tmp_path, "chat.txt", "{{ 1 / 0 }}")
    assert teller(told.templates(tmp_path))(delivery()).title == "Welcome"
    assert len(told) == 1


def test_a_text_is_checked_to_be_a_template() -> None:
    templates.check("{{ title }}")
    with pytest.raises(ValueError, match="line 1"):
        templates.check("{{ title")


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TemplateFailedError, match="cannot be read: no such file"):
        templates.rendered(tmp_path / "none.j2", {}, ())
