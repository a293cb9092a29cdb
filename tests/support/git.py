"""Made-up git repositories with a history, and a server on loopback that gives them out over https."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme

from tests.support.web import QuietServer

BEGUN = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)

Files = Mapping[str, str | bytes | None]
"""What a commit changes: the new content of each path, None where it is taken away, ``->name`` for a link."""


@dataclass(frozen=True)
class Made:
    """A commit to make."""

    files: Files
    subject: str = "write"
    author: str = "Robin Author <robin@blog.example>"
    at: datetime | None = None
    onto: int = -1
    """For ``Blog.tagged``: the number of the commit before it; -1 for none."""
    merging: int | None = None
    """Likewise, the number of the one that it merges."""


class Blog:
    """A bare repository; each commit is an hour after the one before, unless it says when."""

    def __init__(self, folder: Path, *, branch: str = "main", object_format: str = "sha1") -> None:
        self.folder = folder
        self.branch = branch
        self._hours = 0
        self.git("init", "-q", "--bare", f"--object-format={object_format}", f"--initial-branch={branch}", str(folder))
        with (folder / "config").open("a") as config:
            config.write("[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n")

    def copy(self, folder: Path) -> Blog:
        """Another repository with all that is in this one."""
        other = copy.copy(self)
        other.folder = folder
        shutil.copytree(self.folder, folder)
        return other

    def commit(self, files: Files, subject: str = "write", *, onto: str | None = None, **fields: Any) -> str:
        """Make a commit on the branch, or on another commit (``onto``, "" for none); gives its id."""
        return self.commits([Made(files, subject, **fields)], onto=onto)

    def commits(self, made: Sequence[Made], *, onto: str | None = None) -> str:
        """Make commits one after another; gives the id of the last."""
        parent = self.head() if onto is None else onto
        stream = b"".join(self._commit(each, parent if index == 0 else None) for index, each in enumerate(made))
        self.git("fast-import", "--quiet", "--force", "--done", data=stream + b"done\n")
        return self.head()

    def tagged(self, made: Sequence[Made]) -> None:
        """Make commits in an empty repository, each onto the one it says, and tag them in their order."""
        stream = b""
        for number, each in enumerate(made):
            parent = f":{each.onto + 1}" if each.onto >= 0 else None
            stream += self._commit(each, parent, f":{each.merging + 1}" if each.merging is not None else "", number + 1)
            stream += f"reset refs/tags/{number:04}\nfrom :{number + 1}\n\n".encode()
        self.git("fast-import", "--quiet", "--force", "--done", data=stream + b"done\n")

    def head(self) -> str:
        """The newest commit of the branch, "" where there is none."""
        reference = self.folder / "refs" / "heads" / self.branch
        return reference.read_text().strip() if reference.is_file() else ""

    def merge(self, other: str, files: Files) -> str:
        """Merge a commit into the branch, changing these files."""
        merged = self._commit(Made(files, "merge"), self.head(), other)
        self.git("fast-import", "--quiet", "--force", "--done", data=merged + b"done\n")
        return self.head()

    def git(self, *arguments: str, data: bytes = b"", check: bool = True) -> bytes:
        """Run git in the repository."""
        folder = ["-C", str(self.folder)] if self.folder.is_dir() else []
        clean = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(["git", *folder, *arguments], input=data, capture_output=True, env=clean, check=check)
        return done.stdout

    def _commit(self, made: Made, parent: str | None, other: str = "", mark: int = 0) -> bytes:
        self._hours += 1
        seconds = int((made.at or BEGUN + timedelta(hours=self._hours)).timestamp())
        branch = f"refs/heads/{self.branch}"
        lines = [f"reset {branch}\n\n".encode()] if parent == "" else []
        lines += [f"commit {branch}\n".encode(), f"mark :{mark}\n".encode() if mark else b""]
        lines += [f"author {made.author} {seconds} +0000\n".encode()]
        lines += [f"committer Casey <casey@blog.example> {seconds} +0000\n".encode(), _data(made.subject.encode())]
        lines += [f"from {parent}\n".encode()] if parent else []
        lines += [f"merge {other}\n".encode()] if other else []
        for path, content in made.files.items():
            quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
            if content is None:
                lines.append(f"D {quoted}\n".encode())
                continue
            raw = content.encode() if isinstance(content, str) else content
            mode = "120000" if raw.startswith(b"->") else "100644"
            lines.append(f"M {mode} inline {quoted}\n".encode() + _data(raw.removeprefix(b"->")))
        return b"".join(lines)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


@dataclass(frozen=True)
class Asked:
    """A request as it came, and how much was sent back. Header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    sent: int


@dataclass(frozen=True)
class Instead:
    """What is answered in git's place."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class GitServer:
    """Gives out the repositories below a folder by git's smart HTTP, over TLS.

    ``instead`` maps the path of a request to what is answered in git's place; ``token`` is asked for where set.
    ``pause`` is how many seconds an answer waits, ``version`` is the newest protocol that is spoken.
    """

    def __init__(self, root: Path, certificate: trustme.LeafCert) -> None:
        self.asked: list[Asked] = []
        self.instead: dict[str, Instead] = {}
        self.token = ""
        self.pause = threading.Event()
        self.pause.set()
        self.version = 2
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.pause.wait(30)
                status, answer_headers, answer = server._answer(root, self.command, self.path, headers, body)
                server.asked.append(Asked(self.command, self.path, headers, len(answer)))
                self.send_response(status)
                for name, value in answer_headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = QuietServer(Handler, certificate=certificate)

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def place(self) -> str:
        """host:port, as ``allow_private`` takes it."""
        return f"localhost:{self.port}"

    def url(self, name: str) -> str:
        """The address of the repository in the folder of that name."""
        return f"https://{self.place}/{name}"

    def spent(self) -> tuple[int, int]:
        """How many requests came and how many bytes were sent back since this was asked last."""
        asked, self.asked = self.asked, []
        return len(asked), sum(each.sent for each in asked)

    def close(self) -> None:
        self.pause.set()
        self._server.close()

    def _answer(
        self, root: Path, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        parts = urlsplit(target)
        if parts.path in self.instead:
            instead = self.instead[parts.path]
            return instead.status, instead.headers, instead.body
        if self.token and headers.get("authorization") != self.token:
            return 401, {"WWW-Authenticate": 'Basic realm="blog"'}, b""
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": method,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        }
        if self.version == 2:
            environment["GIT_PROTOCOL"] = headers.get("git-protocol", "")
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        named = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(named.pop("Status", "200").split()[0])
        return status, named, answer


@dataclass
class Served:
    """A blog on a server, and a folder for what is kept of it here."""

    blog: Blog
    server: GitServer
    folder: Path
    ca_file: Path


@contextmanager
def git_server(root: Path, authority: trustme.CA) -> Iterator[GitServer]:
    server = GitServer(root, authority.issue_cert("localhost", "blog.example"))
    try:
        yield server
    finally:
        server.close()
