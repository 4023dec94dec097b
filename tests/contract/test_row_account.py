"""No row vanishes: what a file holds, counted by other means, is what its outcome accounts for.

Every sample (where they lie) and every fixture goes through the whole flow into an index in memory; then through it
again with damage done to one row, which may cost that row only.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from app.adapters.profile_files import load_profiles
from app.model.file import ListingFile
from app.model.outcome import FileOutcome
from app.pipeline.flow import FileFlow
from app.pipeline.profile import Profile
from tests.support.limits import limits
from tests.support.memory import START, FakeClock, MemoryIndex, MemoryStore

PROJECT = Path(__file__).resolve().parents[2]
PROFILES = load_profiles(PROJECT / "connectors" / "feeds")
FIXTURES = sorted((PROJECT / "tests" / "fixtures" / "feeds").iterdir())
_SAMPLES = PROJECT.parent / "shared" / "feeds" / "files"
SAMPLES = sorted(_SAMPLES.iterdir()) if _SAMPLES.is_dir() else []
FILES = [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in (*FIXTURES, *SAMPLES)]
CSV_FILES = [
    pytest.param(path, id=f"{path.parent.name}/{path.name}")
    for path in (*FIXTURES, *SAMPLES)
    if path.suffix in (".csv", ".tsv")
]

_RECORD_TAGS = {
    "mobile_de_seller_ad": "ad",
    "meta_vehicle_listings_us": "listing",
    "meta_vehicle_listings_blank_tags": "listing",
    "br_estoque": "veiculo",
    "vincue": "vehicle",
}
"""Of the XML profiles, the element that is a record; counted in the text, also where it is escaped."""


def profile_of(path: Path) -> Profile:
    profile = PROFILES.match("uploads", path.name)
    assert profile is not None
    return profile


def account(name: str, content: bytes) -> tuple[FileOutcome, int]:
    """The outcome of a file, and how many listings are in the index after it."""

    async def run() -> tuple[FileOutcome, int]:
        store, index = MemoryStore(chunk=7_777), MemoryIndex()
        store.put("uploads", name, content)
        flow = FileFlow(store, index, PROFILES.match, limits(rejects_min_count=100_000), FakeClock())
        processed = await flow.process(ListingFile("uploads", name, len(content), "e", START, START))
        return processed.outcome, len(index.documents)

    return asyncio.run(run())


def text_of(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("windows-1252")


def csv_rows(path: Path) -> list[list[str]]:
    delimiter = profile_of(path).format.delimiter or ","
    return list(csv.reader(io.StringIO(text_of(path), newline=""), delimiter=delimiter))


def records_in(path: Path) -> int:
    """Records by another way than the application's: the standard library, or counting tags; blank ones included."""
    if path.suffix in (".csv", ".tsv"):
        return len(csv_rows(path)) - 1
    if path.suffix == ".json":
        value = json.loads(text_of(path))
        for step in re.findall(r"[\w-]+", profile_of(path).format.records or ""):
            value = value[step]
        return len(value)
    tag = _RECORD_TAGS[profile_of(path).name]
    return len(re.findall(rf"(?:<|&lt;){tag}(?=[\s/>]|&gt;)", text_of(path)))


def assert_balanced(outcome: FileOutcome) -> None:
    assert outcome.failure_code is None, outcome.failure_message
    assert outcome.read == outcome.indexed + outcome.stale + outcome.rejected


@pytest.mark.parametrize("path", FILES)
def test_every_record_is_accounted_for(path: Path) -> None:
    outcome, standing = account(path.name, path.read_bytes())
    assert_balanced(outcome)
    assert outcome.read + outcome.blank == records_in(path)
    assert standing <= outcome.indexed


def test_the_sum_over_all_files() -> None:
    total = [account(path.name, path.read_bytes())[0] for path in (*FIXTURES, *SAMPLES)]
    read = sum(outcome.read for outcome in total)
    assert read == sum(outcome.indexed + outcome.stale + outcome.rejected for outcome in total)
    assert read + sum(outcome.blank for outcome in total) == sum(records_in(path) for path in (*FIXTURES, *SAMPLES))
    if SAMPLES:
        assert len(SAMPLES) == 24
        assert read >= 2_500


def unclosed(line: str, mark: str) -> str:
    """A cell that opens a quote and never closes it: https://github.com/stevehansen/csv/issues/114"""
    return f'{mark}"lifted'.join(line.split(mark, 1)) if mark in line else '"' + line


def inch(line: str, mark: str) -> str:
    """An inch mark in the first cell."""
    head, found, tail = line.partition(mark)
    return f'{head} 11" wheels{found}{tail}'


def short(line: str, mark: str) -> str:
    return line.partition(mark)[0] or "x"


def long(line: str, mark: str) -> str:
    return line.rstrip("\r\n") + f"{mark}more{mark}and more{mark}and more still"


@pytest.mark.parametrize("damage", [unclosed, inch, short, long])
@pytest.mark.parametrize("path", CSV_FILES)
def test_a_broken_row_costs_itself_only(path: Path, damage: Callable[[str, str], str]) -> None:
    """The third physical line is spoilt, in files whose rows are lines."""
    content = path.read_bytes()
    ending = b"\r\n" if b"\r\n" in content else b"\n"
    lines = content.split(ending)
    whole, _ = account(path.name, content)
    if len(lines) - lines.count(b"") != len(csv_rows(path)) or whole.read < 3:
        pytest.skip("rows of several lines")
    encoding = "windows-1252" if profile_of(path).format.encoding else "utf-8"
    mark = profile_of(path).format.delimiter or ","
    lines[2] = damage(lines[2].decode(encoding), mark).encode(encoding)
    outcome, _ = account(path.name, ending.join(lines))
    assert_balanced(outcome)
    assert outcome.read == whole.read
    assert outcome.indexed >= whole.indexed - 1
    assert all(reject.record == 2 for reject in outcome.rejects if reject not in whole.rejects)


def test_an_older_record_of_the_same_listing_is_stale() -> None:
    listing = {"source_listing_id": "1", "make": "Ford", "model": "Ka", "year": 2019}
    records = [{**listing, "updated_at": f"2026-01-0{day}T00:00:00Z", "title": str(day)} for day in (2, 1, 3)]
    outcome, standing = account("own.json", json.dumps([*records, records[-1]]).encode())
    assert_balanced(outcome)
    assert (outcome.read, outcome.indexed, outcome.stale, standing) == (4, 3, 1, 1)


def test_blank_rows_are_counted_apart() -> None:
    content = b"id,url,price\n\n , ,\n7,https://a.example/7.html,5\n\n"
    outcome, _ = account("craigslist_kaggle_sparse.csv", content)
    assert (outcome.read, outcome.rejected, outcome.blank) == (1, 1, 3)
