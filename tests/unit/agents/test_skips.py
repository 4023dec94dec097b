"""What is to be walked past is known before the first record is taken, and learnt of while a worker runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from app.agents import skips
from app.agents.engine import Engine
from app.agents.skips import Skips
from app.errors import Dependency, FailureCode, Outage
from app.model.skip import Skip, skip_of
from tests.support.agents import eventually

AWAY = Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "no answer")


def skip(offset: int) -> Skip:
    return Skip("listings", 2, offset, "it kills the workers", "eve@ops", "2026-11-24T03:00:00+00:00")


class Source:
    def __init__(self, *answers: list[Skip] | Exception) -> None:
        self.answers = list(answers)
        self.is_closed = False

    async def new(self) -> list[Skip]:
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skips, "LOOK_S", 0.001)


async def test_they_are_known_at_the_start_and_later_ones_follow_each_once() -> None:
    told: list[Skip] = []
    source = Source([skip(1), skip(1)], AWAY, ValueError(), [skip(1), skip(2)])
    following = Skips(source, told.append)
    await following.start()
    assert told == [skip(1)]
    await eventually("the later one", lambda: skip(2) in told)
    await following.aclose()
    assert (told, source.is_closed) == ([skip(1), skip(2)], True)


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"topic": 1, "partition": 0, "offset": 0}, {"topic": "t", "partition": "0", "offset": 0}]
    + [{"topic": "t", "partition": 0, "offset": offset} for offset in (True, -1, 1.5, None)],
)
def test_what_others_write_to_the_topic_is_no_skip(value: object) -> None:
    assert skip_of(value) is None


def test_a_skip_without_words_is_one() -> None:
    assert skip_of({"topic": "t", "partition": 0, "offset": 7}) == Skip("t", 0, 7, "", "", "")


def test_a_skip_is_of_the_topic_that_it_was_said_of() -> None:
    said = skip_of({"topic": "t", "partition": 0, "offset": 7, "topic_id": "old"})
    assert said is not None
    assert [said.is_of(topic_id) for topic_id in ("old", "new", "")] == [True, False, True]
    unknown = skip_of({"topic": "t", "partition": 0, "offset": 7, "topic_id": 3})
    assert unknown is not None
    assert unknown.is_of("new")


async def test_the_same_place_of_a_topic_that_was_made_anew_is_another_skip() -> None:
    told: list[Skip] = []
    first, second = replace(skip(1), topic_id="old"), replace(skip(1), topic_id="new")
    following = Skips(Source([first, second]), told.append)
    await following.start()
    await following.aclose()
    assert told == [first, second]


async def test_a_skip_waits_until_its_topic_is_the_one_that_is_known() -> None:
    """The topic was made anew a moment ago; until that is seen, the record at the place is another one."""
    engine: Any = Engine.__new__(Engine)
    ids: dict[str, str] = {"listings": "old"}
    done: list[object] = []
    consumer = SimpleNamespace(
        topic_id=lambda topic: ids.get(topic, ""),
        know_topics=ids.update,
        walk_past=lambda place, offset: done.append((*place, offset)),
        _thread=SimpleNamespace(rejoin=lambda: done.append("rejoin")),
    )
    engine.app, engine._intakes, engine._committing = SimpleNamespace(consumer=consumer), [], asyncio.Lock()
    engine._skips_of_others = []
    engine.walk_past(replace(skip(1), topic_id="new"))
    engine.walk_past(replace(skip(2), topic_id="long gone"))
    engine.walk_past(skip(3))
    assert done == [("listings", 2, 3)]
    await engine.begin_anew({"listings": "new"})
    assert done == [("listings", 2, 3), ("listings", 2, 1), "rejoin"]
