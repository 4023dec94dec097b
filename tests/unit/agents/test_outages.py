from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

import pytest
from structlog.testing import CapturingLogger

from app.agents.outages import FAILURES_TO_OPEN, OWN_TROUBLE_AFTER_S, Outages
from app.agents.stopping import LeftForLater, StopSignal
from app.errors import Dependency, FailureCode, Outage, Rejected, Transient
from app.failures.backoff import RETRY_AFTER_HEEDED_S, Backoff
from tests.support.agents import Parts, eventually
from tests.support.memory import FakeClock

STORE = Dependency.OBJECT_STORE
DOWN = Outage(FailureCode.UNREACHABLE, STORE, "connection refused")


class Bench:
    def __init__(self) -> None:
        self.up = False
        self.probes = 0
        self.stop = StopSignal()
        self.clock = FakeClock()
        self.probe_takes_s = 0.0
        self.wish_s: float | None = None
        self.outages = Outages({STORE: self.probe}, Backoff(0.001, 0.002), self.clock, self.stop, draw=lambda: 1.0)

    async def probe(self) -> None:
        self.probes += 1
        self.clock.advance(self.probe_takes_s)
        if not self.up:
            raise Outage(FailureCode.UNREACHABLE, STORE, "connection refused", self.wish_s)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.outages.aclose()


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_everybody_waits_behind_one_probe_and_goes_on_when_it_succeeds(bench: Bench) -> None:
    waiting = [asyncio.create_task(bench.outages.wait_over(DOWN)) for _ in range(50)]
    await until(lambda: bench.probes >= 3)
    assert not any(task.done() for task in waiting)
    assert [outage.dependency for outage in bench.outages.open] == [STORE]
    before = bench.probes
    bench.up = True
    await asyncio.gather(*waiting)
    assert bench.probes <= before + 2
    assert bench.outages.open == ()


async def test_an_outage_that_a_writer_tells_of_is_not_ended_by_a_probe_that_does_not_see_it(bench: Bench) -> None:
    bench.outages.changed(STORE, True, "the writer is refused")
    bench.up = True
    await bench.outages.wait_over(DOWN)
    assert [outage.reason for outage in bench.outages.open] == ["the writer is refused"]
    waiting = asyncio.create_task(bench.outages.wait_over(DOWN))
    bench.up = False
    await until(lambda: bench.probes >= 3)
    bench.outages.changed(STORE, False, "")
    assert bench.outages.open, "the probe still says that it is down"
    bench.up = True
    await waiting
    assert bench.outages.open == ()


async def test_an_attempt_is_repeated_until_the_outage_is_over(bench: Bench) -> None:
    calls = 0

    async def attempt() -> str:
        nonlocal calls
        calls += 1
        if not bench.up:
            raise DOWN
        return "done"

    task = asyncio.create_task(bench.outages.ride_out(STORE, "b/k", attempt))
    await until(lambda: bench.probes >= 2)
    bench.up = True
    assert await task == "done"
    assert calls == 2


async def test_trouble_of_one_object_is_its_own(bench: Bench) -> None:
    async def attempt() -> None:
        raise Transient(FailureCode.FETCH_FAILED, "reset")

    for _ in range(FAILURES_TO_OPEN * 3):
        with pytest.raises(Transient):
            await bench.outages.ride_out(STORE, "b/the-same", attempt)
    assert bench.outages.open == ()


async def test_trouble_of_many_objects_in_a_row_is_an_outage(bench: Bench) -> None:
    async def attempt() -> str:
        if not bench.up:
            raise Transient(FailureCode.FETCH_FAILED, "HTTP 500")
        return "done"

    for number in range(FAILURES_TO_OPEN - 1):
        with pytest.raises(Transient):
            await bench.outages.ride_out(STORE, f"b/{number}", attempt)
    task = asyncio.create_task(bench.outages.ride_out(STORE, "b/last", attempt))
    await until(lambda: bench.probes >= 1)
    assert [outage.dependency for outage in bench.outages.open] == [STORE]
    bench.up = True
    assert await task == "done"


