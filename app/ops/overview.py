"""How the whole is doing: what is behind, what is dead, how fresh the index is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from app.model.topics import DEAD_LETTER_TOPIC, READ_TOPICS
from app.ops.standings import Offsets, standings


class Tops(Offsets, Protocol):
    """Offsets that also tell what open transactions hold."""

    def tops(self, topic: str) -> dict[int, int]:
        """The offset after the last record of each partition, those of open transactions included."""
        ...


@dataclass(frozen=True, slots=True)
class TopicLag:
    topic: str
    lag: int
    """Records on the topic that the group has not acknowledged."""
    records: int
    """Records the topic holds."""
    held: int = 0
    """What nobody can read yet: records of open transactions, and what came after the first of them."""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    total: int
    last_day: int
    last_hour: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds from upload to acknowledged by the index, over the latest files; None when there were none."""

    files: int
    p50_s: float | None
    p99_s: float | None


def topic_lags(offsets: Tops) -> list[TopicLag]:
    """The lag of each topic that the workers read."""
    lags = {topic: TopicLag(topic, 0, 0) for topic in READ_TOPICS}
    found = standings(offsets)
    for one in found:
        so_far = lags[one.topic]
        lags[one.topic] = TopicLag(one.topic, so_far.lag + one.lag, so_far.records + one.high - one.low, so_far.held)
    tops = {topic: offsets.tops(topic) for topic in lags}
    for one in found:
        held = max(0, tops[one.topic].get(one.partition, one.high) - one.high)
        lags[one.topic] = replace(lags[one.topic], held=lags[one.topic].held + held)
    return list(lags.values())


def dead_letters(offsets: Offsets, now: datetime) -> DeadLetters:
    """How many dead letters there are, and how many came lately."""
    marks = offsets.watermarks(DEAD_LETTER_TOPIC)

    def since(span: timedelta) -> int:
        starts = offsets.offsets_at(DEAD_LETTER_TOPIC, now - span)
        # Some may have come since the marks were asked for.
        return sum(max(0, high - starts.get(partition, high)) for partition, (_, high) in marks.items())

    total = sum(high - low for low, high in marks.values())
    return DeadLetters(total, since(timedelta(days=1)), since(timedelta(hours=1)))


def freshness(outcomes: Sequence[Mapping[str, Any]], now: datetime, span: timedelta) -> Freshness:
    """Percentiles over the outcomes processed within `span`; `outcomes` are documents of the outcome index."""
    ages = sorted(
        (_time(outcome["processed_at"]) - _time(outcome["uploaded_at"])).total_seconds()
        for outcome in outcomes
        if outcome["indexed"] and now - _time(outcome["processed_at"]) <= span
    )
    if not ages:
        return Freshness(0, None, None)
    return Freshness(len(ages), ages[len(ages) // 2], ages[min(len(ages) - 1, int(len(ages) * 0.99))])


def in_flight_of(workers: Iterable[Mapping[str, Any] | None]) -> dict[str, int]:
    """What the workers that answered (`/readyz`) have in flight together, by topic."""
    total: dict[str, int] = {}
    for worker in workers:
        told = worker.get("in_flight") if worker else None
        for topic, number in told.items() if isinstance(told, Mapping) else ():
            total[str(topic)] = total.get(str(topic), 0) + (number if isinstance(number, int) else 0)
    return total


def outages_of(worker: Mapping[str, Any]) -> dict[str, str]:
    """The servers whose breaker is open in one worker (`/readyz`), with the time since."""
    told = worker.get("outages")
    entries = [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []
    return {str(one.get("dependency")): str(one.get("since")) for one in entries}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
