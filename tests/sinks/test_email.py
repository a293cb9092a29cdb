from __future__ import annotations

import mailbox
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from feedbot.errors import DeliveryError
from feedbot.sinks.email import EmailSink
from feedbot.sinks.smtp import Server
from tests.sinks.builders import NOW, context, delivery, digest
from tests.support.smtp import SmtpServer, smtp_server

ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@example.org"


def sink(folder: Path, server: SmtpServer | None = None, **values: object) -> EmailSink:
    base: dict[str, object] = {"type": "email", "from": "Feeds <feedbot@example.org>", "to": [ADA]}
    if server is not None:
        base |= {"host": "127.0.0.1", "port": server.port, "tls": "none", "timeout": "5s"}
    return EmailSink(EmailSink.Settings.model_validate(base | values), context(folder))


def failure(to: EmailSink, **values: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        to.send(delivery(**values), NOW)
    assert "hush" not in str(caught.value)
    return caught.value


@pytest.fixture(params=[False, True], ids=["in turn", "pipelined"])
def smtp(request: pytest.FixtureRequest) -> Iterator[SmtpServer]:
    with smtp_server() as server:
        server.pipelining = request.param
        yield server


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return "ca.pem"


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(made)
    return made


# Over SMTP


def test_no_password_is_shown_with_a_server() -> None:
    assert "hush" not in repr(Server(host="mail.example.org", port=587, tls="starttls", password="hush"))


def test_a_mail_arrives_with_both_parts_for_all_recipients(smtp: SmtpServer, tmp_path: Path) -> None:
    to = sink(tmp_path, smtp, to=[ADA, f"Bob B <{BOB}>"])
    to.send(delivery("k1", title="Grüße"), NOW)
    to.close()
    (got,) = smtp.received
    assert (got.sender, got.recipients) == ("feedbot@example.org", [ADA, BOB])
    message = got.message
    assert message["Subject"] == "[planet] Grüße"
    assert message["To"] == f"{ADA}, Bob B <{BOB}>"
    assert message["Message-ID"] == "<k1@example.org>"
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_many_mails_go_over_one_connection(smtp: SmtpServer, tmp_path: Path) -> None:
    to = sink(tmp_path, smtp)
    for number in range(5):
        to.send(delivery(str(number)), NOW)
    to.close()
    assert (len(smtp.received), smtp.connections) == (5, 1)


def test_after_a_failure_the_next_mail_goes_over_a_new_connection(smtp: SmtpServer, tmp_path: Path) -> None:
    to = sink(tmp_path, smtp)
    to.send(delivery("1"), NOW)
    smtp.drop = "mail"
    assert failure(to).sink_down
    smtp.drop = ""
    to.send(delivery("2"), NOW)
    assert [got.message["Message-ID"] for got in smtp.received] == ["<1@example.org>", "<2@example.org>"]


def test_an_idle_connection_that_was_cut_costs_no_delivery(tmp_path: Path) -> None:
    with smtp_server() as server:
        to = sink(tmp_path, server)
        to.send(delivery("1"), NOW)
        server.drop_once = True
        to.send(delivery("2"), NOW)
        assert (len(server.received), server.connections) == (2, 2)


def test_a_refused_recipient_does_not_cost_the_others_a_mail_nor_bring_them_two(
    smtp: SmtpServer, tmp_path: Path
) -> None:
    smtp.answers[BOB] = "450 mailbox busy"
    to = sink(tmp_path, smtp, to=[ADA, BOB, EVE])
    error = failure(to)
    assert error.delivered == {ADA, EVE}
    assert (error.permanent, error.sink_down) == (False, False)
    assert f"{BOB} (450 mailbox busy)" in error.message
    smtp.answers.clear()
    to.send(delivery(delivered=tuple(error.delivered)), NOW)
    assert [got.recipients for got in smtp.received] == [[ADA, EVE], [BOB]]
    assert smtp.received[0].data == smtp.received[1].data


def test_who_has_it_already_gets_it_no_more(smtp: SmtpServer, tmp_path: Path) -> None:
    sink(tmp_path, smtp).send(delivery(delivered=(ADA,)), NOW)
    assert smtp.connections == 0


@pytest.mark.parametrize("where", [ADA, "data", "feedbot@example.org"])
def test_a_5xx_ends_it_and_a_4xx_does_not(smtp: SmtpServer, tmp_path: Path, where: str) -> None:
    to = sink(tmp_path, smtp)
    smtp.answers[where] = "550 no thanks"
    error = failure(to)
    assert (error.permanent, error.sink_down, error.delivered) == (True, False, frozenset())
    assert "550 no thanks" in error.message
    smtp.answers[where] = "451 later"
    assert not failure(to).permanent
    smtp.answers.clear()
    to.send(delivery(), NOW)
    assert len(smtp.received) == 1


def test_a_5xx_beside_a_4xx_leaves_hope(smtp: SmtpServer, tmp_path: Path) -> None:
    smtp.answers |= {ADA: "550 unknown", BOB: "450 busy"}
    error = failure(sink(tmp_path, smtp, to=[ADA, BOB]))
    assert (error.permanent, error.delivered) == (False, frozenset())


def test_earlier_receivers_are_named_again_when_the_rest_is_refused(smtp: SmtpServer, tmp_path: Path) -> None:
    smtp.answers[BOB] = "550 unknown"
    error = failure(sink(tmp_path, smtp, to=[ADA, BOB]), delivered=(ADA,))
    assert (error.permanent, error.delivered) == (True, frozenset({ADA}))


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_connection_that_breaks_is_a_sink_that_is_down(smtp: SmtpServer, tmp_path: Path, stage: str) -> None:
    smtp.drop = stage
    error = failure(sink(tmp_path, smtp))
    assert (error.sink_down, error.permanent, error.delivered) == (True, False, frozenset())
    assert "closed the connection" in error.message


@pytest.mark.parametrize("stage", ["mail", "data"])
def test_a_server_that_says_nothing_any_more_is_left_in_time(smtp: SmtpServer, tmp_path: Path, stage: str) -> None:
    smtp.hang = stage
    started = time.monotonic()
    error = failure(sink(tmp_path, smtp, timeout="0.3s"))
    assert time.monotonic() - started < 2
    assert error.sink_down
    assert "no answer within 0.3 s" in error.message


def test_a_server_that_takes_commands_at_once_is_asked_once_for_all_recipients(tmp_path: Path) -> None:
    with smtp_server() as server:
        server.pipelining = True
        to = sink(tmp_path, server, to=[ADA, BOB])
        to.send(delivery("first"), NOW)
        to.send(delivery("second"), NOW)
        to.close()
    assert [mail.recipients for mail in server.received] == [[ADA, BOB], [ADA, BOB]]
    assert [ahead.count(b"\r\n") for ahead in server.ahead] == [3, 3]
    assert server.ahead[0].endswith(b"DATA\r\n")
    assert server.connections == 1


def test_hundreds_of_recipients_are_not_asked_for_in_one_breath(tmp_path: Path) -> None:
    many = [f"reader{number}@example.org" for number in range(120)]
    with smtp_server() as server:
        server.pipelining = True
        server.answers = {many[7]: "550 no", many[77]: "450 later"}
        error = failure(sink(tmp_path, server, to=many))
    assert error.delivered == set(many) - {many[7], many[77]}
    assert [mail.recipients for mail in server.received] == [[one for one in many if one not in (many[7], many[77])]]
    assert server.ahead[0].count(b"\r\n") < 60


def test_more_recipients_than_a_server_takes_at_once_get_a_mail_each_without_a_wait(
    smtp: SmtpServer, tmp_path: Path
) -> None:
    many = [f"reader{number}@example.org" for number in range(7)]
    smtp.room = 3
    to = sink(tmp_path, smtp, to=many)
    to.send(delivery(), NOW)
    assert [mail.recipients for mail in smtp.received] == [many[:3], many[3:6], many[6:]]
    smtp.answers[many[1]] = "450 later"
    assert failure(to).delivered == {one for one in many if one != many[1]}
    smtp.room = 0
    assert failure(to).delivered == frozenset()


@contextmanager
def scripted(*answers: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Greets, then gives one answer for each read; what was read is noted."""
    listening = socket.create_server(("127.0.0.1", 0))
    read: list[bytes] = []

    def talk() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"220 mail.example\r\n")
            for answer in answers:
                read.append(connection.recv(65536))
                connection.sendall(answer)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], read
    finally:
        listening.close()
        thread.join(5)


def test_a_mail_that_nobody_takes_is_empty_where_the_server_has_begun_to_read_it(tmp_path: Path) -> None:
    script = (b"250-hello\r\n250 PIPELINING\r\n", b"250 yes\r\n550 no\r\n354 go on\r\n", b"554 no\r\n", b"250 yes\r\n")
    with scripted(*script, b"221 bye\r\n") as (port, read):
        to = sink(tmp_path, SmtpServer(port=port))
        error = failure(to)
        to.close()
    assert error.permanent
    assert read[2:] == [b".\r\n", b"rset\r\n", b"quit\r\n"]


def test_any_code_of_a_yes_is_one(tmp_path: Path) -> None:
    script = (b"250 hello\r\n", b"259 yes\r\n", b"252 it will be tried\r\n", b"354 go on\r\n", b"200 yes\r\n")
    with scripted(*script) as (port, read):
        sink(tmp_path, SmtpServer(port=port)).send(delivery(), NOW)
    assert len(read) == len(script)


def test_a_yes_to_what_was_not_sent_is_none(tmp_path: Path) -> None:
    yes = b"250 yes\r\n"
    with scripted(yes, yes, yes, yes, yes) as (port, _):  # to EHLO, MAIL, RCPT, DATA, RSET
        error = failure(sink(tmp_path, SmtpServer(port=port)))
    assert (error.permanent, error.delivered) == (False, frozenset())


def test_an_answer_that_is_cut_off_is_none(tmp_path: Path) -> None:
    with scripted(b"250 hello\r\n", b"250 yes\r\n", b"250 yes\r\n", b"354 go on\r\n", b"25") as (port, _):
        error = failure(sink(tmp_path, SmtpServer(port=port)))
    assert error.sink_down
    assert "closed the connection" in error.message


@contextmanager
def talker(greeting: bytes, pause: float) -> Iterator[int]:
    """Says its bytes one at a time, for ever."""
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def talk() -> None:
        connection, _ = listening.accept()
        with connection:
            try:
                while not stop.is_set():
                    for byte in greeting:
                        connection.sendall(bytes([byte]))
                        stop.wait(pause)
            except OSError:
                return

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        stop.set()
        listening.close()
        thread.join(5)


def test_a_server_that_trickles_is_cut_off(tmp_path: Path) -> None:
    with talker(b"220-wait\r\n", 0.02) as port:
        started = time.monotonic()
        error = failure(sink(tmp_path, SmtpServer(port=port), timeout="0.5s"))
    assert time.monotonic() - started < 3
    assert error.sink_down
    assert "took more than 1 s" in error.message


def test_what_does_not_speak_smtp_is_told_so(tmp_path: Path) -> None:
    with talker(b"HTTP/1.1 400 Bad Request\r\n", 0) as port:
        error = failure(sink(tmp_path, SmtpServer(port=port), timeout="1s"))
    assert error.sink_down
    assert str(port) in error.message


def test_a_server_that_is_not_there_is_down(tmp_path: Path) -> None:
    with smtp_server() as server:
        pass
    error = failure(sink(tmp_path, server))
    assert error.sink_down
    assert "cannot be reached: connection refused" in error.message
    nowhere = failure(sink(tmp_path, host="mail.invalid", timeout="5s"))
    assert nowhere.sink_down
    assert "mail.invalid" in nowhere.message


# TLS and login


def test_starttls_is_the_default_and_checked(authority: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    with smtp_server("starttls", server_context(authority)) as server:
        to = sink(tmp_path, server, tls="starttls", ca_file=ca_file)
        to.send(delivery(), NOW)
        to.close()
        assert server.encrypted == [True]
        error = failure(sink(tmp_path, server, tls="starttls"))
        assert error.sink_down
        assert "certificate of 127.0.0.1 is not trusted" in error.message
        assert len(server.received) == 1
        sink(tmp_path, server, tls="starttls", verify_tls=False).send(delivery(), NOW)
        assert len(server.received) == 2


def test_tls_from_the_start_is_checked_too(authority: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    with smtp_server("tls", server_context(authority)) as server:
        to = sink(tmp_path, server, tls="tls", ca_file=ca_file, host="localhost")
        to.send(delivery("1"), NOW)
        to.send(delivery("2"), NOW)
        to.close()
        assert (len(server.received), server.encrypted) == (2, [True, True])
        assert "not trusted" in failure(sink(tmp_path, server, tls="tls")).message


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_for_another_name_is_refused(
    authority: trustme.CA, ca_file: str, tmp_path: Path, tls: str
) -> None:
    with smtp_server(tls, server_context(authority, "other.example")) as server:
        error = failure(sink(tmp_path, server, tls=tls, ca_file=ca_file))
        assert "not trusted" in error.message
        assert not server.received


def test_without_starttls_on_offer_nothing_is_sent(smtp: SmtpServer, tmp_path: Path) -> None:
    error = failure(sink(tmp_path, smtp, tls="starttls"))
    assert error.sink_down
    assert "offers no STARTTLS" in error.message
    assert not smtp.encrypted


def test_tls_to_a_port_that_does_not_speak_it_is_explained(smtp: SmtpServer, tmp_path: Path) -> None:
    error = failure(sink(tmp_path, smtp, tls="tls", timeout="1s"))
    assert error.sink_down
    assert str(smtp.port) in error.message


def test_a_login_goes_over_tls(authority: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    with smtp_server("starttls", server_context(authority), login=True) as server:
        values = {"tls": "starttls", "ca_file": ca_file, "username": "me"}
        sink(tmp_path, server, **values, password="right").send(delivery(), NOW)
        assert server.logins == [("me", "right")]
        error = failure(sink(tmp_path, server, **values, password="hush"))
        assert error.sink_down
        assert "refused the login (535)" in error.message
        assert len(server.received) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
def test_a_server_that_wants_a_login_says_so(tmp_path: Path) -> None:
    with smtp_server(login=True) as server:
        error = failure(sink(tmp_path, server))
        assert (error.sink_down, error.permanent) == (True, False)
        assert "wants a login" in error.message
        sink(tmp_path, server, username="me", password="right").send(delivery(), NOW)
        assert len(server.received) == 1


def test_a_server_without_login_says_so(smtp: SmtpServer, tmp_path: Path) -> None:
    error = failure(sink(tmp_path, smtp, username="me", password="hush"))
    assert error.sink_down
    assert "offers no login" in error.message


def test_a_ca_file_that_cannot_be_used_is_named(smtp: SmtpServer, tmp_path: Path) -> None:
    assert "ca.pem cannot be read" in failure(sink(tmp_path, smtp, tls="starttls", ca_file="ca.pem")).message
    (tmp_path / "ca.pem").write_text("nothing")
    assert "holds no certificates" in failure(sink(tmp_path, smtp, tls="starttls", ca_file="ca.pem")).message


# Maildir


def test_a_maildir_gets_each_mail_once(tmp_path: Path) -> None:
    to = sink(tmp_path, transport="maildir", path="mail")
    to.send(delivery("k1", title="Grüße"), NOW)
    to.send(delivery("k2"), NOW)
    sink(tmp_path, transport="maildir", path="mail").send(delivery("k1", title="Grüße"), NOW)
    box = mailbox.Maildir(tmp_path / "mail", create=False)
    assert sorted(message["Message-ID"] for message in box) == ["<k1@example.org>", "<k2@example.org>"]
    assert not list((tmp_path / "mail/tmp").iterdir())
    (path, _) = sorted((tmp_path / "mail/new").iterdir())
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"\r" not in path.read_bytes()


def test_a_mail_that_was_read_meanwhile_is_not_put_again(tmp_path: Path) -> None:
    to = sink(tmp_path, transport="maildir", path="mail")
    to.send(delivery("k1"), NOW)
    box = mailbox.Maildir(tmp_path / "mail", create=False)
    ((key, message),) = box.items()
    message.set_subdir("cur")
    message.set_flags("S")
    box[key] = message
    to.send(delivery("k1"), NOW)
    assert len(mailbox.Maildir(tmp_path / "mail", create=False)) == 1


def test_what_a_crash_left_in_tmp_is_written_anew(tmp_path: Path) -> None:
    to = sink(tmp_path, transport="maildir", path="mail")
    to.send(delivery("k1"), NOW)
    (path,) = (tmp_path / "mail/new").iterdir()
    (tmp_path / "mail/tmp" / path.name).write_bytes(b"half")
    data = path.read_bytes()
    path.unlink()
    to.send(delivery("k1"), NOW)
    assert path.read_bytes() == data
    assert not list((tmp_path / "mail/tmp").iterdir())


def test_a_maildir_that_cannot_be_written_is_a_sink_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    error = failure(sink(tmp_path, transport="maildir", path="mail"))
    assert error.sink_down
    assert "Maildir mail cannot be written" in error.message


def test_a_maildir_needs_no_addresses(tmp_path: Path) -> None:
    settings = EmailSink.Settings.model_validate({"type": "email", "transport": "maildir", "path": "mail"})
    EmailSink(settings, context(tmp_path)).send(delivery(), NOW)
    (message,) = mailbox.Maildir(tmp_path / "mail", create=False)
    assert message["To"].endswith("<feedbot@localhost>")


# sendmail


def program(folder: Path, script: str) -> str:
    path = folder / "sendmail"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return "sendmail"


def test_sendmail_gets_the_mail_and_the_addresses_as_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDBOT_SECRET", "hush")
    path = program(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/args; env > {tmp_path}/env; cat > {tmp_path}/mail')
    sink(tmp_path, transport="sendmail", path=path, to=[ADA, f"Bob <{BOB}>"]).send(delivery("k1"), NOW)
    assert (tmp_path / "args").read_text().split() == ["-i", "-f", "feedbot@example.org", "--", ADA, BOB]
    mail = (tmp_path / "mail").read_bytes()
    assert b"\nMessage-ID: <k1@example.org>\n" in mail
    assert b"\r" not in mail
    assert "hush" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize(
    ("code", "refused", "down"),
    [(75, False, False), (67, True, False), (65, True, False), (69, False, True), (1, False, True)],
)
def test_the_exit_code_of_sendmail_says_what_comes_next(tmp_path: Path, code: int, refused: bool, down: bool) -> None:
    path = program(tmp_path, f"cat > /dev/null; echo first >&2; echo 'no such thing' >&2; exit {code}")
    error = failure(sink(tmp_path, transport="sendmail", path=path))
    assert (error.refused, error.sink_down, error.permanent) == (refused, down, False)
    assert f"code {code}" in error.message
    assert "no such thing" in error.message
    assert "first" not in error.message


def test_a_sendmail_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    path = program(tmp_path, "sleep 30 & sleep 30")
    started = time.monotonic()
    error = failure(sink(tmp_path, transport="sendmail", path=path, timeout="0.3s"), content="x" * 200_000)
    assert time.monotonic() - started < 3
    assert error.sink_down
    assert "did not end within 0.3 s" in error.message


def test_a_sendmail_that_reads_nothing_does_no_harm(tmp_path: Path) -> None:
    path = program(tmp_path, "exit 75")
    assert not failure(sink(tmp_path, transport="sendmail", path=path), content="x" * 900_000).sink_down


def test_a_sendmail_that_is_not_there_is_a_sink_that_is_down(tmp_path: Path) -> None:
    error = failure(sink(tmp_path, transport="sendmail", path="no/such/program"))
    assert error.sink_down
    assert "cannot be started: no such file" in error.message


# Settings


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"host": ""}, "host is missing"),
        ({"from": None}, "from is missing"),
        ({"to": []}, "to is missing"),
        ({"to": ["me"]}, "no mail address"),
        ({"from": "me@"}, "no mail address"),
        ({"username": "me"}, "need each other"),
        ({"password": "hush"}, "need each other"),
        ({"tls": "none", "username": "me", "password": "hush"}, "for all to read"),
        ({"path": "x"}, "path: of no use"),
        ({"transport": "maildir"}, "path is missing"),
        ({"transport": "sendmail", "port": 25}, "host, port: of no use"),
        ({"host": "smtp.example.org:25/x"}, "no name of a server"),
        ({"port": 0}, "greater than"),
        ({"timeout": "5m"}, "less than"),
        ({"tls": "ssl"}, "starttls"),
        ({"subjekt": "x"}, "not permitted"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_sentence(values: dict[str, object], says: str) -> None:
    base = {"type": "email", "host": "smtp.example.org", "from": "f@example.org", "to": [ADA]}
    with pytest.raises(ValidationError, match=says) as caught:
        EmailSink.Settings.model_validate(base | values)
    assert "hush" not in " ".join(problem["msg"] for problem in caught.value.errors())


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ValidationError, match=r"from is missing.*to is missing.*host is missing"):
        EmailSink.Settings.model_validate({"type": "email"})


def test_a_password_without_tls_may_stay_on_this_machine() -> None:
    for host in ("localhost", "127.0.0.1", "::1"):
        values = {"host": host, "tls": "none", "username": "me", "password": "x", "from": "f@a.org", "to": ADA}
        assert EmailSink.Settings.model_validate({"type": "email", **values}).to == (ADA,)


# Over LMTP


def lmtp_sink(folder: Path, server: SmtpServer | None = None, **values: object) -> EmailSink:
    base: dict[str, object] = {"type": "email", "transport": "lmtp", "from": "feedbot@example.org", "timeout": "5s"}
    base |= {"host": "127.0.0.1", "port": server.port} if server else {}
    return EmailSink(EmailSink.Settings.model_validate(base | {"to": [ADA, BOB, EVE]} | values), context(folder))


def test_lmtp_hears_of_each_recipient(tmp_path: Path) -> None:
    with smtp_server(lmtp="") as server:
        to = lmtp_sink(tmp_path, server)
        server.answers = {f"data:{BOB}": "452 4.2.2 full", EVE: "550 nobody"}
        error = failure(to)
        assert error.delivered == {ADA}
        assert not error.permanent
        server.answers = {}
        to.send(delivery("second"), NOW)
        to.close()
        assert server.received[-1].recipients == [ADA, BOB, EVE]
        assert server.connections == 1


def test_lmtp_goes_through_a_socket_beside_the_configuration(tmp_path: Path) -> None:
    with smtp_server(lmtp=str(tmp_path / "lmtp.sock")) as server:
        to = lmtp_sink(tmp_path, path="lmtp.sock")
        to.send(delivery(), NOW)
        to.close()
        assert server.received[0].recipients == [ADA, BOB, EVE]


def test_a_socket_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert failure(lmtp_sink(tmp_path, path="none.sock")).sink_down


# Options of mails


def test_mails_come_back_to_the_envelope_sender(smtp: SmtpServer, tmp_path: Path) -> None:
    to = sink(tmp_path, smtp, envelope_from="bounces@example.org")
    to.send(delivery(), NOW)
    to.close()
    assert smtp.received[0].sender == "bounces@example.org"
    assert smtp.received[0].message["From"] == "Feeds <feedbot@example.org>"


def test_readers_can_leave_and_the_subject_is_their_own(smtp: SmtpServer, tmp_path: Path) -> None:
    keys = {"unsubscribe": "https://example.org/leave?me", "subject": "{{ title|upper }}\r\nBcc: x ({{ source }})"}
    to = sink(tmp_path, smtp, **keys)
    to.send(delivery(), NOW)
    to.close()
    message = smtp.received[0].message
    assert message["Subject"] == "WELCOME Bcc: x (planet)"
    assert message["Bcc"] is None
    assert message["List-Unsubscribe"] == "<https://example.org/leave?me>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_leaving_by_mail_takes_no_post(smtp: SmtpServer, tmp_path: Path) -> None:
    to = sink(tmp_path, smtp, unsubscribe="mailto:leave@example.org")
    to.send(delivery(), NOW)
    to.close()
    assert smtp.received[0].message["List-Unsubscribe"] == "<mailto:leave@example.org>"
    assert smtp.received[0].message["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"unsubscribe": "http://example.org/"},
        {"unsubscribe": "https://example.org/>\r\nBcc: x"},
        {"subject": "{{ title"},
        {"transport": "lmtp"},
        {"transport": "lmtp", "host": "a", "path": "b"},
    ],
)
def test_options_that_cannot_work_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    host = {} if "transport" in wrong else {"host": "mail.example.org"}
    with pytest.raises(ValidationError):
        sink(tmp_path, None, **{**host, **wrong})


def test_an_update_answers_the_first_mail_unless_it_may_not(smtp: SmtpServer, tmp_path: Path) -> None:
    for threaded in (True, False):
        to = sink(tmp_path, smtp, reply_changes=threaded)
        to.send(delivery("second", change="updated", first_key="first"), NOW)
        to.close()
    answering, alone = (got.message for got in smtp.received)
    assert (answering["In-Reply-To"], answering["References"]) == ("<first@example.org>",) * 2
    assert alone["In-Reply-To"] is None


def test_who_has_a_digest_gets_it_no_second_time(smtp: SmtpServer, tmp_path: Path) -> None:
    to = sink(tmp_path, smtp, to=[ADA, BOB])
    to.send_digest(digest(delivery("a", delivered=(ADA,)), delivery("b", delivered=(ADA,))), NOW)
    to.send_digest(digest(delivery("a", delivered=(ADA, BOB))), NOW)
    to.close()
    assert [got.recipients for got in smtp.received] == [[BOB]]
