"""What the answer to a bulk request means for each of its documents.

Sources: OpenSearch's bulk API (`errors`, and one item for each action, in order); what each failure looks like was
taken from OpenSearch 3.8 itself (tests/integration/test_opensearch.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import Dependency, FailureCode, Outage
from app.model.document import Document, ItemOutcome, RefusedItem
from app.pipeline.index import Batch, BulkQueue, Piece, Target

REASON_MAX = 300
_REASON_END = 100

_CREATED_OR_UPDATED = (200, 201)
_UNAVAILABLE_TYPES = frozenset({"index_not_found_exception", "index_closed_exception", "cluster_block_exception"})
_NO_WRITE_INDEX = "no write index is defined"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the status of one bulk item means: a final `outcome`, or send it again, or (`outage`) wait first."""

    outcome: ItemOutcome | None
    reason: str = ""
    outage: FailureCode | None = None


_INDEXED = Judgement(ItemOutcome.INDEXED)
_STALE = Judgement(ItemOutcome.STALE)


def judge_item(status: int, error: Mapping[str, Any]) -> Judgement:
    """Judge one item by its own status; `error` is empty when there is none.

    An index that is missing, closed, blocked or forbidden refuses everybody: an outage, whatever the status, which
    is 400 for a closed index and 429 for a full disk.
    """
    if status in _CREATED_OR_UPDATED:
        return _INDEXED
    if status == 409:
        return _STALE
    outage = refuses_everybody(status, error)
    if outage is not None:
        return Judgement(None, reason_of(error), outage)
    if status == 429 or status >= 500:
        return Judgement(None, reason_of(error))
    return Judgement(ItemOutcome.REFUSED, f"{status} {reason_of(error)}")


def refuses_everybody(status: int, error: Mapping[str, Any]) -> FailureCode | None:
    """The code of the outage that an error tells of, or None when it is about this one document or request."""
    if error.get("type") in _UNAVAILABLE_TYPES or str(error.get("reason", "")).startswith(_NO_WRITE_INDEX):
        return FailureCode.INDEX_UNAVAILABLE
    return FailureCode.ACCESS_REFUSED if status in (401, 403) else None


def pushes_back(answer: Mapping[str, Any]) -> bool:
    """Whether the index took the request and refused documents of it with 429: it has too much to do."""
    if not answer.get("errors", True):
        return False
    items = answer.get("items")
    return isinstance(items, list) and any(
        isinstance(item, Mapping) and isinstance(item.get("index"), Mapping) and item["index"].get("status") == 429
        for item in items
    )


def reason_of(error: Mapping[str, Any]) -> str:
    """The index's own words, its root cause included, in at most `REASON_MAX` characters (the middle is left out)."""
    words = f"{error.get('type', 'error')}: {str(error.get('reason', '')).partition(' Preview of field')[0]}"
    cause = error.get("caused_by")
    root = None
    while isinstance(cause, Mapping):
        root, cause = cause, cause.get("caused_by")
    if root is not None:
        words += f" ({root.get('type', 'error')}: {root.get('reason', '')})"
    words = " ".join(words.split())
    if len(words) <= REASON_MAX:
        return words
    return f"{words[: REASON_MAX - _REASON_END - 1]}…{words[-_REASON_END:]}"


@dataclass(slots=True)
class Settled:
    """What one answer brought: batches that may be complete now, and pieces that have to be sent again."""

    touched: set[Batch] = field(default_factory=set)
    again: list[Piece] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    targets: set[Target] = field(default_factory=set)
    """Indices that gave at least one final result, so they are there."""
    outage: Outage | None = None
    refusing: Target | None = None
    """The index that the outage is about."""


def settle(queue: BulkQueue, pieces: Sequence[Piece], answer: Mapping[str, Any]) -> Settled:
    """Give every document of a request its result; raises `Outage` when this is no answer to the request.

    A document that is to be sent again keeps its id busy.
    """
    try:
        items = [item["index"] for item in answer["items"]]
        statuses = Counter([item["status"] for item in items])
    except (KeyError, TypeError) as error:
        raise _no_answer() from error
    if len(items) != sum(len(p.documents) for p in pieces):
        raise _no_answer()
    settled = Settled(statuses=statuses)
    if not answer.get("errors", True):
        for piece in pieces:
            piece.batch.indexed += len(piece.documents)
            _finish(queue, settled, piece)
        return settled
    position = 0
    for piece in pieces:
        _settle_piece(queue, settled, piece, items[position : position + len(piece.documents)])
        position += len(piece.documents)
    return settled


def _no_answer() -> Outage:
    return Outage(
        FailureCode.UNREACHABLE,
        Dependency.SEARCH_INDEX,
        "expected the answer to a bulk request; is LISTINGS_OPENSEARCH__URL an OpenSearch?",
    )


def refuse(queue: BulkQueue, piece: Piece, reason: str) -> None:
    """The index will never take these documents."""
    piece.batch.refused += [RefusedItem(d.id, d.record, reason) for d in piece.documents]
    queue.finish(piece)


def _settle_piece(queue: BulkQueue, settled: Settled, piece: Piece, items: Sequence[Mapping[str, Any]]) -> None:
    done: list[Document] = []
    again: list[Document] = []
    batch = piece.batch
    for document, item in zip(piece.documents, items, strict=True):
        judgement = judge_item(item["status"], item.get("error") or {})
        (again if judgement.outcome is None else done).append(document)
        if judgement.outcome is ItemOutcome.INDEXED:
            batch.indexed += 1
        elif judgement.outcome is ItemOutcome.STALE:
            batch.stale += 1
        elif judgement.outcome is ItemOutcome.REFUSED:
            batch.refused.append(RefusedItem(document.id, document.record, judgement.reason))
        elif judgement.outage is not None and settled.outage is None:
            settled.outage = Outage(judgement.outage, Dependency.SEARCH_INDEX, judgement.reason)
            settled.refusing = batch.target
    if again:
        settled.again.append(Piece(batch, again))
    if done:
        _finish(queue, settled, Piece(batch, done))


def _finish(queue: BulkQueue, settled: Settled, piece: Piece) -> None:
    queue.finish(piece)
    settled.touched.add(piece.batch)
    settled.targets.add(piece.batch.target)
