"""What goes into a bulk request, and what an answer means, without any network."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FailureCode, Outage
from app.model.document import Document, ItemOutcome, RefusedItem
from app.pipeline.index import Batch, BulkQueue, Piece, Target, bulk_body, halves
from app.pipeline.index_answer import REASON_MAX, judge_item, reason_of, settle


def document(id_: str, version: int = 1, body: bytes = b"{}", record: int = 0) -> Document:
    return Document(id_, version, body, record)


def listings() -> Target:
    return Target(b'{"index":{"_id":')


def add(queue: BulkQueue, target: Target, *documents: Document) -> Batch:
    batch = Batch(target, len(documents))
    queue.add(batch, documents)
    return batch


def ids(pieces: list[Piece]) -> list[str]:
    return [d.id for piece in pieces for d in piece.documents]


def answer(*statuses: int, errors: dict[int, dict[str, str]] | None = None) -> dict[str, object]:
    """As OpenSearch answers: `errors` by position."""
    items: list[dict[str, object]] = [{"index": {"status": status}} for status in statuses]
    for position, error in (errors or {}).items():
        items[position] = {"index": {"status": statuses[position], "error": error}}
    return {"errors": any(status > 201 for status in statuses), "items": items}


class TestRequests:
    def test_take_documents_of_several_callers_in_order_up_to_the_number(self) -> None:
        queue, target = BulkQueue(3, 10_000), listings()
        add(queue, target, document("a"), document("b"))
        add(queue, target, document("c"), document("d"))
        assert queue.fills_a_request
        assert ids(queue.take()) == ["a", "b", "c"]
        assert not queue.fills_a_request
        assert ids(queue.take()) == ["d"]
        assert queue.take() == []

    def test_take_as_much_as_the_size_allows(self) -> None:
        queue, target = BulkQueue(100, 1_000), listings()
        add(queue, target, *(document(name, body=b"x" * 300) for name in "abcd"))
        assert queue.fills_a_request
        assert ids(queue.take()) == ["a", "b"]
        assert ids(queue.take()) == ["c", "d"]

    def test_a_document_larger_than_a_request_goes_alone(self) -> None:
        queue, target = BulkQueue(100, 1_000), listings()
        add(queue, target, document("small"), document("large", body=b"x" * 5_000), document("next"))
        assert [ids(queue.take()) for _ in range(3)] == [["small"], ["large"], ["next"]]

    def test_hold_back_a_second_version_until_the_first_is_final(self) -> None:
        queue, target = BulkQueue(10, 10_000), listings()
        add(queue, target, document("a", 1))
        first = queue.take()
        add(queue, target, document("a", 2), document("b", 2))
        add(queue, target, document("a", 3))
        assert ids(queue.take()) == ["b"]
        queue.finish(first[0])
        second = queue.take()
        assert [(d.id, d.version) for d in second[0].documents] == [("a", 2)]
        assert queue.take() == []
        queue.finish(second[0])
        assert [(d.id, d.version) for d in queue.take()[0].documents] == [("a", 3)]

    def test_hold_back_a_repeated_id_of_the_same_batch(self) -> None:
        queue, target = BulkQueue(10, 10_000), listings()
        batch = add(queue, target, document("a", 1, b"1"), document("b"), document("a", 1, b"2"))
        first = queue.take()
        assert ids(first) == ["a", "b"]
        queue.finish(first[0])
        assert batch.left == 1
        assert queue.take()[0].documents[0].body == b"2"

    def test_the_same_id_in_two_indices_is_two_documents(self) -> None:
        queue = BulkQueue(10, 10_000)
        add(queue, listings(), document("a"))
        add(queue, Target(b'{"index":{"_index":"o","_id":'), document("a"))
        assert ids(queue.take()) == ["a", "a"]

    @given(st.lists(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 400)), min_size=1), max_size=12))
    def test_every_document_is_sent_once_and_in_order_for_its_id(self, batches: list[list[tuple[str, int]]]) -> None:
        queue, target = BulkQueue(4, 1_000), listings()
        wanted: dict[str, list[int]] = {}
        number = 0
        for batch in batches:
            documents = []
            for id_, size in batch:
                number += 1
                wanted.setdefault(id_, []).append(number)
                documents.append(document(id_, number, b"x" * size))
            add(queue, target, *documents)
        sent: dict[str, list[int]] = {}
        while pieces := queue.take():
            assert len(ids(pieces)) <= 4
            assert len(set(ids(pieces))) == len(ids(pieces))
            for piece in pieces:
                for d in piece.documents:
                    sent.setdefault(d.id, []).append(d.version)
                queue.finish(piece)
        assert sent == wanted
        assert (queue.documents, queue.size, queue.unfinished_documents, queue.unfinished_bytes) == (0, 0, 0, 0)
        assert not target.busy
        assert not target.held


class TestBody:
    def test_is_an_action_line_and_a_document_line_each(self) -> None:
        target = Target(b'{"index":{"_index":"out%comes","_id":')
        piece = Piece(Batch(target, 2), [document('q"é', 7, b'{"a":1}'), document("b", 8, b'{"b":2}')])
        body = bulk_body([piece])
        assert body.endswith(b"\n")
        lines = [orjson.loads(line) for line in body.splitlines()]
        assert lines == [
            {"index": {"_index": "out%comes", "_id": 'q"é', "version": 7, "version_type": "external_gte"}},
            {"a": 1},
            {"index": {"_index": "out%comes", "_id": "b", "version": 8, "version_type": "external_gte"}},
            {"b": 2},
        ]


class TestHalves:
    @given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    def test_keep_every_document_in_order(self, sizes: list[int]) -> None:
        batch = Batch(listings(), sum(sizes))
        names = iter(range(sum(sizes)))
        pieces = [Piece(batch, [document(str(next(names))) for _ in range(size)]) for size in sizes]
        parts = halves(pieces)
        assert [id_ for part in parts for id_ in ids(part)] == [str(n) for n in range(sum(sizes))]
        assert [len(ids(part)) for part in parts] == (
            [sum(sizes)] if sum(sizes) == 1 else [sum(sizes) // 2, sum(sizes) - sum(sizes) // 2]
        )


_FAULTS_OF_THE_DOCUMENT = [
    (400, {"type": "strict_dynamic_mapping_exception", "reason": "introduction of [zz] within [_doc] is not allowed"}),
    (400, {"type": "mapper_parsing_exception", "reason": "failed to parse field [year]"}),
    (400, {"type": "illegal_argument_exception", "reason": "if _id is specified it must not be empty"}),
    (413, {"type": "too_large", "reason": "document too large"}),
    (404, {"type": "document_missing_exception", "reason": "gone"}),
]
_FAULTS_OF_THE_INDEX = [
    (404, {"type": "index_not_found_exception", "reason": "no such index [p]"}, FailureCode.INDEX_UNAVAILABLE),
    (400, {"type": "index_closed_exception", "reason": "closed"}, FailureCode.INDEX_UNAVAILABLE),
    (403, {"type": "cluster_block_exception", "reason": "index read-only (api)"}, FailureCode.INDEX_UNAVAILABLE),
    (429, {"type": "cluster_block_exception", "reason": "flood-stage watermark"}, FailureCode.INDEX_UNAVAILABLE),
    (
        400,
        {"type": "illegal_argument_exception", "reason": "no write index is defined for alias [p]. The …"},
        FailureCode.INDEX_UNAVAILABLE,
    ),
    (403, {"type": "security_exception", "reason": "no permissions"}, FailureCode.ACCESS_REFUSED),
    (401, {"type": "security_exception", "reason": "missing credentials"}, FailureCode.ACCESS_REFUSED),
]


class TestJudgingAnItem:
    @pytest.mark.parametrize("status", [200, 201])
    def test_indexed(self, status: int) -> None:
        assert judge_item(status, {}).outcome is ItemOutcome.INDEXED

    def test_an_older_version_is_stale_not_an_error(self) -> None:
        conflict = {"type": "version_conflict_engine_exception", "reason": "current version [5] is higher"}
        assert judge_item(409, conflict).outcome is ItemOutcome.STALE

    @pytest.mark.parametrize(("status", "error"), _FAULTS_OF_THE_DOCUMENT)
    def test_a_fault_of_the_document_is_refused_with_its_reason(self, status: int, error: dict[str, str]) -> None:
        judgement = judge_item(status, error)
        assert judgement.outcome is ItemOutcome.REFUSED
        assert judgement.reason == f"{status} {error['type']}: {error['reason']}"

    @pytest.mark.parametrize(("status", "error", "code"), _FAULTS_OF_THE_INDEX)
    def test_an_index_that_refuses_everybody_is_an_outage(
        self, status: int, error: dict[str, str], code: FailureCode
    ) -> None:
        judgement = judge_item(status, error)
        assert (judgement.outcome, judgement.outage) == (None, code)

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_an_index_that_is_busy_is_asked_again(self, status: int) -> None:
        judgement = judge_item(status, {"type": "rejected_execution_exception", "reason": "queue is full"})
        assert (judgement.outcome, judgement.outage) == (None, None)


class TestReasons:
    def test_tell_the_root_cause_and_not_the_preview(self) -> None:
        error = {
            "type": "mapper_parsing_exception",
            "reason": "failed to parse field [a] of type [integer]. Preview of field's value: 'secret'",
            "caused_by": {"type": "middle", "reason": "m", "caused_by": {"type": "root", "reason": "not a number"}},
        }
        assert reason_of(error) == (
            "mapper_parsing_exception: failed to parse field [a] of type [integer]. (root: not a number)"
        )

    def test_are_bounded_and_one_line(self) -> None:
        words = reason_of({"type": "t", "reason": "long\n" * 1_000 + "is too long"})
        assert len(words) == REASON_MAX
        assert "\n" not in words
        assert words.startswith("t: long")
        assert words.endswith("is too long")


class TestSettling:
    def test_every_document_gets_its_own_result(self) -> None:
        queue, target = BulkQueue(10, 10_000), listings()
        first = add(queue, target, document("a", record=1), document("b", record=2))
        second = add(queue, target, document("c", record=1), document("d", record=2), document("e", record=3))
        error = {"type": "mapper_parsing_exception", "reason": "bad"}
        settled = settle(queue, queue.take(), answer(201, 400, 409, 429, 200, errors={1: error}))
        assert first.left == 0
        assert first.result().refused == (RefusedItem("b", 2, "400 mapper_parsing_exception: bad"),)
        assert (second.left, second.indexed, second.stale) == (1, 1, 1)
        assert ids(settled.again) == ["d"]
        assert target.busy == {"d"}
        assert settled.outage is None
        assert dict(settled.statuses) == {201: 1, 400: 1, 409: 1, 429: 1, 200: 1}

    def test_the_outage_of_one_index_leaves_the_other_alone(self) -> None:
        queue, target, outcomes = BulkQueue(10, 10_000), listings(), Target(b"o")
        add(queue, target, document("a"))
        add(queue, outcomes, document("o"))
        closed = {"type": "index_closed_exception", "reason": "closed"}
        settled = settle(queue, queue.take(), answer(201, 400, errors={1: closed}))
        assert settled.outage is not None
        assert settled.outage.code is FailureCode.INDEX_UNAVAILABLE
        assert settled.refusing is outcomes
        assert settled.targets == {target}
        assert ids(settled.again) == ["o"]

    @pytest.mark.parametrize(
        "wrong", [{}, {"items": []}, {"items": [{}]}, {"items": "?"}, {"items": [{"index": {}}]}, answer(201, 201)]
    )
    def test_something_else_than_an_answer_is_no_success(self, wrong: dict[str, object]) -> None:
        queue, target = BulkQueue(10, 10_000), listings()
        batch = add(queue, target, document("a"))
        with pytest.raises(Outage) as raised:
            settle(queue, queue.take(), wrong)
        assert raised.value.code is FailureCode.UNREACHABLE
        assert batch.left == 1
