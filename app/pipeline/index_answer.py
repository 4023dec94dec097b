"""What the answer to a bulk request means for each of its documents.

Sources: OpenSearch's bulk API (`errors`, and one item for each action, in order); what each failure looks like was
taken from OpenSearch 3.8 itself (tests/integration/test_opensearch.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
_UNKNOWN_FIELD = "strict_dynamic_mapping_exception"
_DROPPED = (
    "an ingest pipeline of the index drops documents (result: noop); take it away: index.default_pipeline and "
    "index.final_pipeline are to be _none"
)
_FOR_EVERYBODY = ("routing_missing_exception",)
_WORDS_FOR_EVERYBODY = ("has more than one index associated with it", "pipeline with id [")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the status of one bulk item means: a final `outcome`, or send it again, or (`outage`) wait first."""

    outcome: ItemOutcome | None
    reason: str = ""
    outage: FailureCode | None = None


_INDEXED = Judgement(ItemOutcome.INDEXED)
_STALE = Judgement(ItemOutcome.STALE)


def judge_item(status: int, error: Mapping[str, Any], result: str | None = None) -> Judgement:
    """Judge one item by its own status and `result`; `error` is empty when there is none.

    An index that is missing, closed, blocked or forbidden refuses everybody: an outage, whatever the status, which
    is 400 for a closed index and 429 for a full disk.
    """
    if status in _CREATED_OR_UPDATED:
        return _INDEXED if result != "noop" else Judgement(None, _DROPPED, FailureCode.INDEX_UNAVAILABLE)
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
    kind, reason = error.get("type"), str(error.get("reason", ""))
    if kind in _UNAVAILABLE_TYPES or kind in _FOR_EVERYBODY:
        return FailureCode.INDEX_UNAVAILABLE
    if reason.startswith(_NO_WRITE_INDEX) or any(words in reason for words in _WORDS_FOR_EVERYBODY):
        return FailureCode.INDEX_UNAVAILABLE
    return FailureCode.ACCESS_REFUSED if status in (401, 403) else None


def indices_of(answer: Mapping[str, Any]) -> frozenset[str]:
    """The indices that documents of a request went to, as far as the answer tells."""
    try:
        return frozenset([item["index"]["_index"] for item in answer["items"] if item["index"].get("result") != "noop"])
    except (KeyError, TypeError, AttributeError):
        return frozenset()


def refuses_some(answer: Mapping[str, Any]) -> bool:
    """Whether a document was refused for a reason that may as well be the index's: a look at it will tell."""
    return any(item.get("status") == 400 for item in _refused(answer))


def unknown_field(answer: Mapping[str, Any]) -> str | None:
    """What the index says of a field that it does not know; None when it knows all."""
    errors = (item.get("error") for item in _refused(answer))
    found = (error for error in errors if isinstance(error, Mapping) and error.get("type") == _UNKNOWN_FIELD)
    return next(map(reason_of, found), None)


def _refused(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    items = answer.get("items")
    if not answer.get("errors", True) or not isinstance(items, list):
        return
    for item in items:
        found = item.get("index") if isinstance(item, Mapping) else None
        if isinstance(found, Mapping) and "error" in found:
            yield found


def moved(pieces: Sequence[Piece], answer: Mapping[str, Any]) -> bool:
    """Whether a document was kept under another id than its own; only told of where ids were asked for."""
    items = answer.get("items")
    if not isinstance(items, list) or not items or "_id" not in items[0].get("index", {}):
        return False
    return [item["index"].get("_id") for item in items] != [d.id for piece in pieces for d in piece.documents]


def pushes_back(answer: Mapping[str, Any]) -> bool:
    """Whether the index took the request and refused documents of it with 429: it has too much to do."""
    return any(item.get("status") == 429 for item in _refused(answer))


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
        dropped = "noop" in {item.get("result") for item in items}
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_answer() from error
    if len(items) != sum(len(p.documents) for p in pieces):
        raise _no_answer()
    settled = Settled(statuses=statuses)
    if not answer.get("errors", True) and not dropped:
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
        judgement = judge_item(item["status"], item.get("error") or {}, item.get("result"))
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
