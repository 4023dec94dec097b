"""People are told, on the real servers, of all that needs them; a dead receiver harms nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from confluent_kafka import Producer

from app.adapters.kafka_admin import KafkaTopicAdmin
from app.adapters.kafka_purge import delete_before
from app.adapters.kafka_reader import KafkaReader, client_config
from app.devstack.samples import as_json, listings
from app.errors import FailureCode
from app.failures.headers import story_of
from tests.support.faulty_store import Faults, faulty_store
from tests.support.stack import RunningStack
from tests.support.system import System, Worker
from tests.support.toxiproxy import fault_proxies
from tests.support.waiting import until
from tests.support.webhook import SECRET, nobody, webhook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
FLOOD = 10_000


@pytest.fixture(scope="module", autouse=True)
def _no_old_letters(system: System) -> None:
    """What other tests left on the topic is told to a worker of nobody's, and acknowledged."""
    with system.worker():
        system.wait_no_lag("listing-dlq")


def counted(messages: Sequence[Mapping[str, Any]]) -> int:
    numbers = [re.match(r"([\d,]+) dead letters? in", message["message"]) for message in messages]
    return sum(int(number[1].replace(",", "")) for number in numbers if number)


def codes(messages: Sequence[Mapping[str, Any]], code: str) -> list[int]:
    """How many of a code each message tells of."""
    return [int(n.replace(",", "")) for m in messages for n in re.findall(rf"^  ([\d,]+) {code}$", m["message"], re.M)]


def no_secret(worker: Worker) -> None:
    assert SECRET not in worker.log.read_text()


def test_dead_letters_are_one_message_with_reasons_files_and_commands(system: System) -> None:
    good, bad = listings(3, prefix="told"), [{**one, "make": None} for one in listings(2, prefix="bad")]
    with (
        webhook() as hook,
        system.worker(
            LISTINGS_ALERTS__URLS=hook.json_url, LISTINGS_ALERTS__GATHER_S="4", LISTINGS_WORKER__LOG_LEVEL="debug"
        ) as worker,
    ):
        system.upload("told/@everyone stock.json", as_json([*good, *bad]))
        system.upload("told/broken.json", as_json(listings(3, prefix="broken"))[:-40])
        system.wait_outcome("told/@everyone stock.json")
        system.wait_outcome("told/broken.json")
        (message,) = until("the message", lambda: hook.titled("3 new dead letters"), 30)
        assert counted(hook.messages) == 3
        text = message["message"]
        assert "  2 missing_required" in text
        assert f"missing_required in {system.bucket}/told/\uff20everyone stock.json, record 4: make" in text
        assert "  1 file_broken" in text
        assert f"  {system.bucket}/told/broken.json" in text
        assert "  listings dlq list --code missing_required" in text
        assert re.search(r"  listings dlq show \d/\d+", text)
        assert "From the worker at " in text
        assert "@" not in text
        no_secret(worker)
    letters = system.dead_letters("told/@everyone")
    dead = {story.listing_record for _, story in letters}
    found = system.search({"size": 100, "query": {"term": {"origin.key": "told/@everyone stock.json"}}})["hits"]["hits"]
    indexed = {hit["_source"]["origin"]["record"] for hit in found}
    assert (dead, indexed) == ({4, 5}, {1, 2, 3}), "never both indexed and dead-lettered"


def test_a_server_that_is_down_is_told_and_that_it_is_back(system: System, stack: RunningStack) -> None:
    with (
        webhook() as hook,
        fault_proxies(stack) as proxies,
        system.worker(
            **proxies.env(), LISTINGS_ALERTS__URLS=hook.json_url, LISTINGS_ALERTS__OUTAGE_AFTER_S="2"
        ) as worker,
    ):
        with proxies.index.down():
            system.upload("down/stock.json", as_json(listings(3, prefix="down")))
            (began,) = until("the message", lambda: hook.titled("Down"), 60)
            assert began["title"] == "Down: search_index"
            assert "search_index has been down for" in began["message"]
            assert "  listings status" in began["message"]
            assert began["type"] == "warning"
        system.wait_outcome("down/stock.json")
        (over,) = until("the end", lambda: hook.titled("Up again"), 60)
        assert (over["title"], over["type"]) == ("Up again: search_index", "success")
        assert len(hook.messages) == 2
        assert system.dead_letters("down/") == []
        no_secret(worker)


