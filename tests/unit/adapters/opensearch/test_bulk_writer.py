"""The shared bulk writer against an index that answers as scripted."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.opensearch.bulk_writer import QUEUED_REQUESTS, BulkWriter, Fit
from app.errors import Dependency, FailureCode, Outage, Rejected
from app.model.document import Document, RefusedItem, WriteResult
from app.observability import metrics
from app.settings import OpenSearchSettings

DOWN = Outage(FailureCode.UNREACHABLE, Dependency.SEARCH_INDEX, "can not be reached")
TOO_LARGE = Rejected(FailureCode.RECORD_TOO_BIG, "too large")
INVALID = Rejected(FailureCode.INDEX_REFUSED, "id is too long")
BUSY = (429, {"type": "rejected_execution_exception", "reason": "queue is full"})
CLOSED = (400, {"type": "index_closed_exception", "reason": "closed"})
BAD = (400, {"type": "mapper_parsing_exception", "reason": "bad field"})
STALE = (409, {"type": "version_conflict_engine_exception", "reason": "newer"})

Status = tuple[int, Mapping[str, str]]


class ScriptedIndex:
    """Keeps documents by external version; answers first what the script says.

    `requests` are the ids of each request; `faults` of a request come first, then those of an id.
    """

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.actions: list[dict[str, Any]] = []
        self.documents: dict[str, tuple[int, bytes]] = {}
        self.faults: deque[Exception] = deque()
        self.item_faults: dict[str, deque[Status]] = {}
        self.check: Callable[[Sequence[str]], Exception | None] = lambda ids: None
        self.results: dict[str, str] = {}
        """What the answer says was done with a document instead of keeping it."""
        self.ids: dict[str, str] = {}
        """The id that the answer tells instead of its own; told for these documents only."""
        self.name = "now"
        self.open = asyncio.Event()
        self.open.set()
        self.at_once = 0
        self.most_at_once = 0

    async def bulk(self, body: bytes) -> Mapping[str, Any]:
        lines = body.splitlines()
        actions = [orjson.loads(line)["index"] for line in lines[::2]]
        ids = [action["_id"] for action in actions]
        self.requests.append(ids)
        self.actions += actions
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            await self.open.wait()
            error = self.faults.popleft() if self.faults else self.check(ids)
            if error is not None:
                raise error
            items = [self._take(action, line) for action, line in zip(actions, lines[1::2], strict=True)]
        finally:
            self.at_once -= 1
        return {"errors": any("error" in item for item in items), "items": [{"index": item} for item in items]}

    def _take(self, action: Mapping[str, Any], body: bytes) -> dict[str, object]:
        id_ = action["_id"]
        if id_ in self.results:
            return {"_index": "alias", "status": 200, "result": self.results[id_]}
        told = {"_id": self.ids[id_]} if id_ in self.ids else {}
        return {"_index": self.name, **told, **self._keep(action, body)}

    def _keep(self, action: Mapping[str, Any], body: bytes) -> dict[str, object]:
        faults = self.item_faults.get(action["_id"])
        if faults:
            status, error = faults.popleft()
            return {"status": status, "error": error}
        known = self.documents.get(action["_id"])
        if known is not None and known[0] > action["version"]:
            return {"status": STALE[0], "error": STALE[1]}
        self.documents[action["_id"]] = (action["version"], body)
        return {"status": 201 if known is None else 200}


class Waits:
    """A `sleep` that does not; it notes for how long it was asked."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0)


class Rig:
    """A writer, its index, and what it told."""

    def __init__(self, writer: BulkWriter, index: ScriptedIndex, waits: Waits, told: list[bool]) -> None:
        self.writer = writer
        self.index = index
        self.waits = waits
        self.told = told


@asynccontextmanager
async def rig(fit: Fit | None = None, **values: float | str) -> AsyncIterator[Rig]:
    index, waits, told = ScriptedIndex(), Waits(), list[bool]()

    def on_outage(dependency: Dependency, is_open: bool, reason: str) -> None:
        assert dependency is Dependency.SEARCH_INDEX
        assert bool(reason) is is_open
        told.append(is_open)

    options = OpenSearchSettings(**{"bulk_linger_s": 0.0, **values})
    writer = BulkWriter(index, options, on_outage=on_outage, fit=fit, draw=lambda: 0.5, sleep=waits)
    try:
        yield Rig(writer, index, waits, told)
    finally:
        index.open.set()
        await writer.aclose(1)


