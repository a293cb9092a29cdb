"""What other programs need to run feedbot: units, timers, crontab lines, containers, web servers.

Each function answers with the text of a file, made of what stands on this machine.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from msgspec import Struct, field

from feedbot.cli.nginxfile import nginx


class Place(Struct, frozen=True, kw_only=True):
    """Where feedbot and its files are, as absolute paths, and who runs it.

    ``owner`` is that person as ``uid:gid``; ``base_url`` is where the output folder is served. ``written`` are folders
    beside those of state and output that sinks write to, ``read`` files and folders that sources read.
    ``paged`` are the feeds with a page for people, ``guarded`` those that want a token; ``aliases`` are further paths
    of feeds, with their media type, or "" where the feed is guarded.
    """

    program: Path
    config: Path
    state: Path
    output: Path
    user: str
    owner: str = "1000:1000"
    base_url: str = ""
    written: tuple[Path, ...] = ()
    read: tuple[Path, ...] = ()
    paged: tuple[str, ...] = ()
    guarded: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> Path:
        """A file, which need not be there, of what the configuration takes from the environment: NAME=value."""
        return self.config.with_name("feedbot.env")

    @property
    def writable(self) -> tuple[Path, ...]:
        """The folders that feedbot writes to, none of which lies in another."""
        return _outermost((self.state.parent, self.output, *self.written))

    @property
    def readable(self) -> tuple[Path, ...]:
        """What it only reads, likewise: the configuration's folder first."""
        return tuple(
            path
            for path in _outermost((self.config.parent, *self.read))
            if not any(path.is_relative_to(folder) for folder in self.writable)
        )


def systemd(place: Place) -> str:
    """A unit that keeps the daemon running."""
    return f"""# /etc/systemd/system/feedbot.service
[Unit]
Description=feedbot, feeds and notifications
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={_quoted(str(place.program))} daemon --config {_argument(place.config)}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=30
SuccessExitStatus=143 130
RestartPreventExitStatus=2
WatchdogSec=120
TimeoutStopSec=15
{_hardening(place)}
[Install]
WantedBy=multi-user.target
"""


def timer(place: Place) -> str:
    """A unit for a single run, and the timer that starts it."""
    return f"""# /etc/systemd/system/feedbot-run.service
[Unit]
Description=feedbot, one run
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
ExecStart={_quoted(str(place.program))} run -q --config {_argument(place.config)}
SuccessExitStatus=6
TimeoutStartSec=1h
{_hardening(place)}
# /etc/systemd/system/feedbot-run.timer
[Unit]
Description=feedbot every quarter of an hour

[Timer]
OnCalendar=*:0/15
RandomizedDelaySec=120
Persistent=true

[Install]
WantedBy=timers.target
"""


def cron(place: Place) -> str:
    """A line for a crontab; what it prints is for a person, and cron mails it."""
    command = f"{shlex.quote(str(place.program))} run -q --config {shlex.quote(str(place.config))}"
    return "# crontab -e\n*/15 * * * * " + command.replace("%", "\\%") + "\n"


def launchd(place: Place) -> str:
    """An agent of macOS that keeps the daemon running."""
    arguments = "".join(
        f"        <string>{escape(argument)}</string>\n"
        for argument in (str(place.program), "daemon", "--config", str(place.config))
    )
    log = escape(str(place.state.with_suffix(".log")))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ~/Library/LaunchAgents/feedbot.plist; then: launchctl bootstrap gui/$UID ~/Library/LaunchAgents/feedbot.plist -->
<plist version="1.0">
<dict>
    <key>Label</key>
    <string>feedbot</string>
    <key>ProgramArguments</key>
    <array>
{arguments}    </array>
    <key>RunAtLoad</key>
    <true/>
    <key>KeepAlive</key>
    <dict>
        <key>SuccessfulExit</key>
        <false/>
    </dict>
    <key>StandardErrorPath</key>
    <string>{log}</string>
</dict>
</plist>
"""


def docker(place: Place) -> str:
    """A compose file: everything is where it is outside, so that the configuration stands as it is."""
    writable = "".join(f"      - {_mount(path)}\n" for path in place.writable)
    readable = "".join(f"      - {_mount(path, read_only=True)}\n" for path in place.readable)
    return f"""# compose.yaml; the image is made in feedbot's own folder:
#     docker build -t feedbot -f docs/examples/docker/Dockerfile .
services:
  feedbot:
    image: feedbot
    command: [daemon]
    environment:
      FEEDBOT_CONFIG: {_yaml(str(place.config))}
      STATE_DIRECTORY: {_yaml(str(place.state.parent))}
    env_file:
      - {_yaml({"path": str(place.variables), "required": False})}
    restart: unless-stopped
    user: "{place.owner}"
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    stop_grace_period: 15s
    # What else the configuration names, such as files of secrets, takes a line too.
    volumes:
{readable}{writable}"""


FILES = {
    "systemd": systemd,
    "timer": timer,
    "cron": cron,
    "launchd": launchd,
    "docker": docker,
    "nginx": nginx,
}


def _hardening(place: Place) -> str:
    writable = " ".join(_quoted(str(path)) for path in place.writable)
    variables = str(place.variables).replace("%", "%%")  # this setting knows no quotes
    return f"""User={place.user}
Environment={_quoted(f"STATE_DIRECTORY={place.state.parent}")}
EnvironmentFile=-{variables}
ReadWritePaths={writable}
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=true
PrivateDevices=true
ProtectClock=true
ProtectControlGroups=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectProc=invisible
NoNewPrivileges=true
CapabilityBoundingSet=
LockPersonality=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
RemoveIPC=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""


def _argument(path: Path) -> str:
    """A path as an argument of ExecStart, where a dollar sign would begin a variable."""
    return _quoted(str(path)).replace("$", "$$")


def _quoted(text: str) -> str:
    """A path or a setting as units write it: in quotes where it needs them, with its percent signs doubled."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"' if any(character.isspace() or character in "\"'\\" for character in text) else text


def _outermost(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The paths that lie in no other of them, each once."""
    unique = tuple(dict.fromkeys(paths))
    return tuple(path for path in unique if not any(other in path.parents for other in unique))


def _mount(path: Path, *, read_only: bool = False) -> str:
    """A volume of a compose file, at the same place inside; compose takes a dollar sign for a variable."""
    mount = {"type": "bind", "source": str(path), "target": str(path)}
    return _yaml({**mount, "read_only": True} if read_only else mount)


def _yaml(value: object) -> str:
    """A value in YAML, of which JSON is a part, with its dollar signs doubled."""
    return json.dumps(value, ensure_ascii=False).replace("$", "$$")
