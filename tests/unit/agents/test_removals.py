"""Removed objects and full feeds, through the files agent: what is gone is marked removed, and only that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
import pytest

from app.agents.files import FilesHandler
from app.agents.guard import guarded
from app.agents.removals import Removals
from app.errors import Dependency, FailureCode, Outage
from app.model.document import Document, WriteResult, version_of
from app.model.file import FileChange, ListingFile
from app.model.outcome import outcome_id
from app.model.removal import StoredListing
from app.pipeline.flow import FileFlow
from app.pipeline.profile import Profile
from app.pipeline.sources import SourceRules, Sources
from app.pipeline.transform import listing_id_of
from app.pipeline.wire import file_to_wire
from tests.support.agents import Parts, ndjson, story_in
from tests.support.feed_text import listing
from tests.support.limits import limits
from tests.support.memory import START
from tests.support.records import source_record

INDEX_DOWN = Outage(FailureCode.UNREACHABLE, Dependency.SEARCH_INDEX, "connection refused")
BAD_YEAR = {**listing(1), "year": "soon", "first_registration": None}


def full_profile(**delivery: object) -> Profile:
    own_names = ("source_listing_id", "make", "model", "year", "price_amount", "price_currency")
    return Profile.model_validate(
        {
            "name": "full",
            "description": "all that a dealer has",
            "source": "dealer",
            "match": [{"key": "full/*"}],
            "delivery": {"kind": "full", **delivery},
            "fields": {name: name for name in own_names},
        }
    )


class Bench(Parts):
    def __init__(self) -> None:
        super().__init__()
        self.profile = full_profile(shrink_free_count=2)
        self.declare()

    def declare(self, *uploads: dict[str, object]) -> None:
        """Say who may speak for which source."""
        sources = Sources(SourceRules.model_validate({"uploads": uploads}))
        self.removals = Removals(self.index, self.standing, self.outages, self.clock, sources)
        flow = FileFlow(
            self.store, self.index, self.profile_for, limits(rejects_min_count=5), self.clock, sources=sources
        )
        files = FilesHandler(
            self.store,
            flow,
            self.removals,
            self.encoder,
            self.handoff,
            self.outcomes,
            self.outages,
            self.clock,
            sources,
        )
        self._handle = guarded(files, self.handoff, "files")

    def profile_for(self, bucket: str, key: str) -> Profile | None:
        return self.profile if key.startswith("full/") else None

    async def upload(self, key: str, *records: object, at_s: float, confirmed: str | None = None) -> None:
        """Put a file as of `at_s` seconds, which the store tells in whole ones, and process it."""
        self.put(key, ndjson(*records), at(int(at_s)))
        await self.work(key, at_s=at_s, confirmed=confirmed)

    async def remove(self, key: str, at_s: float = 0) -> None:
        self.store.objects.pop(("cars", key), None)
        await self.work(key, FileChange.REMOVED, at_s=at_s)

    async def work(
        self,
        key: str,
        change: FileChange = FileChange.CREATED,
        *,
        at_s: float = 0,
        confirmed: str | None = None,
        published_s: float = 3600,
    ) -> None:
        """What the gate has queued as of `at_s`, in a record of `published_s`."""
        file = ListingFile("cars", key, 10, "", at(at_s), START, change=change, confirmed_etag=confirmed)
        value = b"\x00" + orjson.dumps(file_to_wire(file))
        timestamp_ms = version_of(at(published_s))
        await self._handle(source_record(value, key=file.object_id.encode(), timestamp_ms=timestamp_ms))

    def outcome(self, key: str) -> dict[str, object]:
        return self.index.outcomes[outcome_id("cars", key)]

    @property
    def there(self) -> set[str]:
        """The sender's ids of the listings that stand."""
        return {str(one.document["source_listing_id"]) for one in self.index.standing()}

    @property
    def last(self) -> dict[str, object]:
        return self.told[-1]


@pytest.fixture
async def bench() -> Bench:
    return Bench()


