from __future__ import annotations

from datetime import datetime

import orjson
import pytest

from app.cli import offsets, replay
from tests.support.commands import Commands
from tests.support.memory_offsets import MemoryGroup, MemoryOffsets


class OpenReader(MemoryOffsets):
    def __init__(self, *_: object) -> None:
        self.asked: list[datetime] = []

    def __enter__(self) -> OpenReader:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> MemoryGroup:
    found = MemoryGroup()
    for module in (offsets, replay):
        monkeypatch.setattr(module, "KafkaReader", OpenReader)
    monkeypatch.setattr(offsets, "KafkaGroup", lambda _: found)
    return found


def test_every_partition_is_shown(run: Commands, group: MemoryGroup) -> None:
    done = run("offsets", "show", "listing-files", "--output", "json")
    assert orjson.loads(done.out)[0] == {
        "topic": "listing-files",
        "partition": 0,
        "low": 10,
        "high": 50,
        "committed": 30,
        "lag": 20,
    }
    assert run("offsets", "show").out.count("listing-uploads") == 2


@pytest.mark.parametrize(
    ("arguments", "moved"),
    [
        (("offsets", "reset", "listing-files", "--to", "earliest"), {0: 10, 1: 7}),
        (("offsets", "reset", "listing-files", "--to", "12", "--partition", "0"), {0: 12}),
        (("offsets", "reset", "listing-files", "--to", "2026-11-24T12:00Z"), {0: 25, 1: 7}),
        (("replay", "listing-files", "--since", "6h"), {0: 25}),
    ],
)
def test_offsets_are_set_or_only_shown(
    run: Commands, group: MemoryGroup, arguments: tuple[str, ...], moved: dict[int, int]
) -> None:
    shown = run(*arguments, "--dry-run", "--output", "json")
    assert {row["partition"]: row["to"] for row in orjson.loads(shown.out)} == moved
    assert group.committed == {}
    assert run(*arguments).exit_code == 0
    assert group.committed == {"listing-files": moved}


def test_a_table_says_what_it_means(run: Commands, group: MemoryGroup) -> None:
    assert "20 records would be handled again, 0 left out" in (
        run("offsets", "reset", "listing-files", "--to", "earliest", "--dry-run").out
    )
    assert "20 left out" in run("offsets", "reset", "listing-files", "--to", "latest").out
    assert "Nothing to change" in run("offsets", "reset", "listing-files", "--to", "30", "--partition", "0").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("offsets", "reset", "listing-files", "--to", "12"),
        ("offsets", "reset", "listing-files", "--to", "12", "--partition", "0", "--partition", "1"),
        ("offsets", "reset", "listing-files", "--to", "yesterday"),
        ("offsets", "reset", "listing-outcomes", "--to", "earliest"),
        ("offsets", "reset", "listing-files"),
        ("replay", "listing-files"),
    ],
)
def test_wrong_usage_is_told(run: Commands, group: MemoryGroup, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
    assert group.committed == {}


def test_running_workers_stop_it(run: Commands, group: MemoryGroup) -> None:
    group._members.append("listings on 10.0.0.1")
    done = run("replay", "listing-files", "--since", "6h")
    assert done.exit_code == 1
    assert "stop them first" in done.err
    assert run("replay", "listing-files", "--since", "6h", "--dry-run").exit_code == 0
