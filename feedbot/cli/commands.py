"""The tree of commands. Only names stand here; a command's file is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from feedbot import __version__
from feedbot.cli.context import Context, remembered

_COMMANDS = {
    "init": ("init", "Write a first configuration, for a blog or a feed."),
    "run": ("run", "Poll what is due once, publish, deliver, exit."),
    "daemon": ("daemon", "Keep running: poll, publish and deliver as things come due."),
    "worker": ("worker", "Poll, publish and deliver beside other workers."),
    "serve": ("serve", "Publish the feeds over HTTP."),
    "add": ("add", "Add a source: a feed, a page with a feed, or a folder of posts."),
    "check": ("check", "Find everything that is wrong with the configuration."),
    "status": ("status", "Show how sources, feeds and sinks are doing."),
    "doctor": ("doctor", "Look whether all is there that feedbot needs."),
    "source": ("source", "Look at sources, or care for one."),
    "entry": ("entry", "Look at the entries that feedbot knows."),
    "metrics": ("metrics", "Tell Prometheus how sources, feeds and sinks are doing."),
    "healthcheck": ("healthcheck", "Tell by the exit code whether feedbot is well."),
    "explain": ("explain", "Tell why an entry was announced or not, to whom, and when."),
    "feed": ("feed", "Look at the feeds that are published, or make them anew."),
    "queue": ("queue", "Look at deliveries that wait, or care for them."),
    "replay": ("replay", "Send again what a sink was sent before."),
    "config": ("config", "Show the configuration as feedbot understands it."),
    "preview": ("preview", "Read a source and show what it says, and what is odd about it."),
    "preset": ("preset", "Look at the presets of posts, or find the one for a blog."),
    "state": ("state", "Care for the file that holds all that feedbot remembers."),
    "replay-git": ("replay_git", "Tell what the history of a blog would have announced."),
    "sink": ("sink", "Look at sinks, or try one."),
    "template": ("template", "Look at the templates of messages, or try your own."),
    "service": ("service", "Print files with which other programs run feedbot."),
    "completion": ("completion", "Print completion of commands for a shell."),
    "man": ("man", "Print the manual page."),
    "opml": ("opml", "Take in lists of feeds, or write one."),
    "import": ("importing", "Take over the feeds of another program."),
}


def global_options() -> list[click.Parameter]:
    """The options that every command takes, before its name or after it."""
    return [
        click.Option(
            ["-c", "--config"], type=click.Path(path_type=Path), metavar="FILE", expose_value=False,
            callback=remembered("config"), help="The configuration file.",
        ),
        click.Option(["-v", "--verbose"], count=True, expose_value=False, callback=remembered("verbose"),
                     help="Tell more on stderr; twice for everything."),
        click.Option(["-q", "--quiet"], is_flag=True, expose_value=False, callback=remembered("quiet"),
                     help="Print nothing unless a person is needed."),
        click.Option(["--json"], is_flag=True, expose_value=False, callback=remembered("json"),
                     help="Print one JSON document."),
        click.Option(["--no-color"], is_flag=True, expose_value=False, callback=remembered("no_color"),
                     help="Print without colours."),
        click.Option(["--log-format"], type=click.Choice(["auto", "text", "json", "journal"]), expose_value=False,
                     callback=remembered("log_format"), help="How log lines on stderr are written."),
    ]  # fmt: skip


class Command(click.Command):
    """A command that takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def invoke(self, ctx: click.Context) -> Any:
        started = ctx.find_object(Context)
        if started is not None:
            started.start()
        return super().invoke(ctx)


class Group(click.Group):
    """A group of commands that takes the global options too."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            from feedbot.settings.document import suggestion

            raise click.UsageError(f'there is no command "{ctx.command_path} {name}"; {suggestion(name, known)}', ctx)
        return super().resolve_command(ctx, args)


class _Lazy(Group):
    """The top of the tree, whose commands are imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = _COMMANDS[cmd_name][0]  # which calls its command as it is called itself: "import" is no name
        command = getattr(import_module(f"feedbot.cli.{module}"), module)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="feedbot %(version)s")
def feedbot() -> None:
    """Polls blogs and feeds, publishes feeds of its own, and announces what is new.

    Begin with: feedbot init, in the folder of a blog, or with the address of a feed.
    """