def ids(*numbers: int) -> set[str]:
    return {str(listing(number)["source_listing_id"]) for number in numbers}


def stored(bench: Bench, source: str, number: int) -> StoredListing:
    id_ = listing_id_of(source, str(listing(number)["source_listing_id"]))
    return StoredListing(id_, *bench.index.documents[id_])


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


# -- objects that are removed


async def test_a_removed_object_takes_its_listings_along_and_tells_so(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", *map(listing, range(5)), at_s=0)
    await bench.upload("a/2.ndjson", listing(8), at_s=0)
    bench.clock.advance(60)
    await bench.remove("a/1.ndjson")
    assert bench.there == ids(8)
    gone = stored(bench, "a", 3)
    assert (gone.document["status"], gone.document["make"]) == ("removed", listing(3)["make"])
    assert (bench.last["status"], bench.last["removed"], bench.last["key"]) == ("removed", 5, "a/1.ndjson")
    assert bench.last["uploaded_at"] > bench.told[0]["uploaded_at"]  # type: ignore[operator]
    assert bench.dead == []


async def test_what_a_newer_file_has_supplied_since_stays(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1), listing(2), at_s=0)
    await bench.upload("a/2.ndjson", listing(2), at_s=5)
    await bench.remove("a/1.ndjson")
    assert bench.there == ids(2)


async def test_a_newer_file_wins_also_when_it_comes_after_the_removal(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1), at_s=0)
    bench.clock.advance(100)
    await bench.remove("a/1.ndjson")
    await bench.upload("a/2.ndjson", listing(1), at_s=5)
    assert bench.there == ids(1)


async def test_an_older_file_replayed_brings_nothing_back(bench: Bench) -> None:
    await bench.upload("a/old.ndjson", listing(1), at_s=-100)
    await bench.upload("a/1.ndjson", listing(1), at_s=0)
    await bench.remove("a/1.ndjson")
    await bench.work("a/old.ndjson")
    assert bench.there == set()
    assert bench.last["stale"] == 1


async def test_an_object_that_is_there_again_is_not_removed(bench: Bench) -> None:
    """The notifications of removal and upload were swapped, or the removal is replayed."""
    await bench.upload("a/1.ndjson", listing(1), at_s=0)
    told = len(bench.told)
    await bench.work("a/1.ndjson", FileChange.REMOVED)
    assert bench.there == ids(1)
    assert len(bench.told) == told


async def test_uploaded_again_within_the_second_of_the_removal(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1), at_s=0.2)
    await bench.remove("a/1.ndjson", at_s=0.3)
    await bench.upload("a/1.ndjson", listing(1), at_s=0.4)
    assert bench.there == ids(1)
    assert bench.index.outcomes.popitem()[1]["status"] == "indexed"


async def test_an_outcome_is_ordered_by_what_it_is_about_not_by_when_the_work_ended(bench: Bench) -> None:
    """The index was away: a removal is worked off after the object was uploaded again, by a clock that is ahead."""
    await bench.upload("a/1.ndjson", listing(1), at_s=0)
    bench.clock.advance(600)
    await bench.remove("a/1.ndjson", at_s=10)
    assert bench.outcome("a/1.ndjson")["uploaded_at"] == "2026-03-01T10:03:10Z"
    await bench.upload("a/1.ndjson", listing(1), at_s=11)
    assert (bench.outcome("a/1.ndjson")["status"], bench.there) == ("indexed", ids(1))


async def test_a_removal_is_never_later_than_the_record_that_tells_of_it(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1), at_s=0)
    bench.store.objects.clear()
    await bench.work("a/1.ndjson", FileChange.REMOVED, at_s=9e8, published_s=10)
    await bench.upload("a/1.ndjson", listing(1), at_s=11)
    assert (bench.outcome("a/1.ndjson")["status"], bench.there) == ("indexed", ids(1))


async def test_a_removal_told_by_a_clock_that_is_behind_stands_above_what_was_there(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1), at_s=60)
    await bench.remove("a/1.ndjson", at_s=-600)
    assert (bench.outcome("a/1.ndjson")["status"], bench.there) == ("removed", set())