def documents(*ids: str, version: int = 1, body: bytes = b"{}") -> list[Document]:
    return [Document(id_, version, body, record) for record, id_ in enumerate(ids, start=1)]


def numbered(count: int) -> list[Document]:
    return documents(*(f"n{number:04d}" for number in range(count)))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


class TestSharing:
    async def test_many_callers_share_a_request(self) -> None:
        async with rig(bulk_linger_s=0.01) as r:
            results = await asyncio.gather(*(r.writer.write([d]) for d in numbered(50)))
            assert results == [WriteResult(1, 0)] * 50
            assert [len(ids) for ids in r.index.requests] == [50]

    async def test_a_full_request_does_not_linger(self) -> None:
        async with rig(bulk_linger_s=60, bulk_max_documents=3) as r, asyncio.timeout(5):
            assert await r.writer.write(numbered(3)) == WriteResult(3, 0)

    async def test_a_large_batch_is_split_by_number_and_by_size(self) -> None:
        async with rig(bulk_max_documents=3, bulk_in_flight=1) as r:
            assert await r.writer.write(numbered(7)) == WriteResult(7, 0)
            assert [len(ids) for ids in r.index.requests] == [3, 3, 1]
        async with rig(bulk_max_bytes=1_000, bulk_in_flight=1) as r:
            await r.writer.write(documents(*"abcd", body=b"x" * 300))
            assert r.index.requests == [["a", "b"], ["c", "d"]]

    async def test_no_more_requests_at_once_than_set(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=3) as r:
            await r.writer.write(numbered(20))
            assert r.index.most_at_once == 3

    async def test_nothing_to_write_is_written_at_once(self) -> None:
        async with rig() as r:
            assert await r.writer.write([]) == WriteResult(0, 0)
            assert r.index.requests == []

    async def test_writers_wait_while_too_much_is_unfinished(self) -> None:
        async with rig(bulk_max_documents=2, bulk_in_flight=1) as r:
            r.index.open.clear()
            writes = [asyncio.create_task(r.writer.write([d])) for d in numbered(20)]
            await until(lambda: len(r.index.requests) == 1)
            for _ in range(20):
                await asyncio.sleep(0)
            assert r.writer.unfinished == QUEUED_REQUESTS * 2
            r.index.open.set()
            assert await asyncio.gather(*writes) == [WriteResult(1, 0)] * 20

    async def test_who_waits_for_room_is_not_overtaken(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=1) as r:
            r.index.open.clear()

            async def write_again_at_once() -> None:
                await r.writer.write(documents("n0"))
                await r.writer.write([Document("a", 5, b"later")])

            again = asyncio.create_task(write_again_at_once())
            await until(lambda: len(r.index.requests) == 1)
            more = asyncio.create_task(r.writer.write(documents("n1")))
            waits = asyncio.create_task(r.writer.write([Document("a", 5, b"earlier")]))
            await until(lambda: r.writer.unfinished == QUEUED_REQUESTS)
            r.index.open.set()
            await asyncio.gather(again, more, waits)
            assert r.index.documents["a"] == (5, b"later")

    async def test_a_cancelled_writer_does_not_keep_others_waiting(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=1) as r:
            r.index.open.clear()
            writes = [asyncio.create_task(r.writer.write([d])) for d in numbered(6)]
            await until(lambda: len(r.index.requests) == 1)
            writes[2].cancel()
            writes[0].cancel()
            r.index.open.set()
            done = await asyncio.gather(*writes, return_exceptions=True)
            assert [isinstance(result, WriteResult) for result in done] == [False, True, False, True, True, True]


