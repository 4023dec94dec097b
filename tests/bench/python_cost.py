"""What one listing costs in Python: parse, validate, transform, serialise, bulk line; no server, one core."""

from __future__ import annotations

import time

from app.devstack.samples import as_json, listings
from app.model.document import Document
from app.model.record import ReadHints
from app.pipeline.parse import FileReader
from app.pipeline.transform import Mapper, Origin
from tests.support.limits import limits
from tests.support.memory import START

FILE_LISTINGS = 100


def read_file(content: bytes, key: str) -> list[Document]:
    """One file, exactly as a worker reads it, without the servers."""
    reader = FileReader(ReadHints(), limits(), len(content))
    mapper = Mapper(None, "bench", Origin("bucket", key, "etag", START), START)
    documents: list[Document] = []
    for pieces in (reader.feed(content), reader.finish()):
        for piece in pieces:
            mapped = mapper.map_all(piece.records)
            assert not mapped.rejects
            assert not piece.bad
            documents.extend(mapped.documents)
    return documents


def measure(rounds: int = 200) -> dict[str, float]:
    """Microseconds a listing, files of 100: the median of all files read."""
    content = as_json(listings(FILE_LISTINGS))
    times = []
    for number in range(rounds):
        started = time.perf_counter()
        documents = read_file(content, f"file-{number}.json")
        times.append(time.perf_counter() - started)
        assert len(documents) == FILE_LISTINGS
    times.sort()
    return {
        "python_us_per_listing": times[len(times) // 2] / FILE_LISTINGS * 1e6,
        "python_us_per_listing_best": times[0] / FILE_LISTINGS * 1e6,
        "bytes_per_listing": len(content) / FILE_LISTINGS,
    }
