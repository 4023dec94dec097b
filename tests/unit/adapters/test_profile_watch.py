"""Profiles that change under a running worker: read again as a whole, or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.adapters.profile_watch import ProfileWatch
from app.errors import OperatorError

PROFILE = """\
description: A sender of this test
source: {source}
match:
  - key: "{source}/*"
fields:
  source_listing_id: id
  make: make
  model: model
  year: year
"""


def write(folder: Path, source: str) -> None:
    (folder / f"{source}.yaml").write_text(PROFILE.format(source=source), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "acme")
    return tmp_path


def names(watch: ProfileWatch, *sources: str) -> list[str | None]:
    """The profile that each source's file is read with."""
    found = [watch.match("bucket", f"{source}/stock.json") for source in sources]
    return [None if profile is None else profile.name for profile in found]


async def test_profiles_come_change_and_go_without_a_restart(folder: Path) -> None:
    watch = ProfileWatch(folder, 0.01)
    watch.start()
    write(folder, "bolt")
    async with asyncio.timeout(10):
        while names(watch, "acme", "bolt") != ["acme", "bolt"]:
            await asyncio.sleep(0.01)
        (folder / "acme.yaml").unlink()
        while names(watch, "acme", "bolt") != [None, "bolt"]:
            await asyncio.sleep(0.01)
    await watch.aclose()


async def test_a_change_with_a_mistake_is_refused_as_a_whole_and_told_until_it_is_mended(folder: Path) -> None:
    watch = ProfileWatch(folder, 60)
    write(folder, "bolt")
    (folder / "wrong.yaml").write_text("source: wrong\nfield: {}\n", encoding="utf-8")
    await watch.look()
    assert names(watch, "acme", "bolt") == ["acme", None]
    refused = watch.facts()["refused"]
    assert isinstance(refused, str)
    assert "wrong.yaml:" in refused
    (folder / "wrong.yaml").unlink()
    await watch.look()
    assert names(watch, "acme", "bolt") == ["acme", "bolt"]
    assert watch.facts() == {"in_force": 2, "refused": None}


async def test_a_folder_that_goes_away_leaves_the_profiles_in_force(folder: Path) -> None:
    watch = ProfileWatch(folder, 60)
    (folder / "acme.yaml").unlink()
    folder.rmdir()
    await watch.look()
    assert names(watch, "acme") == ["acme"]
    assert "expected a folder" in str(watch.facts()["refused"])


async def test_nothing_is_read_while_nothing_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = ProfileWatch(folder, 60)
    monkeypatch.setattr("app.adapters.profile_watch.load_profiles", lambda _: pytest.fail("read again"))
    await watch.look()


def test_a_worker_does_not_start_with_a_mistake(folder: Path) -> None:
    (folder / "wrong.yaml").write_text("source: [", encoding="utf-8")
    with pytest.raises(OperatorError, match=r"wrong\.yaml"):
        ProfileWatch(folder, 60)


_ALIASES = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
_HOSTILE = {
    "lists in lists": "[" * 20_000,
    "mappings in mappings": "{a: " * 2_000,
    "aliases of aliases": _ALIASES,
    "an alias of itself": "&a {b: *a}",
    "half a character": 'source: "\\ud800"',
    "a character that there is not": 'source: "\\UFFFFFFFF"',
}


@pytest.mark.parametrize("hostile", _HOSTILE.values(), ids=_HOSTILE)
async def test_a_file_that_no_program_can_go_through_is_a_mistake_like_any_other(folder: Path, hostile: str) -> None:
    watch = ProfileWatch(folder, 60)
    (folder / "wrong.yaml").write_text(hostile, encoding="utf-8")
    await watch.look()
    assert "wrong.yaml:1: expected YAML" in str(watch.facts()["refused"])
    (folder / "wrong.yaml").unlink()
    await watch.look()
    assert watch.facts() == {"in_force": 1, "refused": None}


async def test_a_fault_of_the_reader_does_not_end_the_watch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = ProfileWatch(folder, 60)
    write(folder, "bolt")
    with monkeypatch.context() as patch:
        patch.setattr("app.adapters.profile_watch.load_profiles", lambda _: 1 / 0)
        await watch.look()
    assert "ZeroDivisionError" in str(watch.facts()["refused"])
