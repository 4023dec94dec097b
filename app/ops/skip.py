"""Having the workers walk past one record that they can not get past by themselves.

The record is kept as a dead letter first, then the workers are told: in between nothing is lost, and to do it again
keeps it twice at worst. Workers that run give the record up, workers that start do not begin it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

import orjson

from app.errors import FailureCode, OperatorError, Rejected
from app.failures.backoff import Backoff
from app.failures.classify import NextStep, Verdict
from app.failures.route import RetryPolicy
from app.model.skip import Skip
from app.model.source_record import SourceRecord
from app.model.topics import DEAD_LETTER_TOPIC, SKIPS_TOPIC
from app.ops.standings import Offsets, standings
from app.ports import Publisher

STAGE = "skip"
_POLICY = RetryPolicy(1, Backoff(1.0, 1.0))


class Reader(Offsets, Protocol):
    """Reads offsets and single records."""

    def record_at(self, topic: str, partition: int, offset: int) -> SourceRecord | None:
        """The record; None when there is none at that offset. What a client library raises when it can not read it."""
        ...


@dataclass(frozen=True, slots=True)
class SkipPlan:
    """What would be done."""

    skip: Skip
    already: Skip | None = None
    """It was done before, so nothing is."""
    record: SourceRecord | None = None
    """The record as it is kept; None: it is on the dead-letter topic already, so nothing has to be."""
    readable: bool = True


def plan_skip(reader: Reader, known: Sequence[Skip], wanted: Skip) -> SkipPlan:
    """What has to be done; `OperatorError` for a place where no record waits, with what there is."""
    same = (skip for skip in known if skip.place == wanted.place and skip.is_of(wanted.topic_id))
    already = next(same, None)
    if already is not None:
        return SkipPlan(wanted, already)
    partitions = {one.partition: one for one in standings(reader, [wanted.topic])}
    standing = partitions.get(wanted.partition)
    if standing is None:
        raise _refused(f"topic {wanted.topic} has partitions 0 to {max(partitions)}, not {wanted.partition}")
    if not standing.low <= wanted.offset < standing.high:
        holds = f"offsets {standing.low} to {standing.high - 1}" if standing.low < standing.high else "nothing"
        raise _refused(f"there is no record {wanted.place}; the partition holds {holds}")
    if wanted.offset < standing.position:
        raise _refused(
            f"record {wanted.place} is acknowledged: the workers are past it, and go on at {standing.position}"
        )
    try:
        record = reader.record_at(wanted.topic, wanted.partition, wanted.offset)
    except OperatorError:
        raise
    except Exception:
        unread = SourceRecord(wanted.topic, wanted.partition, wanted.offset, 0, None, None, {})
        return SkipPlan(wanted, record=unread, readable=False)
    if record is None:
        raise _refused(
            f"at {wanted.place} is no record: the end of a transaction, or one that was aborted or removed; workers "
            "pass over it by themselves"
        )
    readable = record.trouble is None or record.value is not None
    return SkipPlan(wanted, record=None if wanted.topic == DEAD_LETTER_TOPIC else record, readable=readable)


async def carry_out(plan: SkipPlan, publisher: Publisher, now: datetime) -> None:
    """Keep the record as a dead letter, then tell the workers; both confirmed. `Outage(BROKER)` in between: again."""
    if plan.record is not None:
        kept = _POLICY.route(plan.record, _verdict(plan), stage=STAGE, now=now, draw=lambda: 0.0)
        try:
            await publisher.publish(kept.topic, key=plan.record.key, value=plan.record.value, headers=kept.headers)
        except Rejected as refused:
            told = _POLICY.without_content(plan.record, kept.story, refused)
            await publisher.publish(told.topic, key=None, value=None, headers=told.headers)
    value = orjson.dumps(asdict(plan.skip))
    await publisher.publish(SKIPS_TOPIC, key=plan.skip.place.encode(), value=value, headers={})


def _verdict(plan: SkipPlan) -> Verdict:
    unread = "" if plan.readable else "; its bytes could not be read, and are not kept here"
    message = f"{plan.skip.by} had the workers walk past it: {plan.skip.reason}{unread}"
    return Verdict(NextStep.REJECT, FailureCode.SKIPPED_BY_OPERATOR, message)


def _refused(message: str) -> OperatorError:
    return OperatorError(FailureCode.COMMAND_FAILED, f"{message}; nothing was changed")