async def test_what_is_known_to_be_removed_is_told_once(bench: Bench) -> None:
    """Replays of its events, in any order, change neither outcome nor count, and are no dead letters."""
    await bench.upload("a/1.ndjson", listing(1), listing(2), at_s=0)
    await bench.remove("a/1.ndjson", at_s=10)
    before = dict(bench.outcome("a/1.ndjson"))
    assert before["removed"] == 2
    for change in (FileChange.REMOVED, FileChange.CREATED, FileChange.REMOVED):
        await bench.work("a/1.ndjson", change, at_s=20)
    assert bench.outcome("a/1.ndjson") == before
    assert (len(bench.told), bench.dead, bench.retries) == (2, [], [])


async def test_a_write_that_was_long_on_its_way_brings_nothing_back(bench: Bench) -> None:
    """A request that timed out here may still reach the index, after the removal."""
    written: list[Document] = []
    write = bench.index.write

    async def kept(documents: Sequence[Document]) -> WriteResult:
        written.extend(documents)
        return await write(documents)

    bench.index.write = kept  # type: ignore[method-assign]
    await bench.upload("a/1.ndjson", listing(1), at_s=0)
    late = list(written)
    await bench.remove("a/1.ndjson", at_s=10)
    assert (await write(late)).stale == 1
    assert bench.there == set()


async def test_a_listing_that_came_behind_the_removal_is_removed_when_that_comes_again(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1), listing(2), at_s=0)
    late = stored(bench, "a", 1)
    del bench.index.documents[late.id]
    await bench.remove("a/1.ndjson", at_s=10)
    assert (bench.there, bench.outcome("a/1.ndjson")["removed"]) == (set(), 1)
    await bench.index.write([Document(late.id, late.version, orjson.dumps(late.document))])
    assert bench.there == ids(1)
    await bench.work("a/1.ndjson", FileChange.REMOVED, at_s=20)
    assert (bench.there, bench.outcome("a/1.ndjson")["removed"]) == (set(), 2)


async def test_a_renamed_object_is_served_under_its_new_name_in_any_order(bench: Bench) -> None:
    for order in ("old new gone", "old gone new", "gone new", "gone old new", "new gone old"):
        other = Bench()
        other.put("a/old.ndjson", ndjson(listing(1)), at(0))
        for step in order.split():
            if step == "gone":
                await other.remove("a/old.ndjson", at_s=0.8)
            elif step == "new":
                await other.upload("a/new.ndjson", listing(1), at_s=0.4)
            else:
                await other.work("a/old.ndjson", at_s=0.2)
        assert other.there == ids(1), order
        assert (other.dead, other.retries) == ([], []), order


# -- the newest version is removed, and the one before it is there again


async def rolled_back(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1, title="first"), at_s=0)
    await bench.upload("a/1.ndjson", listing(1, title="the second"), at_s=60)
    bench.put("a/1.ndjson", ndjson(listing(1, title="first")), at(0))


def titles(bench: Bench) -> list[object]:
    return [one.document["title"] for one in bench.index.standing()]


@pytest.mark.parametrize("told_s", [90.5, 60.2, -600])
async def test_the_object_as_it_is_now_is_read_when_its_newest_version_was_removed(bench: Bench, told_s: float) -> None:
    await rolled_back(bench)
    await bench.work("a/1.ndjson", FileChange.REMOVED, at_s=told_s)
    assert titles(bench) == ["first"]
    outcome = bench.outcome("a/1.ndjson")
    assert (outcome["status"], outcome["indexed"]) == ("indexed", 1)
    assert outcome["etag"] == (await bench.store.head("cars", "a/1.ndjson")).etag
    await bench.work("a/1.ndjson", FileChange.REMOVED, at_s=told_s)
    assert len(bench.told) == 3, "the same again changes nothing"
    await bench.upload("a/1.ndjson", listing(1, title="third"), at_s=120)
    assert titles(bench) == ["third"]


