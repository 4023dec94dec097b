"""Producers that keep uploading while things break."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.devstack.samples import as_json, listings
from tests.support.system import System

QUICK_SESSIONS = {"LISTINGS_KAFKA__SESSION_TIMEOUT_S": "3", "LISTINGS_KAFKA__HEARTBEAT_S": "1"}
"""A worker that died is replaced within seconds."""
IMPATIENT = {
    "LISTINGS_S3__READ_TIMEOUT_S": "4",
    "LISTINGS_OPENSEARCH__REQUEST_TIMEOUT_S": "4",
    "LISTINGS_OPENSEARCH__OUTAGE_PROBE_MAX_S": "2",
    "LISTINGS_SCHEMA_REGISTRY__TIMEOUT_S": "4",
    "LISTINGS_KAFKA__PUBLISH_TIMEOUT_S": "5",
    "LISTINGS_RETRY__BASE_S": "0.5",
}
"""A worker that notices within seconds what it would notice within half a minute."""
RECONCILING = {"LISTINGS_RECONCILE__EVERY_S": "15", "LISTINGS_RECONCILE__GRACE_S": "10"}
"""Uploads while the store cannot notify are found within seconds, not minutes."""


def upload(system: System, prefix: str, first: int, last: int, per_file: int) -> None:
    """Files number `first` to `last` - 1 of `prefix`, each with listings of its own."""
    for number in range(first, last):
        system.upload(f"{prefix}/{number:05d}.json", content(prefix, number, per_file))


def content(prefix: str, number: int, per_file: int) -> bytes:
    return as_json(listings(per_file, prefix=prefix, start=number * per_file + 1))


@contextmanager
def steady_uploads(system: System, prefix: str, files: int, per_file: int, files_per_s: float) -> Iterator[None]:
    """Uploads in the background; the block ends once all are done, and fails when one of them did."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            started = time.monotonic()
            for number in range(files):
                while time.monotonic() < started + number / files_per_s:
                    time.sleep(0.005)  # the pace of the producers, not a wait for a condition
                upload(system, prefix, number, number + 1, per_file)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if failed:
        raise failed[0]