def test_files_that_do_not_come_are_told_as_lag_as_commits_that_stand_still_and_as_late(system: System) -> None:
    """A store so slow that it is no outage: each of the three is told once, and that it is over."""
    faults = Faults(held={"slow/"})
    with (
        webhook() as hook,
        faulty_store(system.settings.s3.endpoint_url, faults) as store,
        system.worker(
            LISTINGS_ALERTS__URLS=hook.json_url,
            LISTINGS_ALERTS__WINDOW_S="5",
            LISTINGS_ALERTS__LAG_MIN="5",
            LISTINGS_ALERTS__STUCK_AFTER_S="4",
            LISTINGS_ALERTS__FRESHNESS_MAX_S="2",
            LISTINGS_S3__ENDPOINT_URL=store,
            LISTINGS_S3__READ_TIMEOUT_S="120",
        ) as worker,
    ):
        names: list[str] = []

        def told(title: str) -> bool:
            """Producers go on meanwhile."""
            names.append(f"slow/{len(names)}.json")
            system.upload(names[-1], as_json(listings(1, prefix="slow", start=len(names))))
            return bool(hook.titled(title))

        until("the lag", lambda: told("Lag grows"), 60, every=0.2)
        until("the commits", lambda: told("Commits do not move"), 60, every=0.2)
        (lag,), (stuck,) = hook.titled("Lag grows"), hook.titled("Commits do not move")
        assert re.search(
            r"^listing-files: [\d,]+ records wait, and in the last 5 s they became more$", lag["message"], re.M
        )
        assert re.search(r"^listing-files: records wait on partition [\d, ]+, and for \d+ s", stuck["message"], re.M)
        assert hook.titled("Late") == [], "nothing came yet that could be late"
        faults.held.clear()
        for name in names:
            assert system.wait_outcome(name)["indexed"] == 1
        (late,) = until("the late ones", lambda: hook.titled("Late"), 30)
        assert re.search(r"\d+ of \d+ files of the last 5 s took longer than 2 s", late["message"])
        over = ("Lag no longer grows", "Commits move again", "In time again")
        until("the end of all three", lambda: all(hook.titled(title) for title in over), 60)
        assert all("listings status" in one["message"] for one in (lag, stuck, late))
        assert not hook.titled("Down"), "a slow store is not one that is down"
        assert len(hook.messages) == 6
        no_secret(worker)
    assert system.dead_letters("slow/") == []


def test_dead_receivers_harm_nothing(system: System) -> None:
    """One refuses, one hangs, one answers 500: the files are processed, the dead letters kept, the stop is quick."""
    with webhook(hangs=True) as hanging, webhook() as failing:
        failing.status = 500
        urls = f"json://127.0.0.1:{nobody()}/{SECRET} {hanging.json_url} {failing.json_url}"
        worker = system.start_worker(LISTINGS_ALERTS__URLS=urls, LISTINGS_ALERTS__GATHER_S="0")
        system.wait_ready(worker)
        system.upload("nobody/broken.json", b'[{"make"')
        until("the receivers to be asked", lambda: hanging.bodies and failing.bodies, 60)
        for number in range(20):
            system.upload(f"nobody/{number}.json", as_json(listings(2, prefix=f"nobody-{number}")))
        for number in range(20):
            assert system.wait_outcome(f"nobody/{number}.json")["indexed"] == 2
        system.wait_no_lag("listing-dlq")
        until("the failure to be logged", lambda: len(worker.events("alert_not_sent")) >= 2, 60)
        assert system.metric(worker, "listings_alert_sends_total", outcome="failed") >= 2
        assert worker.process.poll() is None
        began = time.monotonic()
        assert worker.terminate() == 0
        assert time.monotonic() - began < 15
        no_secret(worker)


@pytest.fixture
def _forgotten(system: System) -> Iterator[None]:
    """Other tests read the story of every dead letter: those of the test are deleted."""
    yield
    with KafkaReader(system.settings.kafka) as reader:
        ends = {partition: high for partition, (_, high) in reader.watermarks("listing-dlq").items()}
    delete_before(system.settings.kafka, "listing-dlq", ends)