class TestItems:
    async def test_each_document_is_judged_alone_and_reported_to_its_caller(self) -> None:
        async with rig(bulk_linger_s=0.01) as r:
            r.index.item_faults = {"b": deque([BAD]), "d": deque([STALE])}
            first, second = await asyncio.gather(
                r.writer.write(documents("a", "b")), r.writer.write(documents("c", "d"))
            )
            refused = RefusedItem("b", 2, "400 mapper_parsing_exception: bad field")
            assert (first, second) == (WriteResult(1, 0, (refused,)), WriteResult(1, 1))
            assert r.index.requests == [["a", "b", "c", "d"]]

    async def test_only_busy_items_are_sent_again(self) -> None:
        async with rig() as r:
            r.index.item_faults = {"b": deque([BUSY]), "c": deque([BUSY, (503, {"type": "busy"})])}
            assert await r.writer.write(documents("a", "b", "c")) == WriteResult(3, 0)
            assert r.index.requests == [["a", "b", "c"], ["b", "c"], ["c"]]
            assert len(r.waits.asked) == 2
            assert r.told == []

    async def test_an_index_that_is_busy_for_everybody_is_an_outage_until_it_takes_one(self) -> None:
        async with rig() as r:
            r.index.item_faults = {"a": deque([BUSY] * 5), "b": deque([BUSY] * 5)}
            assert await r.writer.write(documents("a", "b")) == WriteResult(2, 0)
            assert r.told == [True, False]
            assert len(r.index.requests) == 6

    async def test_writes_of_one_id_are_in_the_order_of_the_calls(self) -> None:
        async with rig(bulk_in_flight=3) as r:
            r.index.item_faults = {"a": deque([BUSY, BUSY])}
            await asyncio.gather(
                r.writer.write([Document("a", 5, b"1")]),
                r.writer.write([Document("a", 5, b"2"), Document("b", 5, b"b")]),
                r.writer.write([Document("a", 5, b"3")]),
            )
            assert r.index.documents == {"a": (5, b"3"), "b": (5, b"b")}

    async def test_the_last_of_a_repeated_id_in_one_batch_wins(self) -> None:
        async with rig() as r:
            batch = [Document("a", 5, b"first"), Document("a", 5, b"last")]
            assert await r.writer.write(batch) == WriteResult(2, 0)
            assert r.index.documents == {"a": (5, b"last")}

    async def test_an_outcome_goes_to_its_own_index_in_the_same_request(self) -> None:
        async with rig(bulk_linger_s=0.01, outcomes_index="told") as r:
            await asyncio.gather(r.writer.write(documents("a")), r.writer.write_outcome(Document("o", 7, b"{}")))
            assert r.index.requests == [["a", "o"]]
            assert r.index.actions[1] == {
                "_index": "told",
                "require_alias": False,
                "_id": "o",
                "version": 7,
                "version_type": "external_gte",
            }
            assert "_index" not in r.index.actions[0]

    async def test_an_outcome_that_its_index_refuses_is_an_error(self) -> None:
        async with rig() as r:
            r.index.item_faults = {"o": deque([BAD])}
            with pytest.raises(Rejected) as raised:
                await r.writer.write_outcome(Document("o", 7, b"{}"))
            assert raised.value.code is FailureCode.INDEX_REFUSED
            assert "bad field" in raised.value.message


class TestRequestsRefusedAsAWhole:
    async def test_what_is_too_large_is_halved_and_nothing_is_sent_twice_once_it_is_in(self) -> None:
        async with rig() as r:
            r.index.check = lambda ids: TOO_LARGE if len(ids) > 2 else None
            assert await r.writer.write(documents(*"abcdefg")) == WriteResult(7, 0)
            taken = [ids for ids in r.index.requests if len(ids) <= 2]
            assert sorted(id_ for ids in taken for id_ in ids) == list("abcdefg")

    async def test_the_one_document_that_is_too_large_is_refused(self) -> None:
        async with rig() as r:
            r.index.check = lambda ids: TOO_LARGE if "c" in ids else None
            result = await r.writer.write(documents(*"abcde"))
            assert result == WriteResult(4, 0, (RefusedItem("c", 3, "too large"),))
            assert sorted(r.index.documents) == ["a", "b", "d", "e"]
            assert r.told == []

    async def test_one_document_that_makes_the_request_invalid_does_not_sink_its_neighbours(self) -> None:
        async with rig(bulk_linger_s=0.01) as r:
            r.index.check = lambda ids: INVALID if "x" in ids else None
            good, bad = await asyncio.gather(r.writer.write(documents("a", "b")), r.writer.write(documents("x")))
            assert good == WriteResult(2, 0)
            assert bad == WriteResult(0, 0, (RefusedItem("x", 1, "id is too long"),))