async def test_an_old_version_that_is_removed_leaves_what_is_there_alone(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1, title="mine"), at_s=0)
    await bench.upload("a/2.ndjson", listing(1, title="newer"), at_s=60)
    await bench.work("a/1.ndjson", FileChange.REMOVED, at_s=90)
    assert (titles(bench), len(bench.told)) == (["newer"], 2)


async def test_an_object_whose_removal_is_taken_back_is_served_again(bench: Bench) -> None:
    """A delete marker was removed: the object is there again, older than its removal."""
    await bench.upload("a/1.ndjson", listing(1, title="first"), at_s=0)
    await bench.remove("a/1.ndjson", at_s=60)
    bench.put("a/1.ndjson", ndjson(listing(1, title="first")), at(0))
    await bench.work("a/1.ndjson", FileChange.REMOVED, at_s=90)
    assert (titles(bench), bench.outcome("a/1.ndjson")["status"]) == (["first"], "indexed")


async def test_a_removed_outcome_from_a_clock_that_was_ahead_does_not_hold_out_against_what_is_there(
    bench: Bench,
) -> None:
    await bench.upload("a/1.ndjson", listing(1, title="first"), at_s=0)
    await bench.remove("a/1.ndjson", at_s=200)
    await bench.upload("a/1.ndjson", listing(1, title="the second"), at_s=60)
    assert bench.outcome("a/1.ndjson")["status"] == "removed"
    await bench.work("a/1.ndjson", FileChange.REMOVED, at_s=200, published_s=100)  # as the comparison queues it
    assert (titles(bench), bench.outcome("a/1.ndjson")["status"]) == (["the second"], "indexed")
    await bench.upload("a/1.ndjson", listing(1, title="third"), at_s=101)
    assert titles(bench) == ["third"]
    assert bench.outcome("a/1.ndjson")["uploaded_at"] != bench.last["uploaded_at"], "it is held back still"
    await bench.work("a/1.ndjson", FileChange.REMOVED, at_s=200, published_s=110)
    assert bench.outcome("a/1.ndjson")["etag"] == (await bench.store.head("cars", "a/1.ndjson")).etag
    await bench.upload("a/1.ndjson", listing(1, title="the fourth"), at_s=111)
    assert titles(bench) == ["the fourth"]


async def test_a_removal_waits_for_the_index_and_then_goes_on(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1), at_s=0)
    bench.standing.fail_next = [INDEX_DOWN]
    await bench.remove("a/1.ndjson")
    assert (bench.there, bench.dead, bench.retries) == (set(), [], [])
    await bench.outages.aclose()


async def test_a_store_that_refuses_to_tell_is_no_proof_of_a_removal(bench: Bench) -> None:
    await bench.upload("a/1.ndjson", listing(1), at_s=0)
    bench.store.trouble["a/1.ndjson"] = [INDEX_DOWN.__class__(FailureCode.UNREACHABLE, Dependency.OBJECT_STORE, "away")]
    await bench.work("a/1.ndjson", FileChange.REMOVED)
    assert bench.there == ids(1)
    await bench.outages.aclose()


# -- full feeds


async def test_what_a_full_feed_no_longer_holds_is_removed(bench: Bench) -> None:
    await bench.upload("full/mon.ndjson", *map(listing, range(10)), at_s=0)
    await bench.upload("other/mon.ndjson", listing(77), at_s=0)
    await bench.upload("full/tue.ndjson", *map(listing, range(1, 11)), at_s=60)
    assert bench.there == ids(*range(1, 11), 77)
    assert (bench.last["status"], bench.last["removed"], bench.last["indexed"]) == ("indexed", 1, 10)
    assert stored(bench, "dealer", 0).version == version_of(at(60))


async def test_an_older_full_feed_replayed_neither_brings_back_nor_takes_away(bench: Bench) -> None:
    await bench.upload("full/mon.ndjson", *map(listing, range(10)), at_s=0)
    await bench.upload("full/tue.ndjson", *map(listing, range(1, 11)), at_s=60)
    await bench.work("full/mon.ndjson")
    assert bench.there == ids(*range(1, 11))
    assert (bench.last["stale"], bench.last["removed"]) == (10, 0)


