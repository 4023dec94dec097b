"""Files of every kind that take a lot of memory, many at once; a disk that takes none."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import psutil
import pytest
import zstandard

from tests.support.agents import ndjson
from tests.support.attacked import Attacked
from tests.support.feed_text import listing
from tests.support.packed import LISTING_SCHEMA, avro_file, listing_columns, parquet_file, zip_of
from tests.support.waiting import until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(400)]

_MIB = 1024 * 1024
_NO_CAR: dict[str, object] = {"note": "x" * 4_000}
"""Refused, so that the index has no part in what is looked at."""
_LISTING = listing(1, title="x" * 4_000, make="")


def _text(size: int) -> bytes:
    line = ndjson(_NO_CAR)
    return line * (size // len(line))


def _large_dictionary() -> bytes:
    """Some megabytes with a dictionary of 100 MiB."""
    values = [os.urandom(2_000).hex() + "x" * 96_000 for _ in range(1_050)]
    return parquet_file(
        listing_columns(1_050, title=values), compression="snappy", dictionary_pagesize_limit=2**30, use_dictionary=True
    )


def _long_records() -> bytes:
    """Two records of a megabyte with eighty thousand values each."""
    one = b'{"more":[' + b"1.25e3," * 80_000 + b"1]}"
    return b"[" + one + b",\n" + one + b"]"


_PAGE = (
    b'<html><script type="application/ld+json">{"@type":"Car","name":"VW","x":['
    + b'"abcdefghijklmnop",' * 45_000
    + b'"z"]}</script></html>'
)

_HEAVY: dict[str, tuple[Callable[[], bytes], int]] = {
    "dictionary.parquet": (_large_dictionary, 5),
    "window.xz": (lambda: lzma.compress(_text(3 * _MIB) + os.urandom(400_000), preset=6), 6),
    "window.zst": (lambda: zstandard.ZstdCompressor(level=19).compress(os.urandom(3 * _MIB)), 6),
    "block.avro": (lambda: avro_file(LISTING_SCHEMA, [[_LISTING] * 2_500], "deflate"), 6),
    "plain.avro": (lambda: avro_file(LISTING_SCHEMA, [[_LISTING] * 1_000]), 6),
    "lzma.zip": (lambda: zip_of({"a.ndjson": _text(3 * _MIB)}, 14), 6),
    "block.bz2": (lambda: bz2.compress(os.urandom(2 * _MIB)), 6),
    "long.json": (_long_records, 12),
    "page.html": (lambda: _PAGE, 8),
    "bomb.gz": (lambda: gzip.compress(_text(9 * _MIB)), 12),
}


def test_heavy_files_of_every_kind_at_once_stay_within_one_budget(attacked: Attacked) -> None:
    system = attacked.system
    contents = [(name, build(), count) for name, (build, count) in _HEAVY.items()]
    keys = [(f"heavy{number % 3}/{number}-{name}", data) for name, data, count in contents for number in range(count)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: system.upload(*one), keys))
    attacked.neighbour_is_served()
    until("a file that waits, or all are done", lambda: _waiting(attacked) or _outcomes(attacked) == len(keys))
    attacked.neighbour_is_served()
    until(f"the outcomes of {len(keys)} files", lambda: _outcomes(attacked) == len(keys), 300, 0.5)


def _waiting(attacked: Attacked) -> float:
    return attacked.system.metric(attacked.worker, "listings_memory_waiting_files")


def _outcomes(attacked: Attacked) -> int:
    system = attacked.system
    system.refresh()
    body = {"size": 0, "track_total_hits": True, "query": {"prefix": {"key": "heavy"}}}
    return int(system.search(body, system.settings.opensearch.outcomes_index)["hits"]["total"]["value"])


def test_a_scratch_folder_that_takes_nothing_is_an_outage_of_the_worker(attacked: Attacked) -> None:
    system, worker = attacked.system, attacked.worker
    data_dir = psutil.Process(worker.process.pid).environ()["LISTINGS_WORKER__DATA_DIR"]
    folder = Path(data_dir) / "scratch"
    if folder.exists():
        folder.rmdir()  # files that are kept there have no names
    folder.write_text("")  # a file where the folder has to be: fails for everybody, root too
    good = zip_of({"stock.csv": b"source_listing_id,make,model,year\n1,Volkswagen,Golf,2019\n"})
    keys = [f"disk/{number}.zip" for number in range(3)] + ["disk/one.parquet"]
    for key in keys:
        system.upload(key, parquet_file(listing_columns(1)) if key.endswith("parquet") else good)
    url = f"http://127.0.0.1:{worker.port}/readyz"
    until("the worker says so", lambda: "LISTINGS_WORKER__DATA_DIR" in httpx.get(url).text)
    assert httpx.get(url).status_code == 503
    attacked.neighbour_is_served()
    folder.unlink()
    outcomes = [system.wait_outcome(key) for key in keys]
    assert [(one["status"], one["attempts"]) for one in outcomes] == [("indexed", 1)] * len(keys)
    assert system.dead_letters("disk/") == []
    until("the worker is ready", lambda: httpx.get(url).status_code == 200)