class TestOutages:
    async def test_are_waited_out_by_one_probe_at_a_time(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=3, outage_probe_max_s=5) as r:
            r.index.open.clear()
            write = asyncio.create_task(r.writer.write(numbered(9)))
            await until(lambda: r.index.at_once == 3)
            r.index.faults.extend([DOWN] * 12)
            r.index.open.set()
            await until(lambda: r.index.at_once == 0)
            r.index.most_at_once = 0
            await until(lambda: not r.index.faults)
            assert r.index.most_at_once == 1
            assert r.writer.outage is DOWN
            assert await write == WriteResult(9, 0)
            assert r.told == [True, False]
            assert r.writer.outage is None

    async def test_pauses_grow_up_to_the_longest(self) -> None:
        async with rig(outage_probe_max_s=1) as r:
            r.index.faults.extend([DOWN] * 8)
            await r.writer.write(documents("a"))
            assert r.waits.asked == sorted(r.waits.asked)
            assert r.waits.asked[0] == pytest.approx(0.075)
            assert r.waits.asked[-1] == pytest.approx(0.75)

    async def test_are_shown_as_a_metric(self) -> None:
        def shown() -> float | None:
            return metrics.REGISTRY.get_sample_value("listings_outage_open", {"dependency": "search_index"})

        async with rig() as r:
            r.index.open.clear()
            r.index.faults.extend([DOWN, DOWN])
            write = asyncio.create_task(r.writer.write(documents("a")))
            await until(lambda: r.index.at_once == 1)
            r.index.open.set()
            await until(lambda: r.writer.outage is not None)
            assert shown() == 1
            await write
            assert shown() == 0

    async def test_an_index_that_is_closed_refuses_no_document(self) -> None:
        async with rig() as r:
            r.index.item_faults = {"a": deque([CLOSED] * 4), "b": deque([CLOSED] * 4)}
            assert await r.writer.write(documents("a", "b")) == WriteResult(2, 0)
            assert r.told == [True, False]

    async def test_of_the_outcomes_alone_is_not_ended_by_listings(self) -> None:
        async with rig(bulk_in_flight=2) as r:
            r.index.item_faults = {"o": deque([CLOSED] * 6)}
            outcome = asyncio.create_task(r.writer.write_outcome(Document("o", 1, b"{}")))
            await until(lambda: r.told == [True])
            await asyncio.gather(*(r.writer.write([d]) for d in numbered(4)))
            await outcome
            assert r.told == [True, False]

    async def test_a_request_without_an_answer_is_sent_again_and_does_no_harm(self) -> None:
        async with rig() as r:
            r.index.faults.append(Outage(FailureCode.UNREACHABLE, Dependency.SEARCH_INDEX, "no answer in 30 s"))
            r.index.documents["a"] = (1, b"{}")  # the first try did reach the index
            assert await r.writer.write(documents("a", "b")) == WriteResult(2, 0)

    async def test_an_index_short_of_memory_is_offered_less(self) -> None:
        async with rig() as r:
            short = Outage(FailureCode.OVERLOADED, Dependency.SEARCH_INDEX, "circuit_breaking_exception")
            r.index.check = lambda ids: short if len(ids) > 1 else None
            async with asyncio.timeout(5):
                assert await r.writer.write(documents(*"abcd")) == WriteResult(4, 0)
            assert sorted(r.index.documents) == list("abcd")

    async def test_another_server_that_answers_is_no_index(self) -> None:
        async with rig() as r:
            answers: deque[Mapping[str, Any]] = deque([{"status": "ok"}, {"errors": False, "items": []}])
            real = r.index.bulk

            async def bulk(body: bytes) -> Mapping[str, Any]:
                return answers.popleft() if answers else await real(body)

            r.index.bulk = bulk  # type: ignore[method-assign]
            assert await r.writer.write(documents("a")) == WriteResult(1, 0)
            assert r.told == [True, False]

    async def test_a_fault_of_ours_reaches_the_caller_and_blocks_nobody(self) -> None:
        async with rig() as r:
            r.index.faults.append(ZeroDivisionError("a bug"))
            with pytest.raises(ZeroDivisionError):
                await r.writer.write(documents("a"))
            assert await r.writer.write(documents("a")) == WriteResult(1, 0)


