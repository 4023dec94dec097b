from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import FailureCode, OperatorError
from app.model.file import ObjectInfo
from app.model.outcome import FileOutcome
from app.ops.upload import Concluded, Uploaded, object_keys, upload_files, wait_for_outcomes
from tests.unit.pipeline.test_wire import OUTCOME

AT = datetime(2026, 3, 1, 10, 3, tzinfo=UTC)


class MemoryStore:
    """Keeps what is put (`Uploader`); keys in `broken` can not be."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.kept: dict[str, tuple[bytes, str | None]] = {}

    async def put(
        self,
        bucket: str,
        key: str,
        body: bytes | Path,
        *,
        content_type: str | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> ObjectInfo:
        if key in self.broken:
            raise OperatorError(FailureCode.COMMAND_FAILED, "the disk is full")
        content = body if isinstance(body, bytes) else body.read_bytes()
        self.kept[key] = (content, content_type)
        if on_progress:
            on_progress(len(content))
        return ObjectInfo(bucket, key, len(content), f"etag-{key}", AT)


def files(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_text(name)
    return [folder / name for name in names]


def uploaded(key: str) -> Uploaded:
    return Uploaded(Path(key), ObjectInfo("b", key, 1, "new", AT), None, 0.0)


def outcome(key: str, etag: str = "new", at: datetime = AT) -> FileOutcome:
    return replace(OUTCOME, bucket="b", key=key, etag=etag, uploaded_at=at)


async def conclusions(
    items: list[Uploaded], answers: dict[str, list[FileOutcome | None]], timeout_s: float = 30.0
) -> list[Concluded]:
    """What is concluded when each key is answered in turn, the last answer staying."""

    async def lookup(_: str, key: str) -> FileOutcome | None:
        return answers[key].pop(0) if len(answers[key]) > 1 else answers[key][0]

    return [item async for item in wait_for_outcomes(items, lookup, timeout_s)]


async def test_files_are_put_below_the_prefix_with_their_content_type(tmp_path: Path) -> None:
    store = MemoryStore()
    sent: list[int] = []
    keys = object_keys(files(tmp_path, "a.json", "b.CSV", "c.json.gz", "d"), "in/")
    result = await upload_files(store, "b", keys, sent.append)
    assert [item.info and item.info.key for item in result] == ["in/a.json", "in/b.CSV", "in/c.json.gz", "in/d"]
    assert [content_type for _, content_type in store.kept.values()] == [
        "application/json",
        "text/csv",
        "application/gzip",
        None,
    ]
    assert sum(sent) == sum(len(content) for content, _ in store.kept.values())


async def test_one_file_that_fails_does_not_keep_the_others(tmp_path: Path) -> None:
    paths = [*files(tmp_path, "a.json", "b.json"), tmp_path / "gone.json"]
    result = await upload_files(MemoryStore("a.json"), "b", object_keys(paths, ""), lambda _: None)
    assert [item.error and item.error.message.split(":")[0] for item in result] == [
        "the disk is full",
        None,
        f"cannot read {tmp_path / 'gone.json'}",
    ]


def test_two_files_of_one_name_do_not_overwrite_each_other() -> None:
    with pytest.raises(OperatorError) as caught:
        object_keys([Path("one/a.json"), Path("two/a.json")], "in/")
    assert "in/a.json" in caught.value.message


async def test_each_outcome_is_told_when_it_comes() -> None:
    done = await conclusions(
        [uploaded("slow"), uploaded("fast")], {"slow": [None, None, outcome("slow")], "fast": [outcome("fast")]}
    )
    assert [item.outcome and item.outcome.key for item in done] == ["fast", "slow"]


@pytest.mark.parametrize(
    ("earlier", "counts"),
    [
        (outcome("k", etag="old", at=AT - timedelta(seconds=1)), False),
        (outcome("k", etag="new", at=AT - timedelta(seconds=1)), False),
        (outcome("k", etag="old"), False),
        (outcome("k", etag="newer", at=AT + timedelta(seconds=1)), True),
    ],
    ids=["older content", "same content uploaded before", "within the same second", "newer content"],
)
async def test_only_an_outcome_of_this_content_or_a_newer_one_counts(earlier: FileOutcome, counts: bool) -> None:
    done = await conclusions([uploaded("k")], {"k": [earlier, outcome("k")]})
    assert [item.outcome for item in done] == [earlier if counts else outcome("k")]


async def test_when_time_is_up_the_rest_has_no_outcome() -> None:
    done = await conclusions([uploaded("never"), uploaded("k")], {"never": [None], "k": [outcome("k")]}, timeout_s=0.2)
    assert {item.uploaded.path.name: item.outcome is None for item in done} == {"k": False, "never": True}


async def test_what_was_not_uploaded_is_not_waited_for() -> None:
    failed = Uploaded(Path("x"), None, OperatorError(FailureCode.COMMAND_FAILED, "no"), 0.0)
    assert await conclusions([failed], {}) == []
