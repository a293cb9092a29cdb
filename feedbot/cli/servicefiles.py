"""What other programs need to run feedbot: units, timers, crontab lines, containers, web servers.

Each function answers with the text of a file, made of what stands on this machine.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where feedbot and its files are, as absolute paths, and who runs it."""

    program: Path
    config: Path
    state: Path
    output: Path
    user: str

    @property
    def writable(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((self.state.parent, self.output)))


def systemd(place: Place) -> str:
    """A unit that keeps the daemon running."""
    return f"""# /etc/systemd/system/feedbot.service
[Unit]
Description=feedbot, feeds and notifications
Documentation=man:feedbot(1)
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={_quoted(place.program)} daemon --config {_quoted(place.config)}
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
ExecStart={_quoted(place.program)} run -q --config {_quoted(place.config)}
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
<!-- ~/Library/LaunchAgents/feedbot.plist; then: launchctl load ~/Library/LaunchAgents/feedbot.plist -->
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
    """A compose file: the configuration is read only, the state is kept, the feeds are for a web server."""
    return f"""# compose.yaml; in the configuration: state = "/data/feedbot.db", output = "/output"
services:
  feedbot:
    image: feedbot
    build: .
    command: ["daemon", "--config", "/config/{place.config.name}"]
    restart: unless-stopped
    read_only: true
    user: "1000:1000"
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    stop_grace_period: 15s
    tmpfs: [/tmp]
    volumes:
      - {place.config.parent}:/config:ro
      - feedbot-data:/data
      - {place.output}:/output
volumes:
  feedbot-data:
"""


def nginx(place: Place) -> str:
    """Locations that serve the output folder as ``feedbot serve`` does."""
    return f"""# inside a server block
location /feeds/ {{
    alias {place.output}/;
    index index.html;
    charset utf-8;
    charset_types application/atom+xml application/rss+xml application/xml text/x-opml text/css text/html;
    types {{
        application/atom+xml atom;
        application/rss+xml rss;
        application/feed+json json;
        application/xml xml;
        text/x-opml opml;
        text/html html;
        text/css css;
        image/png png;
        image/jpeg jpg jpeg;
        image/gif gif;
        image/webp webp;
        image/avif avif;
        image/svg+xml svg;
    }}
    default_type application/atom+xml;
    gzip on;
    gzip_types application/atom+xml application/rss+xml application/feed+json application/xml text/x-opml text/css;
    gzip_vary on;
    etag on;
    add_header Cache-Control "public, max-age=60";
    add_header Access-Control-Allow-Origin "*";
    add_header X-Content-Type-Options nosniff;
    location ~ /\\. {{
        return 404;
    }}
}}
"""


FILES = {
    "systemd": systemd,
    "timer": timer,
    "cron": cron,
    "launchd": launchd,
    "docker": docker,
    "nginx": nginx,
}


def _hardening(place: Place) -> str:
    writable = " ".join(_quoted(path) for path in place.writable)
    return f"""User={place.user}
UMask=0027
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
NoNewPrivileges=true
CapabilityBoundingSet=
LockPersonality=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
"""


def _quoted(path: Path) -> str:
    """A path as units write it: in quotes where it needs them, with its percent signs doubled."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if any(character.isspace() or character in "\"'\\" for character in text) else text