@pytest.mark.usefixtures("_forgotten")
def test_a_flood_is_a_handful_of_messages_and_makes_no_dead_letter_of_its_own(system: System) -> None:
    """Among them some that no story can be read from."""
    (record, *_) = [record for record, _ in system.dead_letters("told/")]
    before = len(system.records("listing-dlq"))
    with (
        webhook() as hook,
        system.worker(
            LISTINGS_ALERTS__URLS=hook.json_url, LISTINGS_ALERTS__GATHER_S="1", LISTINGS_ALERTS__EVERY_S="5"
        ) as worker,
    ):
        producer = Producer(client_config(system.settings.kafka))
        strange: list[dict[str, bytes | None]] = [{}, {"failure-code": b"\xff\xfe"}, {"failure-code": None}]
        for number in range(FLOOD):
            headers = strange[number // 100 % 3] if number % 100 == 0 else dict(record.headers)
            producer.produce("listing-dlq", value=b"\x00", key=str(number), headers=list(headers.items()))
            producer.poll(0)
        assert producer.flush(60) == 0
        until("all to be told", lambda: counted(hook.messages) >= FLOOD, 120)
        assert counted(hook.messages) == FLOOD
        assert len(hook.messages) <= 8
        assert max(len(message["message"]) for message in hook.messages) < 3000
        assert sum(codes(hook.messages, "header_invalid")) == FLOOD // 100
        system.wait_no_lag("listing-dlq")
        assert worker.process.poll() is None
        assert len(system.records("listing-dlq")) == before + FLOOD, "no dead letter of a dead letter"


@pytest.mark.parametrize(
    ("value", "code"),
    [(b"\x00\x7f\xff\xff\xff\x07 poison", FailureCode.SCHEMA_UNKNOWN), (None, FailureCode.RECORD_NOT_DECODABLE)],
    ids=["undecodable", "neither key nor value"],
)
def test_a_poison_record_alone_on_its_partition_is_dead_once_over_three_restarts(
    system: System, value: bytes | None, code: FailureCode
) -> None:
    partition, offset = _publish_alone(system, value)
    for _ in range(3):
        with system.worker():
            until("the commit to move past it", lambda: (_committed(system, partition) or 0) > offset, 60)

    def letters() -> list[FailureCode]:
        stories = [story_of(r) for r in system.records("listing-dlq") if "failure-origin-topic" in r.headers]
        place = ("listings", partition, offset)
        return [s.code for s in stories if (s.origin.topic, s.origin.partition, s.origin.offset) == place]

    with system.worker():
        until("its tries to be used up", letters, 90)
        system.wait_no_lag("listings", "listing-retry")
    assert letters() == [code]


def _publish_alone(system: System, value: bytes | None) -> tuple[int, int]:
    placed: list[Any] = []
    producer = Producer(client_config(system.settings.kafka))
    producer.produce("listings", value=value, partition=5, on_delivery=lambda _, message: placed.append(message))
    assert producer.flush(30) == 0
    return placed[0].partition(), placed[0].offset()


def _committed(system: System, partition: int) -> int | None:
    with KafkaReader(system.settings.kafka, group=system.settings.kafka.group) as reader:
        return reader.committed("listings").get(partition)


@pytest.fixture
def small_dlq(system: System) -> Iterator[KafkaTopicAdmin]:
    """The dead-letter topic takes 2 kB; as declared again afterwards."""
    admin = KafkaTopicAdmin(system.settings.kafka)
    before = admin.describe(["listing-dlq"])["listing-dlq"].config["max.message.bytes"]
    admin.configure("listing-dlq", {"max.message.bytes": "2048"}, [])
    yield admin
    admin.configure("listing-dlq", {"max.message.bytes": before}, [])


@pytest.mark.usefixtures("small_dlq")
def test_a_worker_does_not_start_where_dead_letters_would_not_fit(system: System) -> None:
    worker = system.start_worker()
    worker.process.wait(60)
    assert worker.terminate() == 1
    text = worker.log.read_text()
    assert "topic listing-dlq takes 2,048 bytes, and needs 1,114,112" in text
    assert "listings topics apply" in text


def test_a_dead_letter_topic_that_is_made_too_small_under_way_holds_one_record_and_stops_nobody(
    system: System,
) -> None:
    admin = KafkaTopicAdmin(system.settings.kafka)
    before = admin.describe(["listing-dlq"])["listing-dlq"].config["max.message.bytes"]
    with webhook() as hook, system.worker(LISTINGS_ALERTS__URLS=hook.json_url, LISTINGS_ALERTS__GATHER_S="0") as worker:
        admin.configure("listing-dlq", {"max.message.bytes": "300"}, [])
        try:
            system.publish("listings", b"[" + b"9" * 5000, key=b"held")
            until("it to be told", lambda: hook.titled("Dead letters are refused"), 60)
            assert system.metric(worker, "listings_dead_letters_refused_records") == 1
            system.upload("beside/stock.json", as_json(listings(3, prefix="beside")))
            assert system.wait_outcome("beside/stock.json")["indexed"] == 3
            assert worker.process.poll() is None
        finally:
            admin.configure("listing-dlq", {"max.message.bytes": before}, [])
        until("it to be over", lambda: hook.titled("Dead letters are taken again"), 60)
        system.wait_no_lag("listings")
        assert len([r for r in system.records("listing-dlq") if r.headers.get("failure-stage") == b"listings"]) >= 1
