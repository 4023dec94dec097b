"""Finds out what is behind the schema ids of records: each asked once, side by side, never in each other's way.

Ids come from whoever may write to a topic, so there can be any number of unknown ones. What a registry said of an id is
remembered for a while: for minutes when it is final (a schema of another kind or name), for two seconds when the id is
not known, since a registry of several nodes may learn of it a moment later. A record waits for the answer only while
few ids are asked for; else it comes again, and the answer is there by then.

Registries give out ids in order, so of many unknown ones the lowest may be about to be known: they are asked for first,
and again after two seconds; the others after a minute. (A question for an id that is not there costs a registry some
milliseconds of CPU: thousands of them, three times each, would keep it busy for a minute.)
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from app.errors import FailureCode, Outage, Rejected, Transient

ASKED_AT_ONCE = 4
WAITED_FOR = 32
"""So many ids may be asked for, and still be waited for; the records of more come again a little later."""
_ASKED_FOR_MAX = 10_000
_REMEMBERED_MAX = 10_000
UNKNOWN_FOR_S = 2.0
_LOWEST = 100
_UNLIKELY_FOR_S = 60.0
REFUSED_FOR_S = 300.0
_WHOLE_FOR_S = 5.0
_ID_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class _Answer:
    """Why the schema of an id can not be used; `until` on the monotonic clock."""

    code: FailureCode
    message: str
    is_final: bool
    until: float

    def error(self) -> Rejected | Transient:
        if self.is_final:
            return Rejected(self.code, self.message)
        return Transient(self.code, self.message, UNKNOWN_FOR_S)


class SchemaLookup:
    """`learn` asks the registry for one id and keeps what it needs; it returns whether the registry knows the id, and
    raises `Rejected` when its schema is of no use, `Outage` when the registry is away.

    `is_whole` raises `Outage` while the registry lacks our own schemas: one that has lost everything knows no id.
    """

    def __init__(
        self,
        learn: Callable[[int], Awaitable[bool]],
        is_whole: Callable[[], Awaitable[None]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learn = learn
        self._is_whole = is_whole
        self._monotonic = monotonic
        self._refused: OrderedDict[int, _Answer] = OrderedDict()
        self._unknown: list[int] = []
        """The ids among them that the registry does not know, in order."""
        self._asked: dict[int, asyncio.Future[Outage | None]] = {}
        self._next: list[int] = []
        """Those of them whose turn has not come, the lowest first."""
        self._asking: set[asyncio.Task[None]] = set()
        self._checking = asyncio.Lock()
        self._whole_until = float("-inf")

    async def find(self, schema_id: int) -> None:
        """Return once the schema of the id is learnt.

        `Rejected` when it is of no use; `Transient(SCHEMA_UNKNOWN)` when the registry does not know it (yet), or when
        it is busy with others; `Outage` while the registry is away.
        """
        if not 0 < schema_id <= _ID_MAX:
            raise Rejected(FailureCode.SCHEMA_UNKNOWN, f"expected a schema id from 1 to {_ID_MAX:,}, found {schema_id}")
        self._raise_if_refused(schema_id)
        answer = self._asked.get(schema_id)
        if answer is None:
            if len(self._asked) < _ASKED_FOR_MAX:
                answer = self._asked[schema_id] = asyncio.get_running_loop().create_future()
                heappush(self._next, schema_id)
                self._go_on()
            if answer is None or len(self._asked) > WAITED_FOR:
                raise Transient(
                    FailureCode.SCHEMA_UNKNOWN, f"schema id {schema_id} is still being asked for", UNKNOWN_FOR_S
                )
        outage = await asyncio.shield(answer)
        if outage is not None:
            raise Outage(outage.code, outage.dependency, outage.message, outage.retry_after_s)
        self._raise_if_refused(schema_id)

    async def aclose(self) -> None:
        """Stop asking."""
        self._next.clear()
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    def _go_on(self) -> None:
        while self._next and len(self._asking) < ASKED_AT_ONCE:
            task = asyncio.create_task(self._answer(heappop(self._next)))
            self._asking.add(task)
            task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._go_on()

    async def _answer(self, schema_id: int) -> None:
        answer = self._asked[schema_id]
        try:
            outage = await self._ask(schema_id)
            if not answer.done():
                answer.set_result(outage)
        except BaseException as error:
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # it is seen by those who wait, if anybody does
            if not isinstance(error, Exception):
                raise
        finally:
            del self._asked[schema_id]

    def _raise_if_refused(self, schema_id: int) -> None:
        answer = self._refused.get(schema_id)
        if answer is None:
            return
        if answer.until > self._monotonic():
            raise answer.error()
        self._forget(schema_id)

    def _forget(self, schema_id: int) -> None:
        del self._refused[schema_id]
        at = bisect_left(self._unknown, schema_id)
        if at < len(self._unknown) and self._unknown[at] == schema_id:
            del self._unknown[at]

    async def _ask(self, schema_id: int) -> Outage | None:
        """The outage that kept it from being asked for; None when there is an answer."""
        try:
            if not await self._learn(schema_id):
                await self._check_whole()
                self._refuse(
                    schema_id,
                    FailureCode.SCHEMA_UNKNOWN,
                    f"expected a schema id that the registry knows, found {schema_id}: register its schema first",
                    is_final=False,
                )
        except Rejected as error:
            self._refuse(schema_id, error.code, error.message, is_final=True)
        except Outage as outage:
            return await self._outage_of(schema_id, outage)
        return None

    async def _outage_of(self, schema_id: int, outage: Outage) -> Outage | None:
        """An outage that concerns one id only is the trouble of its records, and nobody else's."""
        try:
            await self._is_whole()
        except Outage as whole:
            return whole
        self._refuse(schema_id, FailureCode.SCHEMA_UNKNOWN, f"schema id {schema_id}: {outage.message}", is_final=False)
        return None

    async def _check_whole(self) -> None:
        async with self._checking:
            if self._monotonic() >= self._whole_until:
                await self._is_whole()
                self._whole_until = self._monotonic() + _WHOLE_FOR_S

    def _refuse(self, schema_id: int, code: FailureCode, message: str, *, is_final: bool) -> None:
        if schema_id in self._refused:
            self._forget(schema_id)
        for_s = REFUSED_FOR_S
        if not is_final:
            for_s = UNKNOWN_FOR_S if bisect_left(self._unknown, schema_id) < _LOWEST else _UNLIKELY_FOR_S
            insort(self._unknown, schema_id)
        self._refused[schema_id] = _Answer(code, message, is_final, self._monotonic() + for_s)
        while len(self._refused) > _REMEMBERED_MAX:
            self._forget(next(iter(self._refused)))
