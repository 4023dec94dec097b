"""What goes into a bulk request: documents of all callers, gathered by number and size.

At most one version of a document is queued or under way at any time, later ones are held back, so the writes of one
id happen in the order in which they were handed in, whatever is sent again meanwhile. What an answer means is the
part of `index_answer`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from app.model.document import Document, RefusedItem, WriteResult

ACTION_BYTES = 110
"""What the action line of a document adds to a request, about; sizes are estimates on the safe side."""


@dataclass(eq=False, slots=True)
class Target:
    """An index that documents go to, and the ids of it that are queued or under way.

    `action` is the action line up to the id, as in `{"index":{"_id":`.
    """

    action: bytes
    busy: set[str] = field(default_factory=set)
    held: dict[str, deque[tuple[Batch, Document]]] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Batch:
    """What one caller handed in: `left` documents have no final result yet."""

    target: Target
    left: int
    indexed: int = 0
    stale: int = 0
    refused: list[RefusedItem] = field(default_factory=list)

    def result(self) -> WriteResult:
        return WriteResult(self.indexed, self.stale, tuple(self.refused))


class Piece:
    """A run of documents of one batch, as it goes into a request."""

    __slots__ = ("batch", "documents", "size")

    def __init__(self, batch: Batch, documents: Sequence[Document]) -> None:
        self.batch = batch
        self.documents = documents
        self.size = sum([len(d.body) for d in documents]) + ACTION_BYTES * len(documents)

    def split(self, at: int) -> tuple[Piece, Piece]:
        return Piece(self.batch, self.documents[:at]), Piece(self.batch, self.documents[at:])

    def fitting(self, documents: int, size: int) -> int:
        """How many of its first documents fit into `documents` and `size` bytes."""
        count = 0
        for document in self.documents[:documents]:
            size -= len(document.body) + ACTION_BYTES
            if size < 0:
                break
            count += 1
        return count


class BulkQueue:
    """Documents that wait for a request; requests of at most `max_documents` and `max_bytes`.

    A document larger than `max_bytes` goes alone: the index says whether it takes it.
    """

    def __init__(self, max_documents: int, max_bytes: int) -> None:
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self._ready: deque[Piece] = deque()
        self.documents = 0
        """Ready to be sent."""
        self.size = 0
        self.unfinished_documents = 0
        """Handed in and without a final result: ready, held back or under way."""
        self.unfinished_bytes = 0

    @property
    def fills_a_request(self) -> bool:
        return self.documents >= self._max_documents or self.size >= self._max_bytes

    def add(self, batch: Batch, documents: Sequence[Document]) -> None:
        """Queue a batch; documents whose id is busy wait for the one before them."""
        target = batch.target
        whole = Piece(batch, documents)
        self.unfinished_documents += len(documents)
        self.unfinished_bytes += whole.size
        ids = [d.id for d in documents]
        if len(set(ids)) == len(ids) and target.busy.isdisjoint(ids):
            target.busy.update(ids)
            self._push(whole)
            return
        free = []
        for document in documents:
            if document.id in target.busy:
                target.held.setdefault(document.id, deque()).append((batch, document))
            else:
                target.busy.add(document.id)
                free.append(document)
        if free:
            self._push(Piece(batch, free))

    def take(self) -> list[Piece]:
        """The pieces of the next request, oldest first; empty when nothing is ready."""
        taken: list[Piece] = []
        documents, size = self._max_documents, self._max_bytes
        while self._ready and documents > 0:
            piece = self._ready.popleft()
            if len(piece.documents) > documents or piece.size > size:
                count = piece.fitting(documents, size) or (0 if taken else 1)
                if count < len(piece.documents):
                    piece, rest = piece.split(count)
                    self._ready.appendleft(rest)
                    documents = 0
            if piece.documents:
                taken.append(piece)
                documents -= len(piece.documents)
                size -= piece.size
        self.documents -= sum(len(p.documents) for p in taken)
        self.size -= sum(p.size for p in taken)
        return taken

    def finish(self, piece: Piece) -> None:
        """Every document of the piece has its final result: let go of the ids, release what was held for them."""
        target = piece.batch.target
        piece.batch.left -= len(piece.documents)
        self.unfinished_documents -= len(piece.documents)
        self.unfinished_bytes -= piece.size
        if not target.held:
            target.busy.difference_update([d.id for d in piece.documents])
            return
        for document in piece.documents:
            waiting = target.held.get(document.id)
            if waiting is None:
                target.busy.discard(document.id)
                continue
            batch, next_one = waiting.popleft()  # the id stays busy, now for this one
            if not waiting:
                del target.held[document.id]
            self._push(Piece(batch, (next_one,)))

    def _push(self, piece: Piece) -> None:
        self._ready.append(piece)
        self.documents += len(piece.documents)
        self.size += piece.size


def bulk_body(pieces: Sequence[Piece]) -> bytes:
    """The body of a `_bulk` request: an action line and the document, for each document, in order."""
    lines: list[bytes] = []
    for piece in pieces:
        line = piece.batch.target.action.replace(b"%", b"%%") + b'%b,"version":%d,"version_type":"external_gte"}}'
        for document in piece.documents:
            lines.append(line % (orjson.dumps(document.id), document.version))
            lines.append(document.body)
    lines.append(b"")
    return b"\n".join(lines)


def halves(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The same documents as two requests, for one that was too large; a single document stays as it is."""
    middle = sum(len(p.documents) for p in pieces) // 2
    if middle == 0:
        return [list(pieces)]
    first: list[Piece] = []
    second: list[Piece] = []
    for piece in pieces:
        if middle >= len(piece.documents):
            first.append(piece)
        elif middle == 0:
            second.append(piece)
        else:
            head, tail = piece.split(middle)
            first.append(head)
            second.append(tail)
        middle = max(0, middle - len(piece.documents))
    return [first, second]
