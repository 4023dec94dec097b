"""What the broker answers about a group, with an admin client of the test's own making."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from app.adapters import kafka_groups
from app.adapters.kafka_groups import KafkaGroup
from app.errors import FailureCode, OperatorError, Outage
from app.settings import KafkaSettings


class Admin:
    """Answers every question with `answer`, or raises it."""

    answer: Any = None

    def __init__(self, _: object) -> None:
        pass

    def describe_consumer_groups(self, names: list[str], **_: object) -> dict[str, Future[Any]]:
        return {names[0]: self._told()}

    def alter_consumer_group_offsets(self, requests: list[Any], **_: object) -> dict[str, Future[Any]]:
        return {requests[0].group_id: self._told()}

    def _told(self) -> Future[Any]:
        future: Future[Any] = Future()
        if isinstance(Admin.answer, BaseException):
            future.set_exception(Admin.answer)
        else:
            future.set_result(Admin.answer)
        return future


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> KafkaGroup:
    monkeypatch.setattr(kafka_groups, "AdminClient", Admin)
    return KafkaGroup(KafkaSettings())


def failure(code: int) -> KafkaException:
    return KafkaException(KafkaError(code))


def described(assignor: str, given: tuple[str, int] | None = None) -> SimpleNamespace:
    places = [] if given is None else [SimpleNamespace(topic=given[0], partition=given[1])]
    assignment = SimpleNamespace(topic_partitions=places)
    member = SimpleNamespace(client_id="faust", host="/10.0.0.1", assignment=assignment)
    return SimpleNamespace(partition_assignor=assignor, members=[member])


def test_members_are_named_by_client_and_host(group: KafkaGroup) -> None:
    Admin.answer = described("listings", given=("listings", 3))
    assert group.members() == ["faust on 10.0.0.1"]
    (worker,) = group.describe().workers
    assert worker.partitions == {("listings", 3)}


def test_members_of_a_group_with_another_assignor_are_no_workers(group: KafkaGroup) -> None:
    Admin.answer = described("range")
    assert group.describe().workers == ()
    assert [member.name for member in group.describe().strangers] == ["faust on 10.0.0.1"]


@pytest.mark.parametrize("code", [KafkaError.NON_EMPTY_GROUP, KafkaError.UNKNOWN_MEMBER_ID])
def test_a_worker_that_joined_meanwhile_is_told(group: KafkaGroup, code: int) -> None:
    Admin.answer = failure(code)
    with pytest.raises(OperatorError, match="nothing was changed"):
        group.commit("listings", {0: 1})


def test_what_fails_for_one_partition_fails(group: KafkaGroup) -> None:
    partitions = [SimpleNamespace(error=None), SimpleNamespace(error=KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))]
    Admin.answer = SimpleNamespace(topic_partitions=partitions)
    with pytest.raises(OperatorError, match="can not be changed"):
        group.commit("listings", {0: 1, 1: 2})


def test_a_broker_that_does_not_answer_is_an_outage(group: KafkaGroup) -> None:
    for answer in (TimeoutError(), failure(KafkaError._TRANSPORT), failure(KafkaError._ALL_BROKERS_DOWN)):
        Admin.answer = answer
        with pytest.raises(Outage) as caught:
            group.members()
        assert caught.value.code is FailureCode.UNREACHABLE