class TestAdapting:
    async def test_an_index_that_refuses_gets_fewer_requests_at_once(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=8) as r:
            for id_ in (f"n{number:04d}" for number in range(8)):
                r.index.item_faults[id_] = deque([BUSY])
            await r.writer.write(numbered(40))
            assert r.index.most_at_once == 8
            assert _limit() == 4
            r.index.most_at_once = 0
            await r.writer.write(documents(*(f"later{number}" for number in range(40))))
            assert r.index.most_at_once == 4

    async def test_a_request_refused_as_overload_does_the_same(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=8) as r:
            r.index.faults.append(Outage(FailureCode.OVERLOADED, Dependency.SEARCH_INDEX, "circuit breaker"))
            await r.writer.write(numbered(1))
            assert _limit() == 4

    async def test_an_index_that_is_away_is_not_an_overloaded_one(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=8) as r:
            r.index.faults.extend([DOWN] * 3)
            await r.writer.write(numbered(1))
            assert _limit() == 8

    async def test_it_never_goes_below_its_floor(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=8, bulk_in_flight_min=3) as r:
            for _ in range(10):
                r.index.faults.append(Outage(FailureCode.OVERLOADED, Dependency.SEARCH_INDEX, "circuit breaker"))
                await r.writer.write(numbered(1))
            assert _limit() == 3

    async def test_what_may_wait_shrinks_with_it(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=8) as r:
            r.index.faults.append(Outage(FailureCode.OVERLOADED, Dependency.SEARCH_INDEX, "circuit breaker"))
            await r.writer.write(numbered(1))
            r.index.open.clear()
            writes = [asyncio.create_task(r.writer.write([d])) for d in numbered(40)]
            for _ in range(100):
                await asyncio.sleep(0)
            assert r.writer.unfinished == QUEUED_REQUESTS * 4
            r.index.open.set()
            await asyncio.gather(*writes)

    async def test_the_next_probe_waits_as_long_as_the_index_wishes(self) -> None:
        async with rig() as r:
            wish = Outage(FailureCode.UNREACHABLE, Dependency.SEARCH_INDEX, "answered 503", retry_after_s=9.0)
            r.index.faults.extend([wish, DOWN])
            await r.writer.write(numbered(1))
            assert r.waits.asked[0] == 9.0
            assert r.waits.asked[1] < 1.0, "the wish of an earlier answer is spent"


def _limit() -> float:
    return next(iter(metrics.BULK_LIMIT.collect())).samples[0].value


class TestClosing:
    async def test_sends_what_lingers(self) -> None:
        async with rig(bulk_linger_s=60) as r:
            write = asyncio.create_task(r.writer.write(documents("a")))
            await asyncio.sleep(0)
            await r.writer.aclose()
            assert await write == WriteResult(1, 0)

    async def test_sends_also_what_waits_for_room_and_what_nobody_waits_for(self) -> None:
        async with rig(bulk_max_documents=1, bulk_in_flight=1) as r:
            r.index.open.clear()
            writes = [asyncio.create_task(r.writer.write([d])) for d in numbered(9)]
            await until(lambda: len(r.index.requests) == 1)
            writes[0].cancel()
            closing = asyncio.create_task(r.writer.aclose())
            await asyncio.sleep(0)
            r.index.open.set()
            await closing
            assert len(r.index.documents) == 9
            assert await asyncio.gather(*writes[1:]) == [WriteResult(1, 0)] * 8

    async def test_gives_up_when_the_index_stays_away_and_says_so(self) -> None:
        async with rig() as r:
            r.index.faults.extend([DOWN] * 1_000_000)
            write = asyncio.create_task(r.writer.write(documents("a")))
            await until(lambda: r.writer.outage is not None)
            await r.writer.aclose(0.01)
            with pytest.raises(Outage):
                await write

    async def test_takes_nothing_afterwards(self) -> None:
        async with rig() as r:
            await r.writer.aclose()
            with pytest.raises(Outage):
                await r.writer.write(documents("a"))


