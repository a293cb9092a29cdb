"""What a first HTTPS request to each of many hosts costs: CPU of feedbot's process a host, beyond its start-up.

    python benchmarks/hosts.py --hosts 200

Needs trustme, for an authority of its own. Each host is an address of loopback that is polled once, and has nothing
new; the start-up is that of a run with one host. Beside it, in turns, each is asked by ``requests.get``, which makes a
context of its own for each, and in a bare loop of sockets and ssl with one context for all; all trust the usual
authorities, too.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
from ipaddress import ip_address
from pathlib import Path

import certifi
import trustme
from measuring import RUN, Spent, loopback, server, timed

REQUESTS = """
import sys, requests
for url in open(sys.argv[2]).read().split():
    requests.get(url, verify=sys.argv[1], timeout=30)
"""
BARE = """
import socket, ssl, sys
from urllib.parse import urlsplit
context = ssl.create_default_context(cafile=sys.argv[1])
for url in open(sys.argv[2]).read().split():
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as plain:
        with context.wrap_socket(plain, server_hostname=parts.hostname) as sock:
            sock.sendall(f"GET {parts.path} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
            sock.recv(65536)
"""


def beside(program: str, folder: Path) -> list[str]:
    """The command that asks what an installation polls in another way."""
    config = (folder / "feedbot.toml").read_text()
    (folder / "urls.txt").write_text("\n".join(re.findall(r'url = "(.*)"', config)))
    return [sys.executable, "-c", program, str(folder.parent / "all.pem"), "urls.txt"]


def installation(folder: Path, port: int, authority: Path, hosts: int) -> Path:
    """A folder with a configuration of so many hosts, each polled once."""
    folder.mkdir()
    sources = "".join(
        f'[sources.s{number}]\ntype = "feed"\nurl = "https://{loopback(number)}:{port}/{number}.xml"\n'
        for number in range(hosts)
    )
    head = f'[feedbot]\nstate = "feedbot.db"\nca_file = "{authority}"\nallow_private = ["127.0.0.0/8"]\n'
    (folder / "feedbot.toml").write_text(head + sources)
    timed([*RUN, "--strict"], folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    authority = trustme.CA()
    certificate = authority.issue_cert(*(str(ip_address(loopback(number))) for number in range(options.hosts)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        (folder / "all.pem").write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "host.pem")
        with server("--host", "0.0.0.0", "--entries", "2", "--certificate", str(folder / "host.pem")) as port:
            one, all_ = (
                installation(folder / str(hosts), port, folder / "ca.pem", hosts) for hosts in (1, options.hosts)
            )
            commands = {
                "feedbot": (RUN, RUN),
                "requests.get": (beside(REQUESTS, one), beside(REQUESTS, all_)),
                "bare sockets": (beside(BARE, one), beside(BARE, all_)),
            }
            measured: dict[str, list[tuple[Spent, Spent]]] = {name: [] for name in commands}
            for _ in range(options.rounds):  # interleaved, so that all see the machine alike
                for name, (alone, together) in commands.items():
                    measured[name].append((timed(alone, one), timed(together, all_)))
    print(f"{options.hosts} HTTPS hosts, median of {options.rounds}: CPU s, of them to start, and ms a host")
    for name, rounds in measured.items():
        start, whole = (statistics.median(spent.cpu for spent in column) for column in zip(*rounds, strict=True))
        each = (whole - start) / (options.hosts - 1) * 1000
        wall, memory = statistics.median(spent.wall for _, spent in rounds), max(spent.memory for _, spent in rounds)
        print(f"{name:<13} {whole:6.2f}  {start:5.2f}  {each:6.2f} ms   wall {wall:.2f} s, {memory:.0f} MB")


if __name__ == "__main__":
    main()