async def test_listings_newer_than_the_feed_stay(bench: Bench) -> None:
    await bench.upload("full/mon.ndjson", *map(listing, range(10)), at_s=0)
    await bench.upload("full/wed.ndjson", *map(listing, range(11)), at_s=120)
    await bench.upload("full/tue.ndjson", *map(listing, range(9)), at_s=60)
    assert bench.there == ids(*range(11))


async def test_a_listing_that_is_in_the_feed_but_refused_is_not_gone(bench: Bench) -> None:
    await bench.upload("full/mon.ndjson", *map(listing, range(10)), at_s=0)
    await bench.upload("full/tue.ndjson", BAD_YEAR, *map(listing, range(2, 10)), at_s=60)
    assert bench.there == ids(*range(1, 10))
    assert (bench.last["rejected"], bench.last["removed"], bench.last["status"]) == (1, 1, "partly_indexed")


@pytest.mark.parametrize("rest", [0, 3, 6])
async def test_an_empty_or_sharply_smaller_feed_is_held_and_dead_lettered_once_with_the_numbers(
    bench: Bench, rest: int
) -> None:
    await bench.upload("full/mon.ndjson", *map(listing, range(10)), at_s=0)
    await bench.upload("full/tue.ndjson", *map(listing, range(rest)), at_s=60)
    assert bench.there == ids(*range(10))
    (dead,) = bench.dead
    story = story_in(dead)
    assert (story.code, story.listing_file, story.listing_record) == (
        FailureCode.FEED_SHRUNK, "cars/full/tue.ndjson", None,
    )  # fmt: skip
    assert f"{10 - rest} of 10 standing listings are not in it, which has {rest} records" in story.message
    assert (bench.last["status"], bench.last["failure_code"], bench.last["indexed"], bench.last["removed"]) == (
        "held", "feed_shrunk", rest, 0,
    )  # fmt: skip


@pytest.mark.parametrize("rest", [0, 3])
async def test_a_held_feed_is_applied_once_a_person_confirms_this_very_content(bench: Bench, rest: int) -> None:
    await bench.upload("full/mon.ndjson", *map(listing, range(10)), at_s=0)
    await bench.upload("full/tue.ndjson", *map(listing, range(rest)), at_s=60)
    etag = str(bench.last["etag"])
    await bench.work("full/tue.ndjson", confirmed="another content")
    assert bench.there == ids(*range(10))
    await bench.work("full/tue.ndjson", confirmed=etag)
    assert bench.there == ids(*range(rest))
    assert (bench.last["status"], bench.last["removed"], bench.last["failure_code"]) == ("indexed", 10 - rest, None)


async def test_a_few_may_always_go_but_never_all(bench: Bench) -> None:
    await bench.upload("full/mon.ndjson", listing(1), listing(2), at_s=0)
    await bench.upload("full/tue.ndjson", listing(1), at_s=60)
    assert (bench.there, bench.dead) == (ids(1), [])
    await bench.upload("full/wed.ndjson", at_s=120)
    assert bench.there == ids(1)
    assert [story_in(dead).code for dead in bench.dead] == [FailureCode.FEED_SHRUNK]


async def test_a_feed_with_records_that_can_not_be_told_apart_is_held(bench: Bench) -> None:
    await bench.upload("full/mon.ndjson", *map(listing, range(10)), at_s=0)
    await bench.upload("full/tue.ndjson", b'{"broken', *map(listing, range(1, 10)), at_s=60)
    assert bench.there == ids(*range(10))
    assert FailureCode.FEED_NOT_WHOLE in [story_in(dead).code for dead in bench.dead]


