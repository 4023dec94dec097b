"""Finds out what is behind the schema ids of records: each asked once, side by side, never in each other's way.

Ids come from whoever may write to a topic, so there can be any number of unknown ones. What a registry said of an id is
remembered for a while: for minutes when it is final (a schema of another kind or name), for two seconds when the id is
not known, since a registry of several nodes may learn of it a moment later. A record waits for the answer only while
few ids are asked for; else it comes again when the answer is there, and that is not counted as a try.

A question for an id that is not there costs a registry some milliseconds of CPU, so thousands of them would take it,
and what shares its machine, away from everybody. Therefore only so many a second may end without a schema; those that
end with one are not slowed down. Registries give out ids in order, so of many unknown ones the lowest may be about to
be known: they are asked for first, and again after two seconds; the others after a minute.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.errors import FailureCode, NotTried, Outage, Rejected, Transient

ASKED_AT_ONCE = 4
UNKNOWN_PER_S = 20
"""So many questions a second may end without a schema: some 13 % of a core of Apicurio's."""
WAITED_FOR = 32
"""So many ids may be asked for, and still be waited for; the records of more come again a little later."""
_WAITED_S = 2.0
_ASKED_FOR_MAX = 10_000
"""Beyond them the highest ids are not asked for, and their records use up their tries."""
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
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._learn = learn
        self._is_whole = is_whole
        self._monotonic = monotonic
        self._rest = rest
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

        `Rejected` when it is of no use; `Transient(SCHEMA_UNKNOWN)` when the registry does not know it (yet);
        `NotTried` when its turn has not come; `Outage` while the registry is away.
        """
        if not 0 < schema_id <= _ID_MAX:
            raise Rejected(FailureCode.SCHEMA_UNKNOWN, f"expected a schema id from 1 to {_ID_MAX:,}, found {schema_id}")
        self._raise_if_refused(schema_id)
        answer = self._asked.get(schema_id) or self._ask_for(schema_id)
        if len(self._asked) > WAITED_FOR and self._ahead_of(schema_id) is not None:
            raise self._not_yet(schema_id)
        await asyncio.wait({answer}, timeout=_WAITED_S)
        if not answer.done() and self._ahead_of(schema_id) is None:
            # It is being asked for: a registry that says nothing is an outage, and told as one.
            await asyncio.wait({answer})
        if not answer.done() or answer.cancelled():
            raise self._not_yet(schema_id)
        outage = answer.result()
        if outage is not None:
            raise Outage(outage.code, outage.dependency, outage.message, outage.retry_after_s)
        self._raise_if_refused(schema_id)

    def _ask_for(self, schema_id: int) -> asyncio.Future[Outage | None]:
        """Have it asked for in its turn; when there are too many already, the highest of them has to go."""
        if len(self._next) >= _ASKED_FOR_MAX:
            if schema_id > self._next[-1]:
                raise Transient(
                    FailureCode.SCHEMA_UNKNOWN,
                    f"schema id {schema_id}: over {_ASKED_FOR_MAX:,} other unknown ids wait to be asked for",
                    _ASKED_FOR_MAX / UNKNOWN_PER_S,
                )
            self._asked.pop(self._next.pop()).cancel()
        answer = self._asked[schema_id] = asyncio.get_running_loop().create_future()
        insort(self._next, schema_id)
        self._go_on()
        return answer

    def _ahead_of(self, schema_id: int) -> int | None:
        """How many come before it; None when it is its turn, or was."""
        at = bisect_left(self._next, schema_id)
        return at if at < len(self._next) and self._next[at] == schema_id else None

    def _not_yet(self, schema_id: int) -> NotTried:
        wait_s = max(UNKNOWN_FOR_S, (self._ahead_of(schema_id) or 0) / UNKNOWN_PER_S)
        return NotTried(FailureCode.SCHEMA_UNKNOWN, f"schema id {schema_id} is still being asked for", wait_s)

    async def aclose(self) -> None:
        """Stop asking."""
        while self._next:
            self._asked.pop(self._next.pop()).cancel()
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    def _go_on(self) -> None:
        while self._next and len(self._asking) < ASKED_AT_ONCE:
            task = asyncio.create_task(self._answer(self._next.pop(0)))
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
        if schema_id in self._refused:
            await self._rest(ASKED_AT_ONCE / UNKNOWN_PER_S)

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
