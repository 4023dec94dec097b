"""What is to be walked past is known before the first record is taken, and learnt of while a worker runs."""

from __future__ import annotations

import pytest

from app.agents import skips
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
