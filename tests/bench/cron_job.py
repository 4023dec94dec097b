"""The job that was replaced: every quarter of an hour, all new files, one after the other.

    python -m tests.bench.cron_job PREFIX INTERVAL_S RUNS

It does the same work on each listing as a worker does (the same reader and mapper, one `_bulk` request a file), so what
differs is when it is done. Settings come from the LISTINGS_ variables.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from urllib.parse import quote

import httpx2 as httpx
import obstore
import orjson
from obstore.store import S3Store

from app.pipeline.limits import limits_of
from app.pipeline.parse import FileReader
from app.pipeline.sniff import hints_from_name
from app.pipeline.transform import Mapper, Origin
from app.settings import Settings, load_settings


class CronJob:
    """Remembers which objects it has read, as the old one did in a table."""

    def __init__(self, settings: Settings, prefix: str) -> None:
        self._settings = settings
        self._prefix = prefix
        self._done: set[str] = set()
        secret = settings.s3.secret_access_key
        self._bucket = settings.s3.buckets[0]
        self._store = S3Store(
            self._bucket,
            endpoint=settings.s3.endpoint_url,
            access_key_id=settings.s3.access_key_id,
            secret_access_key=secret.get_secret_value() if secret else None,
            region=settings.s3.region,
            client_options={"allow_http": True},
        )
        self._index = httpx.Client(base_url=settings.opensearch.url, timeout=60)

    def run(self) -> int:
        """One run over what is new; returns the number of files."""
        new = [
            meta["path"]
            for page in obstore.list(self._store, prefix=self._prefix)
            for meta in page
            if meta["path"] not in self._done
        ]
        for key in new:
            self._process(key)
            self._done.add(key)
        return len(new)

    def _process(self, key: str) -> None:
        fetched = obstore.get(self._store, key)
        content = bytes(fetched.bytes())
        uploaded_at = fetched.meta["last_modified"]
        reader = FileReader(hints_from_name(key), limits_of(self._settings.limits), len(content))
        origin = Origin(self._bucket, key, fetched.meta["e_tag"] or "", uploaded_at)
        mapper = Mapper(None, self._prefix, origin, datetime.now(UTC))
        lines: list[bytes] = []
        for piece in (*reader.feed(content), *reader.finish()):
            for document in mapper.map_all(piece.records).documents:
                action = {"_id": document.id, "version": document.version, "version_type": "external_gte"}
                lines += (orjson.dumps({"index": action}), document.body)
        body = b"\n".join((*lines, b""))
        path = f"/{quote(self._settings.opensearch.alias)}/_bulk"
        self._index.post(path, content=body, headers={"content-type": "application/x-ndjson"}).raise_for_status()


def main() -> None:
    prefix, interval_s, runs = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    job = CronJob(load_settings(), prefix)
    started = time.monotonic()
    for number in range(1, runs + 1):
        time.sleep(max(0.0, started + number * interval_s - time.monotonic()))  # the schedule
        sys.stdout.write(f"{job.run()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
