"""A file without a sender's profile, through the whole flow: recognised, indexed, and told in the outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.adapters.profile_files import load_profiles, load_well_known
from app.model.file import ListingFile
from app.pipeline.account import ProcessedFile
from app.pipeline.flow import FileFlow
from app.pipeline.profile import Profile
from tests.support.limits import limits
from tests.support.memory import START, FakeClock, MemoryIndex, MemoryStore

PROJECT = Path(__file__).resolve().parents[3]
FEEDS = PROJECT / "connectors" / "feeds"
FIXTURES = PROJECT / "tests" / "fixtures"
FORMATS = load_well_known(FEEDS / "well-known")


async def process(
    key: str, path: Path, profile: Profile | None = None
) -> tuple[ProcessedFile, list[dict[str, object]]]:
    store, index = MemoryStore(), MemoryIndex()
    store.put("cars", key, path.read_bytes())
    flow = FileFlow(store, index, lambda bucket, key: profile, limits(), FakeClock(), recognise=FORMATS.recognise)
    processed = await flow.process(ListingFile("cars", key, 5, "e", START, START))
    return processed, [document for _, document in index.documents.values()]


@pytest.mark.parametrize(
    ("name", "source", "key"),
    [
        ("google_vehicle_listings.csv", "lot-7", "lot-7/stock.csv"),
        ("meta_automotive.xml", "cars", "stock.xml"),
        ("schema_org.html", "lot-7", "lot-7/page.html"),
    ],
)
async def test_the_outcome_names_the_format_and_the_sender_is_that_of_the_file(
    name: str, source: str, key: str
) -> None:
    processed, documents = await process(key, FIXTURES / "well-known" / name)
    assert processed.outcome.profile == name.partition(".")[0]
    assert processed.profile is None  # no sender's: nothing is concluded from what the file lacks
    assert processed.outcome.rejected == 0
    assert processed.outcome.indexed == len(documents) > 0
    assert {document["source"] for document in documents} == {source}


async def test_a_senders_profile_wins_over_a_format() -> None:
    profile = load_profiles(FEEDS).match("cars", "craigslist-kaggle/x.csv")
    assert profile is not None
    processed, documents = await process("a/x.csv", FIXTURES / "well-known" / "craigslist_kaggle.csv", profile)
    assert processed.profile is profile
    assert {document["source"] for document in documents} == {profile.source}


async def test_a_file_in_our_own_names_has_no_profile(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,make,model,year,price,currency,vin\n1,Fiat,500,2019,9900,EUR,\n")
    processed, documents = await process("lot-7/x.csv", path)
    assert processed.outcome.profile is None
    assert len(documents) == 1


async def test_a_file_without_records_has_no_profile(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[]")
    processed, documents = await process("lot-7/x.json", path)
    assert (processed.outcome.profile, processed.outcome.read, documents) == (None, 0, [])
