"""What is ready in the process that runs of feedbot are forked from; who imports this makes it so."""

from __future__ import annotations

import gc
from importlib import import_module

import click

from feedbot.cli.commands import feedbot
from feedbot.plugins import FORMATS, SINKS, SOURCES, names

_NEEDED = (
    "feedbot.app", "feedbot.cli.additions", "feedbot.cli.entrance", "feedbot.cli.examine",
    "feedbot.cli.progress", "feedbot.cli.runlog", "feedbot.cli.runreport", "feedbot.cli.samples",
    "feedbot.cli.statusfleet", "feedbot.cli.statustable", "feedbot.engine.procrastinating",
    "feedbot.formats.atom", "feedbot.formats.feedtree", "feedbot.formats.jsonfeed", "feedbot.formats.rss",
    "feedbot.http.client", "feedbot.service", "feedbot.settings.show", "feedbot.sinks.email",
    "feedbot.sinks.file", "feedbot.sinks.mbox", "feedbot.sinks.webhook", "feedbot.sources.feed.local",
    "feedbot.sources.feed.source", "feedbot.sources.feed.webpage", "feedbot.sources.feed.xmlfeed",
    "feedbot.sources.posts.blog", "feedbot.sources.posts.ghost", "feedbot.sources.posts.scan",
    "feedbot.sources.posts.source", "feedbot.store.migrate", "feedbot.store.stats", "feedbot.working",
    "feedgen.feed", "filelock", "jinja2.sandbox", "rich.progress",
)  # fmt: skip

for _module in _NEEDED:
    import_module(_module)
for _command in feedbot.list_commands(click.Context(feedbot)):
    feedbot.get_command(click.Context(feedbot), _command)
for _group in (SOURCES, FORMATS, SINKS):
    names(_group)  # which are looked for among all that is installed
gc.freeze()  # a look for garbage in a fork would copy all of this
