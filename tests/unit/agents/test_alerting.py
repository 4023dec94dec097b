"""The worker looks at itself, tells, and is never harmed by it."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from app.agents.alerting import Alerting
from app.errors import FailureCode
from app.observability.alerts.alarms import Alarms, Observation
from app.observability.alerts.dead_letters import Letter
from app.observability.alerts.texts import Message
from app.observability.alerts.watches import DownServer
from app.settings import AlertsSettings
from tests.support.agents import eventually
from tests.support.memory import FakeClock


class Box:
    """A sender that keeps what it was given; it is busy until told otherwise."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.closed = False
        self.is_idle = True

    def send(self, message: Message) -> None:
        self.messages.append(message)

    def close(self) -> None:
        self.closed = True


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.box = Box()
        self.down: list[DownServer] = []
        self.broken = False
        settings = AlertsSettings(gather_s=0)
        self.alerting = Alerting(Alarms(settings), self.observe, self.box, self.clock, "the worker at h:1")

    def observe(self) -> Observation:
        if self.broken:
            raise ZeroDivisionError
        return Observation(self.clock.monotonic(), self.down)


LETTER = Letter("0/1", FailureCode.FILE_BROKEN, "cut off")


def test_what_is_told_is_signed_and_logged_without_text_of_others() -> None:
    world = World()
    world.down = [DownServer("search_index", 100, "refused")]
    with capture_logs() as logs:
        world.alerting.look()
    (message,) = world.box.messages
    assert message.title == "Down: search_index"
    assert message.body.endswith("\nFrom the worker at h:1")
    assert [(entry["event"], entry["kind"], entry["is_over"]) for entry in logs] == [("alert_raised", "outage", False)]


def test_a_fault_of_its_own_is_logged_once_and_it_goes_on() -> None:
    world = World()
    world.broken = True
    with capture_logs() as logs:
        world.alerting.look()
        world.alerting.look()
    assert [entry["event"] for entry in logs] == ["alerting_failed"]
    world.broken, world.down = False, [DownServer("broker", 100, "refused")]
    world.alerting.look()
    assert len(world.box.messages) == 1


async def test_it_looks_by_itself_and_tells_what_is_left_at_the_end() -> None:
    world = World()
    world.alerting.start()
    world.alerting.dead_letter(LETTER)
    await eventually("the message", lambda: world.box.messages)
    world.alerting.dead_letter(LETTER)
    await world.alerting.aclose(1.0)
    assert len(world.box.messages) == 2
    assert world.box.closed


async def test_a_receiver_that_is_busy_does_not_hold_up_the_end() -> None:
    world = World()
    world.box.is_idle = False
    ending = asyncio.create_task(world.alerting.aclose(2.0))
    await eventually("the end to be waited for", lambda: world.box.closed)
    world.clock.advance(2.1)
    async with asyncio.timeout(2):
        await ending
