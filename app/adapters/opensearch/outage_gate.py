"""While the index is away, one request at a time asks whether it is back; everything else waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager

from app.errors import Dependency, Outage
from app.failures.backoff import RETRY_AFTER_HEEDED_S, Backoff
from app.observability import metrics
from app.pipeline.index import Target

FIRST_PAUSE_S = 0.1

OnOutage = Callable[[Dependency, bool, str], None]


class OutageGate:
    """The state of the index as its own requests tell it: `outage` is None while it answers."""

    def __init__(
        self,
        longest_pause_s: float,
        on_outage: OnOutage | None,
        draw: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.outage: Outage | None = None
        self._refusing: Target | None = None
        self._blocked: set[object] = set()
        self._pauses = Backoff(FIRST_PAUSE_S, longest_pause_s)
        self._probes = 0
        self._wish_s = 0.0
        self._one_at_a_time = asyncio.Lock()
        self._on_outage = on_outage
        self._draw = draw
        self._sleep = sleep

    def begin(self, outage: Outage, refusing: Target | None = None, blocked: object = None) -> None:
        """Note a failure; `refusing`: only this one of our indices is away.

        `blocked` is the request that it happened to, where others may be taken meanwhile: documents with a field that
        the index does not know, beside those without. Only such a request's success ends the outage then.
        What the failure says of when to ask again (`retry_after_s`) holds for the next probe.
        """
        self._wish_s = min(outage.retry_after_s or 0.0, RETRY_AFTER_HEEDED_S)
        if blocked is not None:
            self._blocked.add(blocked)
        if self.outage is None:
            self.outage = outage
            self._refusing = refusing
            self._probes = 0
            self._tell(True, outage.message)

    def end(self, answered: Collection[Target] = (), request: object = None) -> None:
        """Note an answer to a request, with final results from the indices `answered`.

        When one index was away, only its own answer ends the outage: another one's would open and shut it in turns.
        """
        if self.outage is None or (self._blocked and request not in self._blocked):
            return
        if self._refusing is None or self._refusing in answered:
            self.over()

    def over(self) -> None:
        """End the outage, whatever it was about; for one who knows."""
        self.forget_which()
        if self.outage is not None:
            self.outage = None
            self._tell(False, "")

    def forget_which(self) -> None:
        """Any answer ends the outage from now on; for when the documents that would ask that index are gone."""
        self._refusing = None
        self._blocked.clear()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Entered at once while the index answers, else one by one, each after a pause: these are the probes."""
        if self.outage is None:
            yield
            return
        async with self._one_at_a_time:
            if self.outage is not None:
                self._probes += 1
                pause_s = self._pauses.ceiling_s(self._probes) * (0.5 + 0.5 * self._draw())
                await self._sleep(max(pause_s, self._wish_s))
                yield
                return
        yield  # it ended while we waited for our turn

    def _tell(self, is_open: bool, reason: str) -> None:
        metrics.OUTAGE.labels(Dependency.SEARCH_INDEX).set(int(is_open))
        if self._on_outage is not None:
            self._on_outage(Dependency.SEARCH_INDEX, is_open, reason)
