"""Everything that one worker tells people about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.observability.alerts.conditions import Condition, Kind
from app.observability.alerts.dead_letters import DeadLetterDigest, Letter
from app.observability.alerts.texts import Message, counted
from app.observability.alerts.watches import (
    DownServer,
    FreshnessWatch,
    LagWatch,
    Progress,
    ReadingWatch,
    StuckWatch,
    TransactionWatch,
    servers_down,
)
from app.settings import AlertsSettings

OTHERS_WAIT_TIMES = 10
"""An outage is mostly seen by all workers: one of them tells of it. The others can not know whether it sees the same,
so they tell of theirs when it has lasted so many times longer."""

OUTAGE = Kind("outage", "Down", "Up again", ("listings status", "docs/OPERATIONS.md, Outages"))
LAG = Kind("lag", "Lag grows", "Lag no longer grows", ("listings status", "docs/OPERATIONS.md, The lag grows"))
STUCK = Kind(
    "stuck",
    "Commits do not move",
    "Commits move again",
    ("listings status", "docs/OPERATIONS.md, Commits do not move"),
)
REFUSED = Kind(
    "refused",
    "Dead letters are refused",
    "Dead letters are taken again",
    ("listings topics diff", "docs/OPERATIONS.md, Sizes of records"),
)
READING = Kind(
    "reading",
    "Not all is read",
    "All is read again",
    ("listings status", "docs/OPERATIONS.md, Topics and the group"),
)
TRANSACTION = Kind(
    "transaction",
    "A transaction is open for long",
    "Transactions end again",
    ("listings status", "docs/OPERATIONS.md, Transactions"),
)
SCHEMA = Kind(
    "schema",
    "A schema lacks what ours has",
    "No schema lacks anything",
    ("listings schemas check", "docs/SECURITY.md, The schema registry"),
)
FRESHNESS = Kind("freshness", "Late", "In time again", ("listings status", "listings outcomes list"))


@dataclass(frozen=True, slots=True)
class Observation:
    """What a worker sees of itself at one moment."""

    now: float
    """Monotonic seconds."""
    down: Sequence[DownServer] = ()
    tells_first: bool = True
    """This is the one worker that tells of an outage first."""
    handing_over: bool = False
    """It takes no records at the moment: partitions are handed over, or none are assigned."""
    held: int = 0
    """Records held because the dead-letter topic does not take them."""
    partitions: Mapping[tuple[str, int], Progress] = field(default_factory=dict)
    not_reading: Sequence[str] = ()
    """What is wrong with the topics or the group, in a sentence each."""
    freshness: Sequence[tuple[float, float]] = ()
    """Upper bounds in seconds, with the number of files up to each."""
    schemas: Mapping[str, str] = field(default_factory=dict)
    """Subjects whose latest version lacks what ours has, with a sentence each."""


class Alarms:
    """Keeps what was seen, and says what has to be told."""

    def __init__(self, settings: AlertsSettings) -> None:
        self._settings = settings
        self._letters = DeadLetterDigest(settings.gather_s, settings.every_s)
        self._lag = LagWatch(settings.lag_min, settings.window_s)
        self._stuck = StuckWatch(settings.stuck_after_s)
        self._reading = ReadingWatch(settings.outage_after_s)
        self._transactions = TransactionWatch(settings.window_s)
        self._freshness = FreshnessWatch(settings.freshness_max_s, settings.window_s)
        kinds = (OUTAGE, REFUSED, LAG, STUCK, READING, TRANSACTION, FRESHNESS, SCHEMA)
        self._conditions = {kind: Condition(kind, settings.every_s, settings.remind_s) for kind in kinds}

    def dead_letter(self, now: float, letter: Letter) -> None:
        """Note a dead letter; `now` in monotonic seconds."""
        self._letters.add(now, letter)

    def observe(self, seen: Observation) -> list[Message]:
        """What has to be told now."""
        after_s = self._settings.outage_after_s * (1 if seen.tells_first else OTHERS_WAIT_TIMES)
        found = {
            OUTAGE: servers_down(seen.down, after_s),
            REFUSED: _refused(seen.held),
            LAG: self._lag.see(seen.now, _lags(seen.partitions)),
            STUCK: self._stuck.see(seen.now, seen.partitions, bool(seen.down) or seen.handing_over),
            READING: self._reading.see(seen.now, seen.not_reading),
            TRANSACTION: self._transactions.see(seen.now, seen.partitions),
            SCHEMA: seen.schemas if seen.tells_first else {},
            FRESHNESS: self._freshness.see(seen.now, seen.freshness),
        }
        messages = self._letters.due(seen.now)
        for kind, findings in found.items():
            messages += self._conditions[kind].update(seen.now, findings)
        return messages

    def rest(self, now: float) -> list[Message]:
        """What is left to be told when the worker stops: dead letters that were acknowledged and not told yet."""
        return self._letters.rest(now)


def _refused(held: int) -> dict[str, str]:
    if not held:
        return {}
    return {
        "listing-dlq": f"listing-dlq does not take the dead letters of {counted(held, 'record')}; nothing is lost, and "
        "they are tried again until it does: raise its max.message.bytes"
    }


def _lags(partitions: Mapping[tuple[str, int], Progress]) -> dict[str, int]:
    lags: dict[str, int] = {}
    for (topic, _), progress in partitions.items():
        lags[topic] = lags.get(topic, 0) + progress.waiting
    return lags
