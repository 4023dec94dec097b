"""The audit after every run: nothing lost, nothing twice, nothing wrongly dead, every file accounted for."""

from __future__ import annotations

from dataclasses import dataclass

from app.adapters.kafka_reader import KafkaReader
from tests.support.system import System
from tests.support.waiting import until

SOURCE_TOPICS = ("listing-uploads", "listing-files", "listings", "listing-retry")


@dataclass(frozen=True, slots=True)
class Audit:
    """What a run ended with."""

    files: int
    listings: int
    in_index: int
    outcomes: int
    outcomes_indexed: int
    dead_letters: int
    repeats: int
    """Outcomes beyond the first of a file: work done again after a kill; harmless, but worth knowing."""


def audit(system: System, prefix: str, files: int, per_file: int, seconds: float = 180) -> Audit:
    """Wait until everything is acknowledged, then count the index, the outcomes and the dead letters."""
    until(
        f"{files} outcomes of {prefix}",
        lambda: count_outcomes(system, prefix) >= files,
        seconds,
        every=0.5,
    )
    system.wait_no_lag(*SOURCE_TOPICS, seconds=seconds)
    system.refresh()
    with KafkaReader(system.settings.kafka) as reader:
        start = f"{system.bucket}/{prefix}/".encode()
        told = [
            record.key
            for record in reader.read("listing-outcomes", reader.watermarks("listing-outcomes"))
            if record.key is not None and record.key.startswith(start)
        ]
    return Audit(
        files=files,
        listings=files * per_file,
        in_index=system.count({"prefix": {"origin.key": f"{prefix}/"}}),
        outcomes=count_outcomes(system, prefix),
        outcomes_indexed=count_outcomes(system, prefix, status="indexed"),
        dead_letters=len(system.dead_letters(f"{prefix}/")),
        repeats=len(told) - len(set(told)),
    )


def count_outcomes(system: System, prefix: str, status: str | None = None) -> int:
    """Files under the prefix that have an outcome (of that status)."""
    filters: list[dict[str, object]] = [{"prefix": {"key": f"{prefix}/"}}]
    if status is not None:
        filters.append({"term": {"status": status}})
    body = {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": filters}}}
    return int(system.search(body, system.settings.opensearch.outcomes_index)["hits"]["total"]["value"])
