"""What newsboat, feed2exec and rss2email are set up to do, read."""

from __future__ import annotations

import json

import pytest

from feedbot.core.identity import digest
from feedbot.interchange import feed2exec, newsboat, rss2email
from feedbot.interchange.listing import ListingError

NEWSBOAT = r"""
# my feeds
https://a.example/feed tech "open source" "~A \"good\" blog"
https://b.example/rss "!" "~B" "!hidden"
"query:Unread:unread = \"yes\""
exec:~/bin/make-feed.sh tag
"filter:~/bin/strip.py:https://c.example/feed"
file:///home/me/feed.xml
https://d.example/ # off
"""


def test_newsboat_has_tags_and_titles_and_tells_what_is_no_feed() -> None:
    listing = newsboat.read(NEWSBOAT)
    assert [(one.url, one.title, one.settings) for one in listing.subscriptions] == [
        ("https://a.example/feed", 'A "good" blog', {"tags": ["tech", "open source"]}),
        ("https://b.example/rss", "B", {}),
        ("https://d.example/", "", {}),
    ]
    assert [one.where for one in listing.omitted] == ["line 5", "line 6", "line 7", "line 8"]
    assert [one.reason.split()[0] for one in listing.omitted[:3]] == ["query:", "exec:", "filter:"]


FEED2EXEC = """
[DEFAULT]
output = feed2exec.plugins.maildir
mailbox = '~/Maildir'

[NASA breaking news]
folder = nasa
url = https://www.nasa.example/rss
[Toots]
url = https://toots.example/feed
output = feed2exec.plugins.exec
args = toot post "{item.title} {item.link}"
filter = feed2exec.plugins.droptitle
pause = True
[Quiet]
url = https://quiet.example/feed
output = null
[Seen]
url = https://seen.example/feed
output = echo
[Nowhere]
folder = x
"""


def test_feed2exec_has_maildir_folders_and_tells_plugins_that_there_are_not() -> None:
    listing = feed2exec.read(FEED2EXEC)
    assert [(one.title, one.sink, one.settings) for one in listing.subscriptions] == [
        ("NASA breaking news", "maildir-nasa", {}),
        ("Toots", "", {"paused": True}),
        ("Quiet", "", {}),
        ("Seen", "terminal", {}),
    ]
    assert listing.sinks["maildir-nasa"] == {"type": "email", "transport": "maildir", "path": "~/Maildir/nasa"}
    assert [(one.where, one.reason.split(":")[0]) for one in listing.omitted] == [
        ("[Toots]", "output = exec"),
        ("[Toots]", "filter = droptitle"),
        ("[Nowhere]", "it has no address"),
    ]


RSS2EMAIL = """
[DEFAULT]
from = user@rss2email.invalid
to = me@example.org
email-protocol = smtp
smtp-server = smtp.example.org
smtp-port = 587
smtp-auth = True
smtp-username = me
smtp-password = s%3cret
digest = False
post-process =

[feed.eff]
url = https://www.eff.example/rss
[feed.team]
url = https://team.example/feed
to = a@example.org, B <b@example.org>
active = False
trust-link = True
reply-changes = True
[feed.old]
url = https://old.example/feed
email-protocol = imap
digest = True
[feed.none]
"""


def test_rss2email_has_a_sink_for_each_way_in_which_it_mails() -> None:
    listing = rss2email.read(RSS2EMAIL)
    assert [(one.title, one.sink, one.settings, one.on) for one in listing.subscriptions] == [
        ("eff", "me-example-org", {}, ("new",)),
        ("team", "a-example-org", {"paused": True, "identity": "link"}, ("new", "updated")),
        ("old", "", {}, ("new",)),
    ]
    assert listing.sinks["me-example-org"] == {
        "type": "email",
        "from": "user@rss2email.invalid",
        "to": ["me@example.org"],
        "host": "smtp.example.org",
        "tls": "starttls",
        "port": 587,
        "username": "me",
        "password_file": "rss2email-smtp-password",
    }
    assert listing.sinks["a-example-org"]["to"] == ["a@example.org", "B <b@example.org>"]
    assert listing.secrets == {"rss2email-smtp-password": "s%3cret"}
    assert [(one.where, one.reason.split(":")[0]) for one in listing.omitted] == [
        ("[feed.old]", "email-protocol = imap"),
        ("[feed.old]", "digest = True"),
        ("[feed.none]", "it has no address"),
    ]


@pytest.mark.parametrize("text", ["url = x", "[feed.a\nurl=x", "[feed.a]\n= x y"])
@pytest.mark.parametrize("read", [rss2email.read, feed2exec.read])
def test_a_broken_ini_file_is_refused_in_a_sentence(text: str, read: object) -> None:
    with pytest.raises(ListingError):
        read(text)  # type: ignore[operator]


def test_what_rss2email_has_mailed_is_known_by_id_link_and_the_end_of_an_id() -> None:
    data = {"version": 2, "feeds": [{"name": "eff", "seen": {"tag:x": {"hash": "1"}, "https://a.example/f/7": {}}}]}
    seen = rss2email.read_seen(json.dumps(data))["eff"]
    keys = rss2email.seen_keys(seen, "https://a.example/f/rss.xml")
    assert {
        digest("id:tag:x"),
        digest("id:https://a.example/f/7"),
        digest("id:7"),
        digest("link:a.example/f/7"),
    } <= keys
    assert (
        rss2email.seen_keys(frozenset({"0123456789abcdef0123456789abcdef01234567"}), "https://a.example/")
        == frozenset()
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"feeds": 3}', '{"feeds": [1]}', "[" * 100_000, '{"feeds": [{"seen": {}}]}']
)
def test_a_data_file_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(ListingError):
        rss2email.read_seen(text)
