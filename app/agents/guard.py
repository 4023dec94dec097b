"""The last line before the ledger: a handler's failure becomes a retry or a dead letter, never a dead worker."""

from __future__ import annotations

from app.agents.handoff import Handoff
from app.agents.intake import Handler
from app.errors import Outage, Skipped
from app.model.source_record import SourceRecord
from app.observability import metrics


def guarded(handler: Handler, handoff: Handoff, stage: str) -> Handler:
    """The handler, with every `Exception` it raises handed on under the stage's name.

    An `Outage` that the handler did not wait out itself is waited out here and the record handled again: it is
    nobody's failure and burns no attempt. What is still raised is a failed handoff: the record can not be
    acknowledged, and the worker has to stop.
    """
    duration = metrics.STAGE_DURATION.labels(stage)

    async def handle(record: SourceRecord) -> None:
        with duration.time():
            while True:
                try:
                    if record.trouble is not None:
                        raise record.trouble
                    await handler(record)
                except Skipped as skipped:
                    metrics.SKIPPED.labels(skipped.code).inc()
                except Outage as outage:
                    await handoff.wait_over(outage)
                    continue
                except Exception as error:
                    await handoff.failed(record, error, stage=stage)
                return

    return handle
