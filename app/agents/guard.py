"""The last line before the ledger: a handler's failure becomes a retry or a dead letter, never a dead worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from app.agents.handoff import Handoff
from app.agents.intake import Handler
from app.errors import Outage, Rejected, Skipped
from app.model.source_record import SourceRecord
from app.observability import metrics

Refuse = Callable[[SourceRecord, Rejected], Awaitable[None]]


def guarded(handler: Handler, handoff: Handoff, stage: str, refuse: Refuse | None = None) -> Handler:
    """The handler, with every `Exception` it raises handed on under the stage's name.

    A record that is in trouble already is not handled: `refuse` answers for it, which is to hand it on all the same.

    An `Outage` that the handler did not wait out itself is waited out here and the record handled again: it is
    nobody's failure and burns no attempt. What is still raised is a failed handoff: the record can not be
    acknowledged, and the worker has to stop.
    """
    duration = metrics.STAGE_DURATION.labels(stage)

    async def handle(record: SourceRecord) -> None:
        with duration.time():
            while True:
                try:
                    if record.trouble is None:
                        await handler(record)
                    elif refuse is not None:
                        await refuse(record, record.trouble)
                    else:
                        raise record.trouble
                except Skipped as skipped:
                    metrics.SKIPPED.labels(skipped.code).inc()
                except Outage as outage:
                    await handoff.wait_over(outage)
                    continue
                except Exception as error:
                    await handoff.failed(record, error, stage=stage)
                return

    return handle
