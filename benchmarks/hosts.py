"""What a first HTTPS request to each of many hosts costs: CPU of feedbot's process a host, beyond its start-up.

    python benchmarks/hosts.py --hosts 200

Needs trustme, for an authority of its own. Each host is an address of loopback that is polled once, and has nothing
new; the start-up is that of a run with one host.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from ipaddress import ip_address
from pathlib import Path

import trustme
from measuring import RUN, loopback, server, timed


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
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "host.pem")
        with server("--host", "0.0.0.0", "--entries", "2", "--certificate", str(folder / "host.pem")) as port:
            one, all_ = (
                installation(folder / str(hosts), port, folder / "ca.pem", hosts) for hosts in (1, options.hosts)
            )
            rounds = [(timed(RUN, one), timed(RUN, all_)) for _ in range(options.rounds)]
    start, whole = (statistics.median(spent.cpu for spent in column) for column in zip(*rounds, strict=True))
    memory = max(spent.memory for _, spent in rounds)
    each = (whole - start) / (options.hosts - 1) * 1000
    print(f"{options.hosts} HTTPS hosts: {whole:.2f} s of CPU, {start:.2f} s of them to start; {each:.2f} ms a host")
    print(f"peak memory {memory:.0f} MB, median wall {statistics.median(spent.wall for _, spent in rounds):.2f} s")


if __name__ == "__main__":
    main()
