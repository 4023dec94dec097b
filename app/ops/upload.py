"""Uploading files as a producer does, and waiting for what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from app.errors import FailureCode, ListingsError, OperatorError
from app.model.file import ObjectInfo
from app.model.outcome import FileOutcome

_AT_ONCE = 8
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 2.0
_CONTENT_TYPES = {
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".gz": "application/gzip",
}

OutcomeLookup = Callable[[str, str], Awaitable[FileOutcome | None]]
"""The latest outcome of an object by bucket and key, None while there is none."""


class Uploader(Protocol):
    """Where files go (`app.adapters.s3`)."""

    async def put(
        self,
        bucket: str,
        key: str,
        body: bytes | Path,
        *,
        content_type: str | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> ObjectInfo: ...


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One file after its upload: the object, or why there is none."""

    path: Path
    info: ObjectInfo | None
    error: ListingsError | None
    uploaded_at_s: float
    """By the clock that measures durations, not the calendar's."""


@dataclass(frozen=True, slots=True)
class Concluded:
    """What became of an uploaded file; no outcome: it did not come in time."""

    uploaded: Uploaded
    outcome: FileOutcome | None
    waited_s: float


def object_keys(paths: Sequence[Path], prefix: str) -> dict[Path, str]:
    """Path → key, the prefix and the file's name; `OperatorError` when two files would get the same key."""
    keys = {path: f"{prefix}{path.name}" for path in paths}
    seen: dict[str, Path] = {}
    for path, key in keys.items():
        if key in seen:
            raise OperatorError(
                FailureCode.COMMAND_FAILED, f"{seen[key]} and {path} would both become {key}: upload them apart"
            )
        seen[key] = path
    return keys


async def upload_files(
    store: Uploader, bucket: str, keys: dict[Path, str], on_progress: Callable[[int], None]
) -> list[Uploaded]:
    """Upload several files at once, in the given order; a failure of one is its own (`Uploaded.error`).

    `on_progress` gets bytes as they are sent.
    """
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(path: Path, key: str) -> Uploaded:
        async with slots:
            try:
                content_type = _CONTENT_TYPES.get(path.suffix.lower())
                info = await store.put(bucket, key, path, content_type=content_type, on_progress=on_progress)
            except ListingsError as error:
                return Uploaded(path, None, error, monotonic())
            except OSError as error:
                reason = OperatorError(FailureCode.COMMAND_FAILED, f"cannot read {path}: {error.strerror or error}")
                return Uploaded(path, None, reason, monotonic())
            return Uploaded(path, info, None, monotonic())

    return list(await asyncio.gather(*(one(path, key) for path, key in keys.items())))


async def wait_for_outcomes(
    uploaded: Sequence[Uploaded], lookup: OutcomeLookup, timeout_s: float
) -> AsyncIterator[Concluded]:
    """What became of each file, as soon as it is known; after `timeout_s` the rest without an outcome.

    An outcome counts when it is of the uploaded content or of a newer one.
    """
    waiting = [item for item in uploaded if item.info is not None]
    deadline = monotonic() + timeout_s
    pause = _FIRST_WAIT_S
    while waiting:
        late = monotonic() >= deadline
        still = []
        for item in waiting:
            outcome = await _outcome_of(item, lookup)
            if outcome is not None or late:
                yield Concluded(item, outcome, monotonic() - item.uploaded_at_s)
            else:
                still.append(item)
        waiting = still
        if waiting:
            await asyncio.sleep(min(pause, max(0.0, deadline - monotonic())))
            pause = min(pause * 1.5, _LONGEST_WAIT_S)


async def _outcome_of(item: Uploaded, lookup: OutcomeLookup) -> FileOutcome | None:
    assert item.info is not None
    outcome = await lookup(item.info.bucket, item.info.key)
    if outcome is None:
        return None
    # Stores tell time in whole seconds: of two uploads within one, the entity tag tells which it was.
    told, uploaded = outcome.uploaded_at.replace(microsecond=0), item.info.uploaded_at.replace(microsecond=0)
    is_same = told == uploaded and outcome.etag == item.info.etag
    return outcome if is_same or told > uploaded else None
