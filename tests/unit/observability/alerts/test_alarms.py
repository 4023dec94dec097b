"""One worker's alerts as a whole."""

from __future__ import annotations

from app.errors import FailureCode
from app.observability.alerts.alarms import OTHERS_WAIT_TIMES, Alarms, Observation
from app.observability.alerts.dead_letters import Letter
from app.observability.alerts.watches import DownServer, Progress
from app.settings import AlertsSettings

SETTINGS = AlertsSettings()


def outage_at(alarms: Alarms, now: float, tells_first: bool = True) -> list[str]:
    down = [DownServer("search_index", now, "connection refused")]
    return [message.title for message in alarms.observe(Observation(now, down, tells_first))]


def test_an_outage_is_told_once_and_its_end_too() -> None:
    alarms = Alarms(SETTINGS)
    told = [title for now in range(0, 900) for title in outage_at(alarms, now)]
    assert told == ["Down: search_index"]
    (over,) = alarms.observe(Observation(901.0))
    assert (over.title, over.is_over) == ("Up again: search_index", True)


def test_the_other_workers_wait_whether_it_lasts() -> None:
    alarms = Alarms(SETTINGS)
    late = int(SETTINGS.outage_after_s * OTHERS_WAIT_TIMES)
    assert [now for now in range(0, late + 100) if outage_at(alarms, now, False)] == [late]


def test_every_kind_has_its_message() -> None:
    alarms = Alarms(SETTINGS)
    kinds: set[str] = set()
    alarms.dead_letter(0, Letter("0/1", FailureCode.FILE_BROKEN, "cut off"))
    for now in range(0, 2000, 10):
        seen = Observation(
            now,
            partitions={("listing-files", 0): Progress(7, 100 * now, 100 * now)},
            held=1,
            freshness=[(60.0, 0.0), (3600.0, float(now))],
        )
        kinds |= {message.kind for message in alarms.observe(seen)}
    kinds |= {message.kind for message in alarms.observe(Observation(2000, [DownServer("broker", 99, "away")]))}
    assert kinds == {"dead_letters", "lag", "stuck", "freshness", "refused", "outage"}


def test_what_is_left_is_told_at_the_end() -> None:
    alarms = Alarms(SETTINGS)
    alarms.dead_letter(0, Letter("0/1", FailureCode.FILE_BROKEN, "cut off"))
    assert [message.kind for message in alarms.rest(0)] == ["dead_letters"]


def test_a_schema_that_lacks_what_ours_has_is_told_by_one_worker() -> None:
    found = {"listings-value": "version 2 is the latest and lacks field price_amount"}
    assert Alarms(AlertsSettings()).observe(Observation(0.0, schemas=found, tells_first=False)) == []
    (message,) = Alarms(AlertsSettings()).observe(Observation(0.0, schemas=found))
    assert message.kind == "schema"
    assert "price_amount" in message.body
    assert "listings schemas check" in message.body
