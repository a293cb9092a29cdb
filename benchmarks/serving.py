"""What serving costs: ``feedbot serve`` beside nginx on the same files, asked by wrk, which both have to be installed.

    python benchmarks/serving.py [--seconds 5] [--requests 100000]

Prints requests a second for a feed that is sent (200) and one that the client has (304), the part of nginx's rate that
feedbot reaches, and feedbot's memory before and after so many requests.
"""

from __future__ import annotations

import argparse
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from measuring import ENVIRONMENT

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    types {{ application/atom+xml atom; }}
    server {{ listen 127.0.0.1:{port}; root {folder}/public; }}
}}
"""
CONFIG = '[sources.blog]\ntype = "feed"\npath = "blog.xml"\nbackfill = 0\n[feeds.all]\nformats = ["atom"]\n'


def blog(entries: int) -> str:
    words = "so many words that a post of some kilobytes comes about when they are said again and again ".split()
    items = "".join(
        f"<item><guid>{n}</guid><title>Post {n}</title><description>{' '.join(words * 20)} {n}</description></item>"
        for n in range(entries)
    )
    return f'<rss version="2.0"><channel><title>Blog</title>{items}</channel></rss>'


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(command: list[str], folder: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server that answers at ``url``, as long as the block lasts."""
    process = subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            try:
                with urlopen(url, timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(15)


def rate(url: str, seconds: int, etag: str = "") -> float:
    header = ["-H", f"If-None-Match: {etag}"] if etag else []
    done = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{seconds}", *header, url], capture_output=True, text=True, check=True
    )
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def etag_of(url: str) -> str:
    with urlopen(Request(url), timeout=5) as answer:
        return str(answer.headers["ETag"])


def memory(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=100_000)
    options = parser.parse_args()
    for program in ("wrk", "nginx"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "blog.xml").write_text(blog(50))
        (folder / "feedbot.toml").write_text(CONFIG)
        feedbot = [sys.executable, "-m", "feedbot"]
        subprocess.run([*feedbot, "run", "-q"], cwd=folder, env=ENVIRONMENT, check=True)
        ports = free_port(), free_port()
        urls = [f"http://127.0.0.1:{port}/all.atom" for port in ports]
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=ports[0]))
        with (
            running(["nginx", "-c", str(folder / "nginx.conf")], folder, urls[0]),
            running([*feedbot, "serve", "--port", str(ports[1])], folder, urls[1]) as process,
        ):
            for kind in (200, 304):
                rates = [rate(url, options.seconds, etag_of(url) if kind == 304 else "") for url in urls]
                print(f"{kind}: nginx {rates[0]:8.0f}/s   feedbot {rates[1]:8.0f}/s   x{rates[1] / rates[0]:.2f}")
            before, asked, etag = memory(process), 0.0, etag_of(urls[1])
            while asked < options.requests:
                asked += rate(urls[1], options.seconds, etag) * options.seconds
            print(f"memory: {before:.0f} MB, after {asked:.0f} requests {memory(process):.0f} MB")


if __name__ == "__main__":
    main()