async def test_a_feed_that_breaks_off_takes_nothing_away(bench: Bench) -> None:
    await bench.upload("full/mon.ndjson", *map(listing, range(10)), at_s=0)
    bench.put("full/tue.json", orjson.dumps([*map(listing, range(5))])[:-20], at(60))
    await bench.work("full/tue.json")
    assert bench.there == ids(*range(10))
    assert [story_in(dead).code for dead in bench.dead] == [FailureCode.FILE_BROKEN]


@pytest.mark.parametrize(
    ("scope", "left"),
    [("sender", {1, 2, 3}), ("folder", {1, 2, 3, 20}), ("key", {1, 2, 3, 10, 20})],
)
async def test_a_feed_speaks_for_its_scope_only(bench: Bench, scope: str, left: set[int]) -> None:
    bench.profile = full_profile(scope=scope)
    await bench.upload("full/north/a.ndjson", *map(listing, [1, 2, 3, 4]), at_s=0)
    await bench.upload("full/north/b.ndjson", *map(listing, [1, 2, 3, 4, 10]), at_s=1)
    await bench.upload("full/south/a.ndjson", *map(listing, [1, 2, 3, 4, 10, 20]), at_s=2)
    bench.index.documents.clear()
    bench.profile = full_profile(scope="key", shrink_free_count=100)
    await bench.upload("full/north/a.ndjson", *map(listing, [1, 2, 3, 4]), at_s=10)
    await bench.upload("full/north/b.ndjson", listing(10), at_s=11)
    await bench.upload("full/south/a.ndjson", listing(20), at_s=12)
    bench.profile = full_profile(scope=scope)
    await bench.upload("full/north/a.ndjson", *map(listing, [1, 2, 3]), at_s=20)
    assert bench.there == ids(*left)


async def test_a_feed_waits_for_the_index_and_then_goes_on(bench: Bench) -> None:
    await bench.upload("full/mon.ndjson", *map(listing, range(10)), at_s=0)
    bench.standing.fail_next = [INDEX_DOWN, INDEX_DOWN]
    await bench.upload("full/tue.ndjson", *map(listing, range(1, 10)), at_s=60)
    assert bench.there == ids(*range(1, 10))
    await bench.outages.aclose()


async def test_a_full_feed_takes_nothing_away_from_a_source_it_may_not_speak_for(bench: Bench) -> None:
    await bench.upload("full/a.ndjson", listing(1), listing(2), at_s=0)
    bench.declare({"prefix": "dealer/", "sources": ["dealer"]})
    for records, code in (
        ([], FailureCode.SOURCE_NOT_ALLOWED),
        ([listing(3)], FailureCode.SOURCE_NOT_ALLOWED),
        ([listing(n) for n in range(10, 40)], FailureCode.TOO_MANY_REJECTS),
    ):
        await bench.upload("full/a.ndjson", *records, at_s=10)
        assert bench.there == ids(1, 2)
        assert bench.dead_codes() == {"cars/full/a.ndjson": code}
        assert bench.told[-1]["failure_code"] == code


async def test_a_removed_object_takes_nothing_away_from_a_source_it_may_not_speak_for(bench: Bench) -> None:
    own = {**listing(2), "source": "evil"}
    await bench.upload("evil/x.ndjson", {**listing(1), "source": "acme"}, own, at_s=0)
    bench.declare({"prefix": "acme/", "sources": ["acme"]})
    await bench.remove("evil/x.ndjson")
    assert [one.document["source"] for one in bench.index.standing()] == ["acme"]


async def test_a_file_may_not_claim_the_source_of_another(bench: Bench) -> None:
    bench.declare({"prefix": "acme/", "sources": ["acme"]})
    await bench.upload("acme/x.ndjson", {**listing(1), "source": "acme"}, at_s=0)
    await bench.upload("evil/x.ndjson", {**listing(1), "source": "acme"}, listing(2), at_s=10)
    assert sorted(str(one.document["source"]) for one in bench.index.standing()) == ["acme", "evil"]
    assert [story_in(dead).code for dead in bench.dead] == [FailureCode.SOURCE_NOT_ALLOWED]
    assert (bench.told[-1]["status"], bench.told[-1]["rejected"]) == ("partly_indexed", 1)
