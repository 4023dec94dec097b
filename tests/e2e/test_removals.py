"""What is gone is gone from the search, and stays gone: removed objects, full feeds, tombstones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import obstore
import orjson
import pytest
from click.testing import CliRunner, Result

from app.cli.feeds_apply import command as apply_command
from app.devstack.samples import as_ndjson, listings
from app.failures.headers import story_of
from app.model.source_record import SourceRecord
from app.pipeline.transform import listing_id_of
from tests.support.stack import RunningStack
from tests.support.system import System, Worker
from tests.support.waiting import next_second, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

FULL_FEEDS = """\
description: everything that a dealer has, every night
source: full-dealer
match: [{key: "full-dealer/*"}]
delivery: {kind: full}
fields:
  source_listing_id: source_listing_id
  make: make
  model: model
  year: year
"""


@pytest.fixture(scope="module")
def worker(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    feeds = tmp_path_factory.mktemp("feeds")
    (feeds / "full_dealer.yaml").write_text(FULL_FEEDS)
    with system.worker(LISTINGS_PATHS__FEEDS=str(feeds), LISTINGS_RETRY__BASE_S="0.2") as worker:
        yield worker


def removed(system: System, **term: str) -> int:
    filters = [{"term": term}, {"term": {"status": "removed"}}]
    return system.count({"bool": {"filter": filters}})


def wait_status(system: System, key: str, status: str) -> dict[str, object]:
    def told() -> dict[str, object] | None:
        outcome = system.outcome(key)
        return outcome if outcome is not None and outcome["status"] == status else None

    return until(f"{key} to be {status}", told, 60)


def test_a_removed_object_takes_its_listings_from_the_search(system: System, worker: Worker) -> None:
    """More of them than one page of the index, and some that a newer file has supplied since."""
    old, new = "gone/all.ndjson", "gone/some.ndjson"
    system.upload(old, as_ndjson(listings(1200, prefix="gone")))
    system.wait_outcome(old)
    system.upload(new, as_ndjson(listings(5, prefix="gone")))
    system.wait_outcome(new)
    obstore.delete(system.store, old)
    outcome = wait_status(system, old, "removed")
    assert (outcome["removed"], outcome["failure_code"]) == (1195, None)
    system.refresh()
    assert removed(system, source="gone") == 1195
    assert system.count_of_key(new) == 5
    assert removed(system, **{"origin.key": new}) == 0
    assert system.dead_letters("gone/") == []
    system.upload(old, as_ndjson(listings(1200, prefix="gone")))
    wait_status(system, old, "indexed")
    system.refresh()
    assert removed(system, source="gone") == 0


def test_a_rename_right_after_the_upload_and_replays_of_it_harm_nobody(system: System, worker: Worker) -> None:
    """Copied and removed within a moment, ten times; then everything is told again, in both orders."""
    for number in range(10):
        old, new = f"renamed/{number}.tmp.json", f"renamed/{number}.json"
        system.upload(old, as_ndjson(listings(1, prefix=f"renamed-{number}", source="renamed")))
        obstore.copy(system.store, old, new)
        obstore.delete(system.store, old)
    system.upload("renamed/kept.json", as_ndjson(listings(2, prefix="renamed-kept", source="renamed")))
    system.wait_outcome("renamed/kept.json")
    obstore.delete(system.store, "renamed/kept.json")
    assert wait_status(system, "renamed/kept.json", "removed")["removed"] == 2
    topics = ("listing-uploads", "listing-files", "listing-retry")
    for number in range(10):
        wait_status(system, f"renamed/{number}.tmp.json", "removed")
        wait_status(system, f"renamed/{number}.json", "indexed")
    told = [record.value for record in system.records("listing-uploads") if b"renamed/" in (record.value or b"")]
    for value in (*reversed(told), *told):
        system.publish("listing-uploads", value)
    system.wait_no_lag(*topics)
    system.refresh()
    found = {doc["origin"]["key"]: doc["status"] for doc in system.listings_of("renamed") if doc["status"] != "removed"}
    assert sorted(found) == [f"renamed/{number}.json" for number in range(10)]
    kept = system.wait_outcome("renamed/kept.json")
    assert (kept["status"], kept["removed"]) == ("removed", 2)
    assert system.dead_letters("renamed/") == []


def test_the_version_before_is_served_when_the_newest_one_is_removed(system: System, worker: Worker) -> None:
    """A bucket with versions: an upload and a delete marker on top of it are taken back, one by one."""
    client = boto3.client(
        "s3",
        endpoint_url=system.settings.s3.endpoint_url,
        region_name=system.settings.s3.region,
        aws_access_key_id=system.env["LISTINGS_S3__ACCESS_KEY_ID"],
        aws_secret_access_key=system.env["LISTINGS_S3__SECRET_ACCESS_KEY"],
    )
    key = "versions/stock.ndjson"

    def put(price: int) -> str:
        offer = {**listings(1, prefix="versions", source="versions")[0], "price_amount": price}
        return str(client.put_object(Bucket=system.bucket, Key=key, Body=orjson.dumps(offer))["VersionId"])

    def price(expected: int | None) -> bool:
        system.refresh()
        found = [doc["price_amount"] for doc in system.listings_of("versions") if doc["status"] != "removed"]
        return found == ([] if expected is None else [expected])

    with versions_kept(client, system.bucket):
        put(1000)
        until("the first version", lambda: price(1000))
        next_second()
        second = put(2000)
        until("the second version", lambda: price(2000))
        client.delete_object(Bucket=system.bucket, Key=key, VersionId=second)
        until("the first one again", lambda: price(1000))
        assert wait_status(system, key, "indexed")["failure_code"] is None
        marker = client.delete_object(Bucket=system.bucket, Key=key)["VersionId"]
        until("its removal", lambda: price(None))
        client.delete_object(Bucket=system.bucket, Key=key, VersionId=marker)
        until("the first one once more", lambda: price(1000))
        wait_status(system, key, "indexed")
        put(3000)
        until("the third version", lambda: price(3000))
    assert system.dead_letters("versions/") == []


@contextmanager
def versions_kept(client: Any, bucket: str) -> Iterator[None]:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    try:
        yield
    finally:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def test_what_was_removed_stays_so_when_older_records_come_again(
    system: System, stack: RunningStack, worker: Worker
) -> None:
    """Also when the index was restarted and no longer remembers deletions: it keeps those for a minute by itself."""
    sample = listings(1, source="tomb", prefix="tomb")[0]
    listing_id = listing_id_of("tomb", str(sample["source_listing_id"]))
    system.publish("listings", orjson.dumps(sample), listing_id.encode())
    until("the listing", lambda: system.count({"term": {"source": "tomb"}}) == 1)
    first = last_of(system, listing_id)
    system.publish("listings", None, listing_id.encode())
    until("its removal", lambda: removed(system, source="tomb") == 1)
    system.forget_deletions()
    stack.server("opensearch").stop()
    stack.server("opensearch").start()
    # The first record as a replay or a late retry brings it: the same bytes, and the time of its origin.
    story = {
        "failure-origin-topic": b"listings",
        "failure-origin-partition": str(first.partition).encode(),
        "failure-origin-offset": str(first.offset).encode(),
        "failure-origin-timestamp": str(first.timestamp_ms).encode(),
    }
    stale = system.metric(worker, "listings_listings_total", outcome="stale")
    system.publish("listings", first.value, listing_id.encode(), story)
    until("the replay", lambda: system.metric(worker, "listings_listings_total", outcome="stale") == stale + 1)
    system.refresh()
    assert removed(system, source="tomb") == 1


def last_of(system: System, key: str) -> SourceRecord:
    return [record for record in system.records("listings") if record.key == key.encode()][-1]


def test_a_full_feed_removes_what_it_no_longer_holds(system: System, worker: Worker) -> None:
    system.upload("full-dealer/mon.ndjson", as_ndjson(listings(30, prefix="full")))
    system.wait_outcome("full-dealer/mon.ndjson")
    next_second()
    system.upload("full-dealer/tue.ndjson", as_ndjson(listings(28, prefix="full")))
    outcome = system.wait_outcome("full-dealer/tue.ndjson")
    assert (outcome["status"], outcome["removed"]) == ("indexed", 2)
    system.refresh()
    assert removed(system, source="full-dealer") == 2


def feeds_apply(system: System, *arguments: str) -> Result:
    return CliRunner().invoke(apply_command, arguments, env=system.env)


def test_a_sharply_smaller_full_feed_waits_for_a_person(system: System, worker: Worker) -> None:
    key, object_id = "full-dealer/thu.ndjson", f"{system.bucket}/full-dealer/thu.ndjson"
    before = removed(system, source="full-dealer")
    next_second()
    system.upload(key, as_ndjson(listings(3, prefix="full")))
    outcome = system.wait_outcome(key)
    assert (outcome["status"], outcome["failure_code"], outcome["indexed"]) == ("held", "feed_shrunk", 3)
    assert removed(system, source="full-dealer") == before
    (letter,) = [story for _, story in system.dead_letters(key)]
    assert letter == story_of(system.dead_letters(key)[0][0])
    assert "25 of 28 standing listings are not in it" in letter.message
    shown = feeds_apply(system, object_id, "--dry-run")
    assert (shown.exit_code, "25 of 28" in shown.output) == (0, True), shown.output
    refused = feeds_apply(system, object_id)
    assert refused.exit_code == 1, "without --yes it asks, and nobody answers"
    assert removed(system, source="full-dealer") == before
    applied = feeds_apply(system, object_id, "--yes", "--output", "json")
    assert (applied.exit_code, orjson.loads(applied.stdout)["queued"]) == (0, True), applied.output
    assert wait_status(system, key, "indexed")["removed"] == 25
    system.refresh()
    assert removed(system, source="full-dealer") == before + 25
    again = feeds_apply(system, object_id, "--yes")
    assert again.exit_code == 1
    assert len(system.dead_letters(key)) == 1
