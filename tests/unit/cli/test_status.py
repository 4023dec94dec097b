"""`listings status`, also while servers are away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.adapters.kafka_groups import KafkaGroup
from app.adapters.opensearch.outcomes import OutcomeReader
from app.adapters.opensearch.progress import ProgressKeeper
from app.errors import Dependency, FailureCode, Outage
from app.model.listed import Progress
from app.model.membership import ASSIGNOR, GroupState, Member
from app.model.topics import READ_TOPICS
from tests.support.commands import DANGEROUS, Commands

KAFKA_AWAY = Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "Kafka at a:1 does not answer")
INDEX_AWAY = Outage(FailureCode.UNREACHABLE, Dependency.SEARCH_INDEX, "OpenSearch at http://b can not be reached")


class World:
    """What the three that are asked would say; an error is raised."""

    def __init__(self) -> None:
        self.kafka: Outage | None = None
        now = datetime.now(UTC)
        self.outcomes: list[dict[str, Any]] | Outage = [
            {"indexed": 1, "processed_at": now.isoformat(), "uploaded_at": (now - timedelta(seconds=age)).isoformat()}
            for age in (1, 2, 3)
        ]
        self.worker: dict[str, Any] | None = {"ok": True, "reasons": [], "in_flight": {"listing-files": 3}}
        self.others: dict[str, dict[str, Any] | None] = {}
        self.members = ["faust-1 on 10.0.0.1", "faust-2 on 10.0.0.2"]
        self.progress: Progress | None = None
        self.held = 0
        self.assignor = ASSIGNOR


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()

    class Reader:
        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> Reader:
            return self

        def __exit__(self, *_: object) -> None: ...

        def watermarks(self, topic: str) -> dict[int, tuple[int, int]]:
            if world.kafka is not None:
                raise world.kafka
            return {0: (0, 1_234)}

        def committed(self, topic: str) -> dict[int, int | None]:
            return {0: 1_000}

        def tops(self, topic: str) -> dict[int, int]:
            return {0: 1_234 + world.held}

        def offsets_at(self, topic: str, since: datetime) -> dict[int, int]:
            return {0: 1_200}

    async def list_outcomes(self: OutcomeReader, limit: int = 50) -> list[dict[str, Any]]:
        if isinstance(world.outcomes, Outage):
            raise world.outcomes
        return world.outcomes

    async def ask_worker(address: str) -> dict[str, Any] | None:
        return world.others.get(address, world.worker)

    def describe(_: KafkaGroup) -> GroupState:
        return GroupState(
            world.assignor, tuple(Member(one, host) for one, host in (name.split(" on ") for name in world.members))
        )

    async def load(_: ProgressKeeper) -> Progress | None:
        if isinstance(world.outcomes, Outage):
            raise world.outcomes
        return world.progress

    monkeypatch.setattr(ProgressKeeper, "load", load)
    monkeypatch.setattr(KafkaGroup, "describe", describe)
    monkeypatch.setattr("app.cli.status.KafkaReader", Reader)
    monkeypatch.setattr(OutcomeReader, "list_outcomes", list_outcomes)
    monkeypatch.setattr("app.cli.status._ask_worker", ask_worker)
    return world


@pytest.mark.usefixtures("world")
def test_everything_on_one_page(run: Commands) -> None:
    code, out, err = run("status")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["topic", "lag", "in", "flight", "records"]
    assert ["listing-files", "234", "3", "1,234"] in lines
    assert ["listings", "234", "–", "1,234"] in lines
    assert "freshness     p50 2.0 s, p99 3.0 s from upload to indexed, over 3 files" in out
    assert "dead letters  1,234 in all, 34 in the last day, 34 in the last hour; look: listings dlq list" in out
    assert "group         listings has 2 workers: faust-1 on 10.0.0.1, faust-2 on 10.0.0.2" in out
    assert "worker        ready at 127.0.0.1:6066, nothing is down" in out
    assert "breakers      object_store ok, search_index ok, schema_registry ok, broker ok" in out


@pytest.mark.usefixtures("world")
def test_the_same_for_scripts(run: Commands) -> None:
    page = json.loads(run("status", "--output", "json").out)
    assert [topic["topic"] for topic in page["topics"]] == list(READ_TOPICS)
    assert page["topics"][0] == {"topic": "listing-uploads", "lag": 234, "records": 1_234, "held": 0}
    assert page["dead_letters"] == {"total": 1_234, "last_day": 34, "last_hour": 34}
    assert page["freshness"]["files"] == 3
    assert page["workers"]["127.0.0.1:6066"]["in_flight"] == {"listing-files": 3}
    assert (page["group"], page["errors"]) == (["faust-1 on 10.0.0.1", "faust-2 on 10.0.0.2"], [])


def test_what_an_open_transaction_holds_is_told_as_nobodys_lag(run: Commands, world: World) -> None:
    world.held = 7
    out = run("status").out
    assert "listings: 7 more wait behind a transaction" in out
    assert ["listings", "234", "–", "1,234"] in [line.split() for line in out.splitlines()]


def test_strangers_are_no_workers(run: Commands, world: World) -> None:
    world.assignor, world.members = "range", ["console-consumer on 10.0.0.9"]
    out = run("status").out
    assert "group         listings has no worker" in out
    assert "another application is in it: console-consumer on 10.0.0.9" in out


def test_an_index_that_is_away_hides_nothing_else(run: Commands, world: World) -> None:
    world.outcomes = INDEX_AWAY
    world.worker = {"ok": False, "reasons": ["search_index is down: [red]refused\x1b[2J"]}
    code, out, err = run("status")
    assert code == 1
    assert ["listing-files", "234", "–", "1,234"] in [line.split() for line in out.splitlines()]
    assert "freshness     unknown" in out
    assert "worker        at 127.0.0.1:6066 is not ready: search_index is down: [red]refused" in out
    assert not DANGEROUS & set(out)
    assert "missed        not known now" in out
    assert "never" not in out
    assert "OpenSearch at http://b can not be reached" in err


def test_a_broker_that_is_away_hides_nothing_else(run: Commands, world: World) -> None:
    world.kafka = KAFKA_AWAY
    code, out, err = run("status")
    assert code == 1
    assert "freshness     p50 2.0 s" in out
    assert "dead letters  unknown" in out
    assert "worker        ready" in out
    assert "Kafka at a:1 does not answer" in err


def test_with_everything_away_it_still_says_so_for_each(run: Commands, world: World) -> None:
    world.kafka, world.outcomes, world.worker = KAFKA_AWAY, INDEX_AWAY, None
    code, out, err = run("status", "--output", "json")
    assert code == 1
    assert json.loads(out) == {
        "topics": None,
        "dead_letters": None,
        "freshness": None,
        "reconcile": None,
        "group": None,
        "strangers": [],
        "workers": {"127.0.0.1:6066": None},
        "errors": [KAFKA_AWAY.message, INDEX_AWAY.message],
    }
    assert KAFKA_AWAY.message in err
    assert INDEX_AWAY.message in err


def test_a_quiet_system_is_no_error(run: Commands, world: World) -> None:
    world.outcomes, world.worker, world.members = [], None, []
    code, out, _ = run("status")
    assert code == 0
    assert "freshness     no file was indexed in the last 15 minutes" in out
    assert "group         listings has no worker; start one: listings worker" in out
    assert "worker        none answers at 127.0.0.1:6066; another one: listings status --worker HOST:PORT" in out


def test_the_comparison_of_the_buckets_is_told(run: Commands, world: World) -> None:
    assert "missed        the buckets were never compared with the outcomes\n" in run("status").out
    at = datetime(2026, 11, 24, 10, 3, tzinfo=UTC)
    world.progress = Progress(at, "cars", "k", 12_345, 6)
    assert "missed        no round is complete yet; this round: 12,345 objects, 6 queued\n" in run("status").out
    world.progress = Progress(at, "cars", completed_at=at, took_s=2000.4)
    assert world.worker is not None
    world.worker["reconcile"] = {"active": True, "waits": "cannot list bucket cars: \x1b[2Jno"}
    code, out, _ = run("status")
    assert code == 0
    assert "missed        last compared in full at 2026-11-24 10:03:00, in 2,000 s; it waits: cannot list" in out
    assert not DANGEROUS & set(out)
    told = json.loads(run("status", "--output", "json").out)["reconcile"]
    assert (told["bucket"], told["took_s"]) == ("cars", 2000.4)


def test_each_worker_that_is_asked_tells_of_its_breakers(run: Commands, world: World) -> None:
    down = {"dependency": "search_index", "since": "2026-11-24T10:03:00+00:00", "reason": "refused"}
    sick = {"ok": False, "reasons": ["search_index is down: refused"], "in_flight": {"listing-files": 4}}
    world.others = {"10.0.0.2:6066": {**sick, "outages": [down]}, "10.0.0.3:1": None}
    code, out, _ = run(
        "status", "--worker", "127.0.0.1:6066", "--worker", "http://10.0.0.2:6066/", "--worker", "10.0.0.3:1"
    )
    assert code == 0
    assert ["listing-files", "234", "7", "1,234"] in [line.split() for line in out.splitlines()]
    assert "worker        ready at 127.0.0.1:6066, nothing is down" in out
    assert "worker        at 10.0.0.2:6066 is not ready: search_index is down: refused" in out
    assert "breakers      object_store ok, search_index DOWN, schema_registry ok, broker ok" in out
    assert "              search_index down since 2026-11-24T10:03:00+00:00" in out
    assert "worker        none answers at 10.0.0.3:1" in out


@pytest.mark.parametrize("address", ["somewhere", "a:b", "https://h:1", "h:1/metrics", "u:p@h:1"])
def test_what_is_no_address_is_wrong_usage(run: Commands, address: str) -> None:
    assert run("status", "--worker", address).exit_code == 2
