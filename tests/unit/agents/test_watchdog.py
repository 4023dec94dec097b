"""A worker is restarted when nothing moves, and only then."""

from __future__ import annotations

from app.agents.watchdog import OUTSIDE_S, START_S, TIMER_S, Vitals, Watchdog

STUCK_S = 1200.0
IDLE = Vitals({"listing-files": 0}, {"listing-files": 0})


def ticks(watchdog: Watchdog, first: float, last: float, vitals: Vitals) -> float:
    """Told every second; returns the time of the last."""
    now = first
    while now <= last:
        watchdog.tick(now, vitals)
        now += 1.0
    return now - 1.0


def test_waiting_for_the_broker_at_the_start_is_no_reason() -> None:
    watchdog = Watchdog(STUCK_S)
    assert watchdog.reasons(1e6) == []


def test_a_timer_that_never_starts_is_one() -> None:
    watchdog = Watchdog(STUCK_S)
    watchdog.connected(10)
    assert watchdog.reasons(10 + START_S) == []
    assert watchdog.reasons(11 + START_S) == ["the worker's timer has not run in the 301 s since the start"]
    watchdog.tick(12 + START_S, IDLE)
    assert watchdog.reasons(12 + START_S) == []


def test_a_timer_that_falls_silent_is_one() -> None:
    watchdog = Watchdog(STUCK_S)
    ticks(watchdog, 0, 100, IDLE)
    assert watchdog.reasons(100 + TIMER_S) == []
    assert watchdog.reasons(101 + TIMER_S) == ["the worker's timer has not run for 61 s"]


def test_records_that_wait_while_none_is_finished() -> None:
    watchdog = Watchdog(STUCK_S)
    waiting = Vitals({"listing-files": 5, "listings": 0}, {"listing-files": 7})
    end = ticks(watchdog, 0, STUCK_S, waiting)
    assert watchdog.reasons(end) == []
    end = ticks(watchdog, STUCK_S, STUCK_S + 1, waiting)
    assert watchdog.reasons(end) == ["records wait on listing-files, and none was finished for 1201 s"]
    end = ticks(watchdog, end, end, Vitals({"listing-files": 4}, {"listing-files": 8}))
    assert watchdog.reasons(end) == []


def test_standing_still_on_purpose_is_no_reason_and_its_time_does_not_count() -> None:
    watchdog = Watchdog(STUCK_S)
    end = ticks(watchdog, 0, 5 * STUCK_S, Vitals({"listing-files": 5}, {}, is_member=False, on_purpose=True))
    assert watchdog.reasons(end) == []
    end = ticks(watchdog, end, end + STUCK_S / 2, Vitals({"listing-files": 5}, {}))
    assert watchdog.reasons(end) == []


def test_an_idle_worker_is_fine_for_ever() -> None:
    watchdog = Watchdog(STUCK_S)
    assert watchdog.reasons(ticks(watchdog, 0, 5 * STUCK_S, IDLE)) == []


def test_a_worker_that_left_its_group_and_stays_outside() -> None:
    watchdog = Watchdog(STUCK_S)
    end = ticks(watchdog, 0, 10, IDLE)
    outside = Vitals({}, {}, is_member=False)
    end = ticks(watchdog, end, end + OUTSIDE_S, outside)
    assert watchdog.reasons(end) == []
    end = ticks(watchdog, end, end + 1, outside)
    assert watchdog.reasons(end) == ["the worker is in no consumer group for 301 s"]
    end = ticks(watchdog, end, end, IDLE)
    assert watchdog.reasons(end) == []


def test_a_topic_that_is_given_away_is_forgotten() -> None:
    watchdog = Watchdog(STUCK_S)
    ticks(watchdog, 0, STUCK_S, Vitals({"listing-files": 5}, {}))
    end = ticks(watchdog, STUCK_S, STUCK_S, Vitals({}, {}))
    end = ticks(watchdog, end, end + 10, Vitals({"listing-files": 5}, {}))
    assert watchdog.reasons(end) == []
