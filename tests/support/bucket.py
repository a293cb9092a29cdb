"""A bucket of S3 on loopback, on a server that honours conditional writes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

KEY, SECRET = "AKIDEXAMPLE", "a-secret/key+of=forty"


@dataclass(frozen=True)
class S3:
    """The server: ``client`` is the reference implementation of what asks it."""

    url: str
    client: Any

    @property
    def place(self) -> str:
        return self.url.removeprefix("http://")

    def objects(self, bucket: str) -> dict[str, bytes]:
        found = self.client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {one["Key"]: self.client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found}

    def head(self, bucket: str, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.head_object(Bucket=bucket, Key=key)
        return found


@contextmanager
def s3_server() -> Iterator[S3]:
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        client = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
        )
        yield S3(url, client)
    finally:
        server.stop()