_FAULTS = st.sampled_from([BUSY, BAD, CLOSED, (503, {"type": "busy", "reason": "later"})])
_IDS = st.sampled_from([f"id{number}" for number in range(12)])


class TestWhateverHappens:
    @given(
        batches=st.lists(st.lists(_IDS, min_size=1, max_size=5), min_size=1, max_size=10),
        item_faults=st.dictionaries(_IDS, st.lists(_FAULTS, max_size=4), max_size=8),
        faults=st.lists(st.sampled_from([DOWN, TOO_LARGE, None]), max_size=6),
        per_request=st.integers(1, 6),
    )
    @settings(max_examples=60, deadline=None)
    def test_every_document_has_one_result_and_the_last_one_stays(
        self,
        batches: list[list[str]],
        item_faults: dict[str, list[Status]],
        faults: list[Exception | None],
        per_request: int,
    ) -> None:
        asyncio.run(self._run(batches, item_faults, faults, per_request))

    async def _run(
        self,
        batches: list[list[str]],
        item_faults: dict[str, list[Status]],
        faults: list[Exception | None],
        per_request: int,
    ) -> None:
        async with rig(bulk_max_documents=per_request) as r, asyncio.timeout(20):
            r.index.item_faults = {id_: deque(script) for id_, script in item_faults.items()}
            left = deque(faults)
            r.index.check = lambda ids: left.popleft() if left else None
            number = 0
            writes: list[Awaitable[WriteResult]] = []
            for ids in batches:
                batch = []
                for id_ in ids:
                    number += 1
                    batch.append(Document(id_, 1, b"%d" % number, number))
                writes.append(r.writer.write(batch))
            results = await asyncio.gather(*writes)
            assert [x.indexed + x.stale + len(x.refused) for x in results] == [len(ids) for ids in batches]
            assert r.writer.unfinished == 0
            self._last_one_stays(r, batches, results)

    def _last_one_stays(self, r: Rig, batches: list[list[str]], results: Sequence[WriteResult]) -> None:
        """Of the documents of one id that were not refused, the index holds the one handed in last."""
        refused = {item.record for result in results for item in result.refused}
        last: dict[str, int] = {}
        number = 0
        for ids in batches:
            for id_ in ids:
                number += 1
                if number not in refused:
                    last[id_] = number
        assert {id_: int(body) for id_, (_, body) in r.index.documents.items()} == last


def test_bulk_items_are_counted_by_status() -> None:
    async def run() -> Counter[str]:
        before = _counted()
        async with rig() as r:
            r.index.item_faults = {"b": deque([BUSY]), "c": deque([BAD])}
            await r.writer.write(documents("a", "b", "c"))
        return Counter({status: count - before[status] for status, count in _counted().items()})

    assert +asyncio.run(run()) == {"201": 2, "429": 1, "400": 1}


def _counted() -> Counter[str]:
    samples = next(iter(metrics.BULK_ITEMS.collect())).samples
    return Counter({s.labels["status"]: int(s.value) for s in samples if s.name.endswith("_total")})


# -- an index that is not what it has to be

UNFIT = Outage(FailureCode.INDEX_UNAVAILABLE, Dependency.SEARCH_INDEX, "the index is older than this release")
STRICT = (400, {"type": "strict_dynamic_mapping_exception", "reason": "introduction of [new] is not allowed"})


class Look:
    """The index's names, or why it is unfit; None: nobody may look."""

    def __init__(self) -> None:
        self.error: Outage | None = None
        self.names: set[str] | None = {"now"}
        self.looks = 0

    async def __call__(self, max_age_s: float) -> set[str] | None:
        self.looks += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return self.names


