"""Outcomes go by what they are about: whatever clocks and late work wrote, the comparison finds what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx2 as httpx
import obstore
import orjson
import pytest

from app.devstack.samples import as_ndjson, listings
from app.model.document import version_of
from app.model.outcome import outcome_id
from tests.support.stack import RunningStack
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
_COMPARED_S = 120


@pytest.fixture(scope="module")
def worker(system: System) -> Iterator[Worker]:
    quick = {"LISTINGS_RECONCILE__EVERY_S": "2", "LISTINGS_RECONCILE__GRACE_S": "1"}
    with system.worker(LISTINGS_RETRY__BASE_S="0.2", **quick) as worker:
        yield worker


def write(system: System, index: str, id_: str, version: int, body: Mapping[str, object]) -> None:
    """As somebody wrote it before, or as a request that was long on its way."""
    answer = httpx.put(
        f"{system.settings.opensearch.url}/{index}/_doc/{id_}",
        params={"version": str(version), "version_type": "external_gte", "refresh": "true"},
        content=orjson.dumps(dict(body)),
        headers={"content-type": "application/json"},
        timeout=30,
    )
    answer.raise_for_status()


def stored(system: System, key: str) -> list[dict[str, object]]:
    """The listings of an object as the index holds them, with id and version."""
    system.refresh()
    found = system.search({"size": 100, "version": True, "query": {"term": {"origin.key": key}}})
    return list(found["hits"]["hits"])


def standing(system: System, key: str) -> int:
    return sum(hit["_source"]["status"] != "removed" for hit in stored(system, key))  # type: ignore[index]


def wait_status(system: System, key: str, status: str) -> None:
    until(f"{key} to be {status}", lambda: (system.outcome(key) or {}).get("status") == status, _COMPARED_S)


def test_an_upload_is_found_though_its_outcome_says_removed_by_a_clock_that_was_ahead(
    system: System, worker: Worker
) -> None:
    key = "ordered/ahead.ndjson"
    system.upload(key, as_ndjson(listings(3, prefix="ahead")))
    outcome = system.wait_outcome(key)
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    removed = {**outcome, "status": "removed", "removed": 3, "etag": "", "uploaded_at": ahead.isoformat()}
    for hit in stored(system, key):
        source = {**hit["_source"], "status": "removed"}  # type: ignore[dict-item]
        write(system, system.settings.opensearch.alias, str(hit["_id"]), int(str(hit["_version"])) + 1, source)
    index = system.settings.opensearch.outcomes_index
    write(system, index, outcome_id(system.bucket, key), version_of(ahead), removed)
    wait_status(system, key, "indexed")
    assert standing(system, key) == 3
    system.upload(key, as_ndjson(listings(4, prefix="ahead")))
    until("the next upload of it", lambda: standing(system, key) == 4, _COMPARED_S)
    wait_status(system, key, "indexed")
    assert system.dead_letters("ordered/") == []


def test_a_listing_that_comes_behind_the_removal_of_its_object_is_removed(system: System, worker: Worker) -> None:
    """The request that wrote it was long on its way, and found nothing that was there before it."""
    key = "ordered/late.ndjson"
    system.upload(key, as_ndjson(listings(2, prefix="late")))
    system.wait_outcome(key)
    (hit, *_) = stored(system, key)
    obstore.delete(system.store, key)
    wait_status(system, key, "removed")
    late = {**hit["_source"], "listing_id": "f" * 32}  # type: ignore[dict-item]
    write(system, system.settings.opensearch.alias, "f" * 32, int(str(hit["_version"])), late)
    assert standing(system, key) == 1
    until("its removal", lambda: standing(system, key) == 0, _COMPARED_S)


def test_removed_and_uploaded_again_while_the_index_is_away(
    system: System, stack: RunningStack, worker: Worker
) -> None:
    keys = [f"ordered/away-{number}.ndjson" for number in range(5)]
    for number, key in enumerate(keys):
        system.upload(key, as_ndjson(listings(1, prefix=f"away-{number}")))
        system.wait_outcome(key)
    stack.server("opensearch").stop()
    try:
        for number, key in enumerate(keys):
            obstore.delete(system.store, key)
            system.upload(key, as_ndjson(listings(2, prefix=f"away-{number}")))
    finally:
        stack.server("opensearch").start()
    for key in keys:
        until(f"{key} as it is now", lambda key=key: standing(system, key) == 2, _COMPARED_S)  # type: ignore[misc]
        wait_status(system, key, "indexed")
    assert system.dead_letters("ordered/") == []
