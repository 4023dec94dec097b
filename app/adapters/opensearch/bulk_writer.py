"""The shared bulk writer: documents of all callers in common `_bulk` requests, each followed to its final result.

Work is done for each request, not for each document: no task, future or log line for a document.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from app.adapters.opensearch.outage_gate import OnOutage, OutageGate
from app.adapters.opensearch.paced import BulkTransport, PacedTransport
from app.errors import Dependency, FailureCode, Outage, Rejected
from app.failures.backoff import Backoff
from app.model.document import Document, WriteResult
from app.observability import metrics
from app.pipeline.index import Batch, BulkQueue, Piece, Target, bulk_body, halves
from app.pipeline.index_answer import Settled, indices_of, moved, refuse, refuses_some, settle, unknown_field
from app.settings import OpenSearchSettings

QUEUED_REQUESTS = 2
"""Documents handed in and unfinished are bounded by this many times what may be under way at present."""
_OLDER = "the index is older than this release: `listings index apply` adds what is missing"
ITEM_PAUSE_S = 0.1
ITEM_PAUSE_MAX_S = 5.0
_LOOK_AGAIN_S = 1.0
"""So long a good look at the index holds, however many documents are refused meanwhile."""
ATTEMPTS_WITHOUT_PROGRESS = 3
"""After so many answers that took nothing, an overloaded index is an outage."""


Fit = Callable[[float], Awaitable[Collection[str] | None]]
"""The names of the indices that are written to, of a look at them no older than so many seconds; `Outage` when one can
not hold what is written, None where nobody may look (`app.agents.index_watch`)."""


class BulkWriter:
    """Implements `app.ports.ListingIndex`.

    An outage is waited out inside: its requests are sent again, one at a time, for as long as it takes. `outage`
    tells of it, and `on_outage(dependency, open, reason)` is called when one begins and when it ends. How many
    requests are under way at once follows what the index can take (`app.pipeline.concurrency`).
    """

    def __init__(
        self,
        transport: BulkTransport,
        settings: OpenSearchSettings,
        *,
        on_outage: OnOutage | None = None,
        fit: Fit | None = None,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = PacedTransport(transport, settings)
        self._linger_s = settings.bulk_linger_s
        self._flush_s = settings.request_timeout_s
        self._queue = BulkQueue(settings.bulk_max_documents, settings.bulk_max_bytes)
        self._request_documents = settings.bulk_max_documents
        self._request_bytes = settings.bulk_max_bytes
        self._listings = Target(b'{"index":{"_id":')
        index = orjson.dumps(settings.outcomes_index)
        self._outcomes = Target(b'{"index":{"_index":%b,"require_alias":false,"_id":' % index)
        self._fit = fit
        self._names: frozenset[str] | None = None
        self._gate = OutageGate(settings.outage_probe_max_s, on_outage, draw, sleep)
        self._pauses = Backoff(ITEM_PAUSE_S, ITEM_PAUSE_MAX_S)
        self._draw = draw
        self._sleep = sleep

        self._results: dict[Batch, asyncio.Future[WriteResult]] = {}
        self._door = asyncio.Lock()
        self._room = asyncio.Event()
        self._carriers: set[asyncio.Task[None]] = set()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._flushing = False
        self._closed = False

    @property
    def outage(self) -> Outage | None:
        """Why nothing is written at the moment; None: the index answers."""
        return self._gate.outage

    def hold(self, outage: Outage) -> None:
        """Write nothing until the index is found fit again."""
        self._gate.begin(outage)

    def release(self) -> None:
        """The index was found fit: where nothing waits that would try it, the outage is over."""
        if not self._carriers:
            self._gate.over()

    @property
    def unfinished(self) -> int:
        """Documents handed in and not yet written."""
        return self._queue.unfinished_documents

    async def write(self, documents: Sequence[Document]) -> WriteResult:
        """Returns when each document is in the index, was newer there, or is finally refused; waits when full."""
        if not documents:
            return WriteResult(0, 0)
        return await self._enter(self._listings, documents)

    async def write_outcome(self, document: Document) -> None:
        """Keep a file's outcome; `Rejected(INDEX_REFUSED)` when the index does not take it."""
        result = await self._enter(self._outcomes, (document,))
        for item in result.refused:
            raise Rejected(FailureCode.INDEX_REFUSED, f"the outcome {item.id} is refused by its index: {item.reason}")

    async def aclose(self, limit_s: float | None = None) -> None:
        """Send what is queued, for at most `limit_s` (None: one request's time-out); then give the rest up.

        Callers still waiting after that get the outage as an exception: their documents were not confirmed.
        """
        self._flushing = True
        self._pump()
        try:
            async with asyncio.timeout(self._flush_s if limit_s is None else limit_s):
                while self._results or self._door.locked():
                    if self._carriers:
                        await asyncio.wait(self._carriers, return_when=asyncio.FIRST_COMPLETED)
                    await asyncio.sleep(0)
        except TimeoutError:
            for carrier in self._carriers:
                carrier.cancel()
            await asyncio.gather(*self._carriers, return_exceptions=True)
        self._closed = True
        self._room.set()
        if self._timer is not None:
            self._timer.cancel()
        gave_up = self.outage or _not_confirmed()
        for result in self._results.values():
            if not result.done():
                result.set_exception(gave_up)
        self._results.clear()

    # -- queueing ------------------------------------------------------------------------------------------------

    async def _enter(self, target: Target, documents: Sequence[Document]) -> WriteResult:
        loop = asyncio.get_running_loop()
        async with self._door:  # in the order of the calls, also for those who wait for room
            while self._full and not self._closed:
                self._room.clear()
                await self._room.wait()
            if self._closed:
                raise _not_confirmed()
            batch = Batch(target, len(documents))
            result: asyncio.Future[WriteResult] = loop.create_future()
            self._results[batch] = result
            if self._queue.documents == 0:
                self._due = loop.time() + self._linger_s
            self._queue.add(batch, documents)
            self._pump()
        return await result

    @property
    def _full(self) -> bool:
        queue, requests = self._queue, QUEUED_REQUESTS * self._transport.limit
        return (
            queue.unfinished_documents >= requests * self._request_documents
            or queue.unfinished_bytes >= requests * self._request_bytes
        )

    def _pump(self) -> None:
        """Start the requests that are full or due, while fewer are under way than may be."""
        queue = self._queue
        while queue.documents and len(self._carriers) < self._transport.limit:
            now = asyncio.get_running_loop().time()
            if not (queue.fills_a_request or self._flushing or now >= self._due):
                self._wake_at(self._due)
                return
            carrier = asyncio.create_task(self._carry(queue.take()))
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carried)
            self._due = now + self._linger_s

    def _wake_at(self, due: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(due, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._pump()

    def _carried(self, carrier: asyncio.Task[None]) -> None:
        self._carriers.discard(carrier)
        if not carrier.cancelled():
            self._pump()

    # -- one request, until each of its documents has a final result ----------------------------------------------

    async def _carry(self, pieces: list[Piece]) -> None:
        requests = [pieces]
        request = object()
        stalled = 0
        try:
            while requests:
                async with self._gate.turn():
                    rest = await self._send(requests[-1], request)
                requests[-1:] = rest.requests
                stalled = 0 if rest.progress else stalled + 1
                if rest.pause and self.outage is None:
                    await self._pause(stalled)
        except Exception as error:
            self._fail(requests, error)

    async def _send(self, pieces: list[Piece], request: object) -> _Rest:
        """One try; `request` tells what is carried here from what others carry."""
        try:
            if self.outage is not None:
                await self._look(0.0)
            answer = await self._transport.bulk(bulk_body(pieces))
            await self._judge_index(pieces, answer)
            settled = settle(self._queue, pieces, answer)
        except _Unfit as unfit:
            self._gate.begin(unfit, blocked=request)
            return _Rest([pieces])
        except Outage as outage:
            self._gate.begin(outage)
            # An index that is short of memory may take the half of it.
            return _Rest(halves(pieces) if outage.code is FailureCode.OVERLOADED else [pieces])
        except Rejected as rejected:
            return await self._refused(pieces, rejected, request)
        self._note(settled, request)
        again = [settled.again] if settled.again else []
        return _Rest(again, progress=bool(settled.touched), pause=bool(again))

    async def _look(self, max_age_s: float) -> None:
        """Whether the index can hold what is written to it; `Outage` when it can not."""
        if self._fit is not None:
            names = await self._fit(max_age_s)
            self._names = None if names is None else frozenset(names)

    async def _judge_index(self, pieces: list[Piece], answer: Mapping[str, Any]) -> None:
        """Before an answer counts: did the documents go where they should, and is it they that are refused?"""
        if self._fit is None:
            return
        names = indices_of(answer)
        try:
            if self._names is None or not names <= self._names:
                await self._look(0.0)
            elif refuses_some(answer):
                await self._look(_LOOK_AGAIN_S)
        except Outage as outage:
            raise _Unfit(outage.code, outage.dependency, outage.message) from outage
        if self._names is None and (unknown := unknown_field(answer)) is not None:
            raise _Unfit(FailureCode.INDEX_UNAVAILABLE, Dependency.SEARCH_INDEX, f"{unknown}; {_OLDER}")
        others = sorted(names - (names if self._names is None else self._names))
        if others or moved(pieces, answer):
            raise _Unfit(*_sent_elsewhere(others))

    async def _refused(self, pieces: list[Piece], rejected: Rejected, request: object) -> _Rest:
        """After a request that was refused as a whole."""
        try:
            if rejected.code is not FailureCode.RECORD_TOO_BIG:
                await self._look(_LOOK_AGAIN_S)
        except Outage as outage:
            self._gate.begin(outage, blocked=request)
            return _Rest([pieces])
        self._gate.end(request=request)
        return _Rest(self._divide(pieces, rejected), progress=True)

    def _divide(self, pieces: list[Piece], rejected: Rejected) -> list[list[Piece]]:
        """A request refused as a whole is halved until the one document that is the reason stands alone."""
        parts = halves(pieces)
        if len(parts) > 1:
            return parts
        for piece in pieces:
            refuse(self._queue, piece, rejected.message)
            self._complete(piece.batch)
        self._room.set()
        return []

    def _note(self, settled: Settled, request: object) -> None:
        for status, count in settled.statuses.items():
            metrics.BULK_ITEMS.labels(status).inc(count)
        if settled.outage is not None:
            self._gate.begin(settled.outage, settled.refusing, request)
        elif settled.touched:
            self._gate.end(settled.targets, request)
        for batch in settled.touched:
            self._complete(batch)
        self._room.set()

    async def _pause(self, stalled: int) -> None:
        """Before items that were answered 429 or 5xx are sent again."""
        if stalled >= ATTEMPTS_WITHOUT_PROGRESS:
            self._gate.begin(_overloaded(stalled))
        else:
            await self._sleep(self._pauses.delay_s(stalled, self._draw))

    def _complete(self, batch: Batch) -> None:
        if batch.left == 0:
            result = self._results.pop(batch, None)
            if result is not None and not result.done():
                result.set_result(batch.result())

    def _fail(self, requests: list[list[Piece]], error: Exception) -> None:
        """A fault of ours: whoever waits for these documents is told."""
        for piece in [piece for request in requests for piece in request]:
            self._queue.finish(piece)
            result = self._results.pop(piece.batch, None)
            if result is not None and not result.done():
                result.set_exception(error)
        self._gate.forget_which()
        self._room.set()


class _Unfit(Outage):
    """The index is not what it has to be, and the answer of this request told."""


class _Rest(NamedTuple):
    """What is left of a request after an answer: to be sent again, after a `pause` or at once."""

    requests: list[list[Piece]]
    progress: bool = False
    """At least one document got its final result."""
    pause: bool = False


def _overloaded(attempts: int) -> Outage:
    return Outage(
        FailureCode.OVERLOADED,
        Dependency.SEARCH_INDEX,
        f"OpenSearch took no document of a request in {attempts} attempts in a row (429 or 5xx for each)",
    )


def _sent_elsewhere(names: Sequence[str]) -> tuple[FailureCode, Dependency, str]:
    where = f"in {names[0]}" if names else "under other ids"
    return (
        FailureCode.INDEX_UNAVAILABLE,
        Dependency.SEARCH_INDEX,
        f"documents were kept {where}, where nobody looks for them: an ingest pipeline, or an alias that was moved. "
        "index.default_pipeline and index.final_pipeline are to be _none, and one index behind the alias",
    )


def _not_confirmed() -> Outage:
    return Outage(
        FailureCode.INDEX_UNAVAILABLE, Dependency.SEARCH_INDEX, "the writer was closed before the index confirmed"
    )