class TestFitness:
    async def test_what_an_unfit_index_refuses_is_written_when_it_is_mended(self) -> None:
        look = Look()
        async with rig(fit=look) as r:
            r.index.item_faults = {f"n{n}": deque([STRICT] * 9) for n in range(3)}
            look.error = UNFIT
            old = asyncio.create_task(r.writer.write(documents("n0", "n1", "n2")))
            await until(lambda: r.told == [True])
            await until(lambda: len(r.waits.asked) > 5)
            assert r.told == [True], "one outage, however often it is tried"
            look.error = None
            r.index.item_faults.clear()
            assert await old == WriteResult(3, 0)
            await until(lambda: r.told == [True, False])

    async def test_one_document_that_a_fit_index_refuses_is_a_reject(self) -> None:
        async with rig(fit=Look()) as r:
            r.index.item_faults = {"bad": deque([STRICT])}
            result = await r.writer.write(documents("good", "bad"))
            assert (result.indexed, [item.id for item in result.refused]) == (1, ["bad"])
            assert r.told == []

    async def test_where_nobody_may_look_an_unknown_field_is_an_outage(self) -> None:
        look = Look()
        look.names = None
        async with rig(fit=look) as r:
            r.index.item_faults = {"a": deque([STRICT]), "bad": deque([BAD])}
            assert await r.writer.write(documents("a")) == WriteResult(1, 0)
            assert r.told == [True, False]
            assert len((await r.writer.write(documents("bad"))).refused) == 1

    async def test_others_that_are_taken_do_not_end_an_outage_that_one_request_has(self) -> None:
        async with rig(fit=Look()) as r:
            r.index.results["dropped"] = "noop"
            dropped = asyncio.create_task(r.writer.write(documents("dropped")))
            await until(lambda: r.told == [True])
            for n in range(5):
                assert await r.writer.write(documents(f"o{n}")) == WriteResult(1, 0)
            assert r.told == [True]
            assert not dropped.done(), "what a pipeline drops never counts as indexed"
            r.index.results.clear()
            assert await dropped == WriteResult(1, 0)
            assert r.told == [True, False]

    async def test_documents_that_went_to_another_index_do_not_count(self) -> None:
        look = Look()
        async with rig(fit=look) as r:
            r.index.name = "rolled-over"
            moved = asyncio.create_task(r.writer.write(documents("a")))
            await until(lambda: r.told == [True])
            assert not moved.done()
            look.names = {"now", "rolled-over"}
            assert await moved == WriteResult(1, 0)
            looks = look.looks
            await r.writer.write(documents("b"))
            assert look.looks == looks, "no look while all is as it was"

    async def test_documents_that_were_given_other_ids_do_not_count(self) -> None:
        async with rig(fit=Look()) as r:
            r.index.ids["a"] = "b"
            moved = asyncio.create_task(r.writer.write(documents("a")))
            await until(lambda: r.told == [True])
            assert not moved.done()
            r.index.ids["a"] = "a"
            assert await moved == WriteResult(1, 0)

    async def test_a_request_that_is_refused_as_a_whole_is_no_reject_while_the_index_is_unfit(self) -> None:
        look = Look()
        async with rig(fit=look) as r:
            look.error = UNFIT
            r.index.faults.extend([INVALID] * 2)
            written = asyncio.create_task(r.writer.write(documents("a")))
            await until(lambda: r.told == [True])
            look.error = None
            r.index.faults.clear()
            assert await written == WriteResult(1, 0)

    async def test_a_held_writer_writes_nothing_until_the_index_is_fit(self) -> None:
        look = Look()
        async with rig(fit=look) as r:
            r.writer.hold(UNFIT)
            r.writer.hold(UNFIT)
            look.error = UNFIT
            written = asyncio.create_task(r.writer.write(documents("a")))
            await until(lambda: len(r.waits.asked) > 3)
            assert r.index.requests == []
            look.error = None
            assert await written == WriteResult(1, 0)
            r.writer.hold(UNFIT)
            r.writer.release()
            assert r.told == [True, False, True, False], "with nobody to try it, the look itself ends it"
