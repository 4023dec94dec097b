"""`listings backfill`: what it refuses, what it tells, and how a broken-off run is taken up again."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from app.errors import Dependency, FailureCode, Outage
from tests.support.commands import DANGEROUS, Commands
from tests.support.memory import MemoryPublisher
from tests.support.reconciling import LONG_AGO, FakeBacklog, FakeBuckets, FakeOutcomes

BUCKET = "listings-uploads"


class World:
    """What the command is given in place of its servers."""

    def __init__(self) -> None:
        self.store = FakeBuckets(page_size=10)
        self.outcomes = FakeOutcomes()
        self.backlog = FakeBacklog()
        self.publisher = MemoryPublisher()
        self.started = False

    def put(self, *keys: str) -> None:
        for number, key in enumerate(keys):
            self.store.put(key, LONG_AGO + timedelta(days=number), bucket=BUCKET)

    async def start(self) -> None:
        self.started = True

    async def close(self) -> None: ...


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    for part in (world.store, world.publisher):
        monkeypatch.setattr(part, "aclose", world.close, raising=False)
        monkeypatch.setattr(part, "stop", world.close, raising=False)
        monkeypatch.setattr(part, "start", world.start, raising=False)

    class Client:
        def __init__(self, *_: object) -> None: ...

        async def aclose(self) -> None: ...

    monkeypatch.setattr("app.cli.backfill.SearchClient", Client)
    monkeypatch.setattr("app.cli.backfill.OutcomeReader", lambda *_: world.outcomes)
    monkeypatch.setattr("app.cli.backfill.BucketPages", lambda _: world.store)
    monkeypatch.setattr("app.cli.backfill.KafkaPublisher", lambda _: world.publisher)
    monkeypatch.setattr("app.cli.backfill.KafkaBacklog", lambda _: world.backlog)
    return world


def keys(world: World) -> list[str]:
    return [(sent.key or b"").decode().partition("/")[2] for sent in world.publisher.sent]


def test_what_is_missing_is_queued(run: Commands, world: World) -> None:
    world.put("a.csv", "b.csv")
    world.outcomes.tell(world.store.objects[BUCKET, "a.csv"])
    code, out, _ = run("backfill", "--rate", "1000", "--output", "json")
    told = json.loads(out)
    assert (code, keys(world)) == (0, ["b.csv"])
    assert (told["listed"], told["wanted"], told["queued"], told["complete"]) == (2, 1, 1, True)
    assert told["bytes"] == 10


def test_a_dry_run_starts_no_producer(run: Commands, world: World) -> None:
    world.put("a.csv", "b.csv")
    code, out, _ = run("backfill", "--dry-run")
    assert code == 0
    assert (world.started, world.publisher.sent) == (False, [])
    assert "a.csv, b.csv" in out
    assert "Nothing was queued" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--prefix", "in/"), ["in/b.csv"]),
        (("--since", "2026-01-31T10:03:00Z"), ["in/b.csv", "z.csv"]),
        (("--until", "2026-01-31T10:03:00Z"), ["a.csv"]),
        (("--start-after", "in/b.csv"), ["z.csv"]),
        (("--all",), ["a.csv", "in/b.csv", "z.csv"]),
    ],
)
def test_it_is_narrowed_by_options(
    run: Commands, world: World, arguments: tuple[str, ...], expected: list[str]
) -> None:
    assert LONG_AGO.isoformat() == "2026-01-30T10:03:00+00:00"
    world.put("a.csv", "in/b.csv", "z.csv")
    if "--all" in arguments:
        world.outcomes.tell(world.store.objects[BUCKET, "a.csv"])
    assert run("backfill", "--rate", "1000", *arguments).exit_code == 0
    assert keys(world) == expected


def test_what_the_gate_would_skip_is_refused(run: Commands, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run("backfill", "--bucket", "somebody-elses")
    assert code == 1
    assert "not among LISTINGS_S3__BUCKETS" in err
    monkeypatch.setenv("LISTINGS_S3__PREFIX", "in/")
    code, _, err = run("backfill", "--prefix", "out/")
    assert code == 1
    assert "not watched" in err
    assert run("backfill", "--prefix", "in/a").exit_code == 0


@pytest.mark.parametrize("arguments", [("--rate", "0"), ("--since", "soon"), ("--output", "yaml")])
def test_wrong_usage_is_told_as_such(run: Commands, world: World, arguments: tuple[str, ...]) -> None:
    assert run("backfill", *arguments).exit_code == 2


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_broken_off_run_says_where_to_go_on(run: Commands, world: World, output: str) -> None:
    world.put(*(f"{number:02d}.csv" for number in range(20)))
    world.store.errors = []
    paged = world.store.page

    async def twice(*arguments: object) -> object:
        if len(world.store.asked) == 1:
            raise Outage(FailureCode.UNREACHABLE, Dependency.OBJECT_STORE, "the store went away")
        return await paged(*arguments)  # type: ignore[arg-type]

    world.store.page = twice  # type: ignore[method-assign, assignment]
    code, out, err = run("backfill", "--rate", "1000", "--output", output)
    assert code == 1
    assert "the store went away" in err
    if output == "json":
        told = json.loads(out)
        assert (told["complete"], told["after"], told["queued"]) == (False, "09.csv", 10)
    else:
        assert "--start-after 09.csv" in out


def test_ctrl_c_does_too(run: Commands, world: World) -> None:
    world.put(*(f"{number:02d}.csv" for number in range(20)))
    page = world.store.page

    async def interrupted(*arguments: object) -> object:
        if len(world.store.asked) == 1:
            raise KeyboardInterrupt
        return await page(*arguments)  # type: ignore[arg-type]

    world.store.page = interrupted  # type: ignore[method-assign, assignment]
    code, out, _ = run("backfill", "--rate", "1000")
    assert code == 1
    assert "--start-after 09.csv" in out


def test_names_of_others_do_not_reach_the_terminal(run: Commands, world: World) -> None:
    world.put("\x1b[2J\u202e[red].csv")
    for output in ("table", "json"):
        out = run("backfill", "--dry-run", "--output", output).out
        assert not DANGEROUS & set(out)
        assert "[red]" in out
