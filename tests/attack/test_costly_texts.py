"""Contents that once froze a reader, or held the event loop for seconds, uploaded to the running product."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest

from tests.attack.adversarial import KIB
from tests.attack.shapes import Shape, shapes
from tests.support.attacked import Attacked
from tests.support.waiting import until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(600)]
SIZE = 512 * KIB
FREEZING = "unclosed escapes"
"""As it was found: an NDJSON line or a script of a page that opens a string with escaped quotes and never closes it."""
REFUSED = {
    ("ndjson", FREEZING),
    ("html", f"script: {FREEZING}"),
    ("json", FREEZING),
    ("json array", FREEZING),
    ("json", "texts without commas"),
    ("ndjson", "texts without commas"),
    ("html", "script: texts without commas"),
    ("json", "unclosed backslashes"),
    ("html", "open scripts"),
    ("csv", "quotes"),
    ("xml", "open elements"),
    ("rss", "open items"),
}
READERS = {"json", "json array", "ndjson", "html", "csv", "tsv", "xml", "rss"}


def test_files_that_once_froze_a_reader_are_refused_and_hold_up_no_neighbour(attacked: Attacked) -> None:
    chosen = [shape for shape in shapes() if (shape.reader, shape.name) in REFUSED]
    assert len(chosen) == len(REFUSED)
    keys = upload(attacked, chosen)
    packed = gzip.compress(next(shape for shape in chosen if shape.name == FREEZING).make(SIZE))
    assert len(packed) < 2 * KIB
    attacked.system.upload("costly/packed.ndjson.gz", packed)
    served_meanwhile(attacked, len(keys) + 1)
    for key in (*keys, "costly/packed.ndjson.gz"):
        outcome = attacked.system.wait_outcome(key)
        assert outcome["status"] in ("rejected", "partly_indexed"), outcome  # some have lines that are no cars as well
        assert (outcome["indexed"], outcome["attempts"]) == (0, 1), outcome


@pytest.mark.slow  # minutes of CPU
def test_texts_of_every_costly_shape_at_once_hold_up_no_neighbour(attacked: Attacked) -> None:
    chosen = [shape for shape in shapes() if shape.reader in READERS and shape.profile is None and shape.asserted]
    served_meanwhile(attacked, len(upload(attacked, chosen)))


def upload(attacked: Attacked, chosen: Sequence[Shape]) -> list[str]:
    """Upload one file of each shape, of several senders; their keys."""
    keys = [f"costly/{number % 5}/{number}-{shape.key}" for number, shape in enumerate(chosen)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key, shape: attacked.system.upload(key, shape.make(SIZE)), keys, chosen))
    return keys


def served_meanwhile(attacked: Attacked, count: int) -> None:
    """Assert that a neighbour is served and the worker alive until there are so many outcomes."""
    system, url = attacked.system, f"http://127.0.0.1:{attacked.worker.port}/livez"
    attacked.neighbour_is_served()

    def answered() -> bool:
        assert httpx.get(url, timeout=10).status_code == 200
        system.refresh()
        body = {"size": 0, "track_total_hits": True, "query": {"prefix": {"key": "costly/"}}}
        found = system.search(body, system.settings.opensearch.outcomes_index)
        return int(found["hits"]["total"]["value"]) >= count

    until(f"the outcomes of {count} files", answered, 400, 0.5)