async def test_a_success_between_failures_keeps_it_closed(bench: Bench) -> None:
    async def fail() -> None:
        raise Transient(FailureCode.FETCH_FAILED, "HTTP 500")

    async def work() -> None:
        return None

    for number in range(FAILURES_TO_OPEN * 2):
        with pytest.raises(Transient):
            await bench.outages.ride_out(STORE, f"b/{number}", fail)
        if number % 5 == 4:
            await bench.outages.ride_out(STORE, "b/fine", work)
    assert bench.outages.open == ()


async def test_a_stop_ends_the_wait_without_an_answer(bench: Bench) -> None:
    task = asyncio.create_task(bench.outages.wait_over(DOWN))
    await until(lambda: bench.probes >= 1)
    bench.stop.set()
    with pytest.raises(LeftForLater):
        await task


async def test_a_reject_is_an_answer(bench: Bench) -> None:
    async def attempt() -> None:
        raise Rejected(FailureCode.OBJECT_MISSING, "gone")

    with pytest.raises(Rejected):
        await bench.outages.ride_out(STORE, "b/k", attempt)
    assert bench.outages.open == ()


@pytest.mark.parametrize("error", [KeyError("a bug in the probe"), ConnectionResetError(), TimeoutError()])
async def test_a_probe_that_fails_in_its_own_way_does_not_strand_those_who_wait(bench: Bench, error: Exception) -> None:
    probe = bench.probe

    async def failing_at_first() -> None:
        await probe()
        if bench.probes < 4:
            raise error

    bench.up = True
    outages = Outages({STORE: failing_at_first}, Backoff(0.001, 0.002), FakeClock(), bench.stop)
    async with asyncio.timeout(30):  # each failure is logged with its traceback
        await outages.wait_over(DOWN)
    assert bench.probes == 4
    assert outages.open == ()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every pause between probes, none of which is waited for."""
    noted: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        noted.append(seconds)
        await sleep(0)

    monkeypatch.setattr("app.agents.outages.asyncio.sleep", note)
    return noted


async def failing() -> None:
    raise Transient(FailureCode.FETCH_FAILED, "HTTP 500")


async def fill_the_row(bench: Bench) -> None:
    """One failure less than opens it."""
    for number in range(FAILURES_TO_OPEN - 1):
        with pytest.raises(Transient):
            await bench.outages.ride_out(STORE, f"b/{number}", failing)


async def test_the_dependency_says_when_to_ask_again(bench: Bench, pauses: list[float]) -> None:
    bench.wish_s = 3.5
    down = Outage(FailureCode.OVERLOADED, STORE, "slow down", retry_after_s=7.0)
    task = asyncio.create_task(bench.outages.wait_over(down))
    while bench.probes < 2:
        await asyncio.sleep(0)
    bench.up = True
    await task
    assert [pause for pause in pauses if pause][:2] == [7.0, 3.5]


async def test_a_wish_is_heeded_up_to_a_bound(bench: Bench, pauses: list[float]) -> None:
    bench.up = True
    await bench.outages.wait_over(Outage(FailureCode.OVERLOADED, STORE, "slow down", retry_after_s=86_400.0))
    assert pauses[0] == RETRY_AFTER_HEEDED_S


async def test_an_outage_that_the_probe_does_not_see_is_asked_about_ever_less_often(
    bench: Bench, pauses: list[float]
) -> None:
    """The store lists, but all reading fails: it opens and shuts, and every turn takes longer."""
    bench.outages = Outages({STORE: bench.probe}, Backoff(0.5, 5.0), bench.clock, bench.stop, draw=lambda: 1.0)
    bench.up = True
    await fill_the_row(bench)
    left = 5

    async def attempt() -> str:
        nonlocal left
        if left:
            left -= 1
            raise Transient(FailureCode.FETCH_FAILED, "HTTP 500")
        return "done"

    assert await bench.outages.ride_out(STORE, "b/last", attempt) == "done"
    assert [pause for pause in pauses if pause] == [0.5, 1.0, 2.0, 4.0, 5.0]


async def test_what_still_fails_after_a_minute_beside_a_dependency_that_answers_is_its_own_trouble(
    bench: Bench, pauses: list[float]
) -> None:
    """A row of bad objects with nothing good between them must not stand still for ever."""
    bench.up = True
    await fill_the_row(bench)
    tries = 0

    async def attempt() -> None:
        nonlocal tries
        tries += 1
        raise Transient(FailureCode.FETCH_FAILED, "HTTP 500")

    bench.probe_takes_s = OWN_TROUBLE_AFTER_S / 3
    with pytest.raises(Transient):
        await bench.outages.ride_out(STORE, "b/bad", attempt)
    assert tries == 4
    assert bench.outages.open == ()


async def test_after_an_outage_a_failure_belongs_to_it_until_something_works(bench: Bench, pauses: list[float]) -> None:
    """A store that cuts every content off answers its probes: each false end must not cost ten files an attempt."""
    bench.up = True
    await fill_the_row(bench)
    tried: Counter[str] = Counter()

    async def attempt(name: str) -> str:
        tried[name] += 1
        if tried[name] < 4:
            raise Transient(FailureCode.FETCH_FAILED, "the connection broke")
        return name

    names = [f"b/late-{n}" for n in range(30)]
    done = await asyncio.gather(*(bench.outages.ride_out(STORE, n, partial(attempt, n)) for n in names))
    assert done == names
    with pytest.raises(Transient):  # something worked since: one object that fails is alone with its trouble again
        await bench.outages.ride_out(STORE, "b/alone", failing)


async def test_an_outage_that_the_probe_sees_is_nobodys_own_trouble_however_long(
    bench: Bench, pauses: list[float]
) -> None:
    await fill_the_row(bench)
    bench.probe_takes_s = 3600.0
    tries = 0

    async def attempt() -> str:
        nonlocal tries
        tries += 1
        if tries > 3:
            return "done"
        with contextlib.suppress(Transient):
            await fill_the_row(bench)
        bench.up = False
        raise Transient(FailureCode.FETCH_FAILED, "HTTP 500")

    task = asyncio.create_task(bench.outages.ride_out(STORE, "b/k", attempt))
    while not task.done():
        bench.up = bench.up or bench.probes % 3 == 2
        await asyncio.sleep(0)
    assert await task == "done"


def doubtful() -> Transient:
    error = Transient(FailureCode.FETCH_FAILED, "the connection broke")
    error.in_doubt = error.by_chance = True
    return error


async def test_what_nothing_tells_anything_about_is_held_and_told_of_as_an_outage(
    bench: Bench, pauses: list[float]
) -> None:
    bench.up = True
    seen: list[str] = []

    async def attempt() -> str:
        seen.extend(outage.reason for outage in bench.outages.open)
        if len(pauses) < 4:
            raise doubtful()
        return "done"

    task = asyncio.create_task(bench.outages.ride_out(STORE, "b/only", attempt))
    while not bench.outages.open:
        await asyncio.sleep(0)
    [outage] = bench.outages.open
    assert "nothing tells whether others do too" in outage.reason
    assert await task == "done"
    assert bench.outages.open == ()


async def test_what_stays_in_doubt_for_a_minute_is_its_own_trouble(bench: Bench, pauses: list[float]) -> None:
    bench.up = True
    bench.probe_takes_s = OWN_TROUBLE_AFTER_S / 4
    tries = 0

    async def attempt() -> None:
        nonlocal tries
        tries += 1
        raise doubtful()

    with pytest.raises(Transient):
        await bench.outages.ride_out(STORE, "b/only", attempt)
    assert tries == 5


async def test_attempts_that_take_long_count_towards_that_minute(bench: Bench, pauses: list[float]) -> None:
    bench.up = True
    tries = 0

    async def attempt() -> None:
        nonlocal tries
        tries += 1
        bench.clock.advance(OWN_TROUBLE_AFTER_S)
        raise doubtful()

    with pytest.raises(Transient):
        await bench.outages.ride_out(STORE, "b/only", attempt)
    assert tries == 2


async def test_what_may_be_chance_is_tried_once_more_at_once(bench: Bench) -> None:
    def by_chance() -> Transient:
        error = Transient(FailureCode.FETCH_FAILED, "the connection broke")
        error.by_chance = True
        return error

    failures: list[Exception] = [by_chance(), by_chance(), by_chance(), DOWN, by_chance()]

    async def attempt() -> str:
        if failures:
            raise failures.pop(0)
        return "done"

    with pytest.raises(Transient):
        await bench.outages.ride_out(STORE, "b/k", attempt)
    assert len(failures) == 3
    assert bench.probes == 0
    bench.up = True
    assert await bench.outages.ride_out(STORE, "b/k", attempt) == "done"  # an outage between: it counts anew


async def test_an_outage_that_returns_at_once_has_lasted_since_it_began(bench: Bench, pauses: list[float]) -> None:
    """Else one that opens and shuts would never be old enough for an alert."""
    bench.up = True
    bench.probe_takes_s = 5.0
    began = bench.clock.now()
    sinces = set[datetime]()

    async def attempt() -> str:
        if bench.probes < 6:
            raise DOWN
        return "done"

    async def watch() -> None:
        while True:
            sinces.update(outage.since for outage in bench.outages.open)
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    await bench.outages.ride_out(STORE, "b/k", attempt)
    assert sinces == {began}
    bench.clock.advance(1.0)
    await bench.outages.wait_over(DOWN)  # something worked meanwhile: this is another one
    watching.cancel()
    assert len(sinces) == 2


class WithoutProbe:
    """The broker: whoever publishes finds out."""

    def __init__(self) -> None:
        self.stop = StopSignal()
        self.outages = Outages({}, Backoff(0.001, 0.002), FakeClock(), self.stop, draw=lambda: 1.0)
        self.down = Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "not confirmed in time")


async def test_without_a_probe_the_outage_lasts_until_something_is_answered() -> None:
    bench = WithoutProbe()
    for _ in range(3):
        await bench.outages.wait_over(bench.down)
        assert [outage.dependency for outage in bench.outages.open] == [Dependency.BROKER]
    bench.outages.answered(Dependency.BROKER)
    assert bench.outages.open == ()


async def test_without_a_probe_it_ends_too_when_somebody_is_answered_while_others_begin_to_wait() -> None:
    """It was taken to last for ever: what they were answered afterwards ended nothing any more."""
    bench = WithoutProbe()
    waiting = asyncio.create_task(bench.outages.wait_over(bench.down))
    await eventually("it to be told", lambda: bool(bench.outages._tries))
    bench.outages.answered(Dependency.BROKER)
    await waiting
    assert bench.outages.open == ()


async def test_without_a_probe_everybody_waits_ever_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = WithoutProbe()
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("app.agents.outages.asyncio.sleep", noted)
    for _ in range(4):
        await asyncio.gather(*(bench.outages.wait_over(bench.down) for _ in range(20)))
    bench.outages.answered(Dependency.BROKER)
    await bench.outages.wait_over(bench.down)
    assert pauses == [0.001, 0.002, 0.002, 0.002, 0.001]


async def test_without_a_probe_an_outage_that_nobody_feels_any_more_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.agents.outages._QUIET_S", 0.01)
    bench = WithoutProbe()
    await bench.outages.wait_over(bench.down)
    assert len(bench.outages.open) == 1
    await until(lambda: not bench.outages.open)


async def test_what_is_answered_while_nothing_is_down_changes_nothing(bench: Bench) -> None:
    bench.outages.answered(STORE)
    task = asyncio.create_task(bench.outages.wait_over(DOWN))
    await until(lambda: bench.probes >= 1)
    bench.outages.answered(STORE)
    assert [outage.dependency for outage in bench.outages.open] == [STORE]
    bench.up = True
    await task


async def test_a_broker_that_is_away_is_told_of_once_and_its_return_too(monkeypatch: pytest.MonkeyPatch) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("app.agents.outages.log", log)
    parts = Parts()
    parts.publisher.down = True
    task = asyncio.create_task(parts.handoff.publish("t", key=None, value=b"v"))
    await until(lambda: parts.publisher.refused >= 5)
    assert [outage.dependency for outage in parts.outages.open] == [Dependency.BROKER]
    parts.publisher.down = False
    await task
    assert parts.outages.open == ()
    assert [call.args[0] for call in log.calls] == ["outage_began", "outage_ended"]
