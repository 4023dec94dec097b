"""The Versity S3 gateway over a folder; it publishes its notifications to Kafka itself.

A bucket is made by the gateway. A folder that merely lies in its data can be read and written as one, but has no owner:
whoever asks for it to be made, as upload tools do first, is answered with 500 and tries again and again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from app.devstack.go_programs import GATEWAY, build
from app.devstack.ports import LOOPBACK
from app.devstack.server import Launch, Place, Tools, get
from app.model.topics import UPLOADS_TOPIC

"""Has to exist before the gateway starts: it sends a test event first and ends when that fails."""
_OWNER = "user.acl"
EVENTS = Path(__file__).resolve().parents[2] / "connectors" / "notifications" / "versity-events.json"


class S3Gateway:
    """A folder below `data` with its owner in its attributes is a bucket."""

    name = "s3"
    ports: Mapping[str, range] = {"s3.http": range(17070, 17170)}
    patience_s = 10.0

    def launch(self, tools: Tools, place: Place) -> Launch:
        program = build(GATEWAY, tools.cache, tools.cancelled, tools.progress)
        # Absolute paths: the gateway changes its working directory.
        data, versions, sidecar = (place.folder.resolve() / name for name in ("data", "versions", "sidecar"))
        for folder in (data, versions):
            folder.mkdir(parents=True, exist_ok=True)
        backend: list[str | Path] = ["posix", "--versioning-dir", versions]
        if not _keeps_attributes(data):
            sidecar.mkdir(exist_ok=True)
            backend += ["--sidecar", sidecar]
        return Launch(
            [
                program,
                *("--port", f"{LOOPBACK}:{place.ports['s3.http']}"),
                *("--health", "/health"),
                *("--event-kafka-url", f"{LOOPBACK}:{place.ports['kafka.client']}"),
                *("--event-kafka-topic", UPLOADS_TOPIC),
                *("--event-filter", EVENTS),
                "--keep-alive",  # off by default, which costs a connection for every request
                "--quiet",
                *backend,
                data,
            ],
            # By environment, since every user of the machine can read a command line.
            {
                "ROOT_ACCESS_KEY": place.secrets["s3.access_key"],
                "ROOT_SECRET_KEY": place.secrets["s3.secret_key"],
                "ADMIN_ACCESS_KEY": place.secrets["s3.access_key"],
                "ADMIN_SECRET_KEY": place.secrets["s3.secret_key"],
                "ADMIN_ENDPOINT_URL": self.address(place),
            },
            [
                [program, "admin", command, "--bucket", bucket, "--owner", place.secrets["s3.access_key"]]
                for bucket in place.buckets
                if (command := _left_to_do(data / bucket))
            ],
        )

    def is_ready(self, place: Place) -> bool:
        return get(place.ports["s3.http"], "/health")[0] == 200

    def address(self, place: Place) -> str:
        return f"http://{LOOPBACK}:{place.ports['s3.http']}"


def _left_to_do(bucket: Path) -> str | None:
    """The gateway's command that makes this folder a bucket; None when it is one."""
    if not bucket.is_dir():
        return "create-bucket"
    try:
        os.getxattr(bucket, _OWNER)
    except (OSError, AttributeError):
        return "change-bucket-owner"
    return None


def _keeps_attributes(folder: Path) -> bool:
    """Whether the file system has extended attributes, where the gateway keeps what it knows of an object."""
    try:
        os.setxattr(folder, "user.listings-probe", b"1")
        os.removexattr(folder, "user.listings-probe")
    except (OSError, AttributeError):
        return False
    return True
