"""Mails as a real Exim takes them, where one is installed; it runs as an ordinary process, on a port of its own."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from feedbot.errors import DeliveryError
from feedbot.sinks.email import EmailSink
from tests.sinks.builders import NOW, context, delivery
from tests.support.mqtt import free_port
from tests.support.program import serving

_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/usr/exim/bin"
EXIM = next(filter(None, (shutil.which(name, path=_PLACES) for name in ("exim4", "exim"))), None)
if EXIM is None:
    pytest.skip("no exim4 is installed (Debian: exim4-daemon-light)", allow_module_level=True)

ADA, BOB, GONE, BUSY = "ada@example.org", "bob@example.org", "gone@example.org", "busy@example.org"

# One user for all that it does, so that no step asks for root; all mails go into one Maildir.
CONFIG = """
primary_hostname = mail.example.org
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
log_selector = +pipelining +smtp_connection
pid_file_path =
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
exim_user = {user}
exim_group = {group}
deliver_drop_privilege
keep_environment =
host_lookup =
tls_advertise_hosts =
rfc1413_query_timeout = 0s
acl_smtp_rcpt = recipient
acl_smtp_data = accept

begin acl
recipient:
  deny    recipients = gone@example.org
          message = no such reader
  defer   recipients = busy@example.org
          message = come back later
  accept  domains = example.org
  deny    message = no relaying

begin routers
readers:
  driver = accept
  transport = box

begin transports
box:
  driver = appendfile
  maildir_format
  directory = {folder}/mail
  batch_max = 100
  envelope_to_add
"""


@dataclass(frozen=True)
class Exim:
    folder: Path
    port: int

    @property
    def log(self) -> str:
        return (self.folder / "mainlog").read_text()

    def mail(self, key: str) -> EmailMessage:
        """The only mail about a delivery, which is waited for: Exim says yes before it has put it away."""
        end = time.monotonic() + 10
        while not (found := self.mails(key)):
            assert time.monotonic() < end, self.log
            time.sleep(0.02)
        (mail,) = found
        return mail

    def mails(self, key: str) -> list[EmailMessage]:
        parsed = [message_from_bytes(path.read_bytes(), policy=default) for path in self.folder.glob("mail/new/*")]
        return [mail for mail in parsed if mail["Message-ID"] == f"<{key}@example.org>"]


@pytest.fixture(scope="module")
def exim() -> Iterator[Exim]:
    assert EXIM is not None
    # Root may not receive mail; to others the folders of pytest are closed.
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    become: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="feedbot-exim-") as name:
        found = Exim(Path(name), free_port())
        config = found.folder / "exim.conf"
        config.write_text(CONFIG.format(folder=name, port=found.port, user=user.pw_uid, group=user.pw_gid))
        os.chown(name, user.pw_uid, user.pw_gid)
        config.chmod(0o644)
        with serving([EXIM, "-C", str(config), "-bdf"], found.port, found.folder / "said", **become):
            yield found


@pytest.fixture
def made(exim: Exim, tmp_path: Path) -> Iterator[Any]:
    """Makes a sink that mails to whom it is told."""
    made: list[EmailSink] = []

    def make(*to: str) -> EmailSink:
        settings = {"type": "email", "from": "Feeds <feedbot@example.org>", "to": to}
        server = {"host": "127.0.0.1", "port": exim.port, "tls": "none", "timeout": "5s"}
        made.append(EmailSink(EmailSink.Settings.model_validate(settings | server), context(tmp_path)))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


def test_a_mail_arrives_as_it_was_written(exim: Exim, made: Any) -> None:
    lines = ("Grüße", ".", "..two", "." * 2000)
    made(ADA, BOB).send(delivery("whole", title="Grüße", content="<br>".join(lines)), NOW)
    mail = exim.mail("whole")
    assert mail["Envelope-to"] == f"{ADA}, {BOB}"
    assert (mail["Subject"], mail["To"]) == ("[planet] Grüße", f"{ADA}, {BOB}")
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Grüße\n.\n..two\n" in text.get_content()
    assert "." * 2000 in html.get_content()


def test_each_recipient_has_an_answer_and_nobody_two_mails(exim: Exim, made: Any) -> None:
    to = made(ADA, GONE, BOB, BUSY)
    with pytest.raises(DeliveryError) as caught:
        to.send(delivery("some"), NOW)
    error = caught.value
    assert (error.delivered, error.permanent, error.sink_down) == (frozenset({ADA, BOB}), False, False)
    assert f"{GONE} (550 no such reader), {BUSY} (451 come back later)" in error.message
    assert exim.mail("some")["Envelope-to"] == f"{ADA}, {BOB}"
    with pytest.raises(DeliveryError) as caught:
        to.send(delivery("some", delivered=tuple(error.delivered)), NOW)
    assert caught.value.delivered == {ADA, BOB}
    assert len(exim.mails("some")) == 1


def test_a_mail_that_nobody_takes_does_not_cost_the_connection(exim: Exim, made: Any) -> None:
    before = exim.log.count("SMTP connection from")
    to = made(GONE)
    with pytest.raises(DeliveryError) as caught:
        to.send(delivery("never"), NOW)
    assert (caught.value.permanent, caught.value.delivered) == (True, frozenset())
    with pytest.raises(DeliveryError) as caught:
        to.send(delivery("never either"), NOW)
    assert caught.value.permanent
    assert exim.log.count("SMTP connection from") == before + 1


def test_commands_are_sent_ahead_only_as_the_server_allows(exim: Exim, made: Any) -> None:
    to = made(ADA, BOB)
    for key in ("first", "second"):
        to.send(delivery(key), NOW)
        exim.mail(key)
    arrived = [line for line in exim.log.splitlines() if re.search(r"id=(first|second)@", line)]
    assert len(arrived) == 2
    assert all(re.search(r" L\.? ", line) for line in arrived), arrived  # with "-": offered, and not made use of
    assert "synchronization" not in exim.log
