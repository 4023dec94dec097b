from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event, Lock

import pytest

from app.devstack.artifacts import LOCK, ArtifactCache, Coordinate, read_lock
from app.devstack.locks import SetUpCancelled
from app.devstack.versions import MAVEN
from app.errors import FailureCode, OperatorError


class Registry:
    """Serves artifacts from memory into a repository folder, as jgo does, and counts."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = dict(contents)
        self.served: list[str] = []
        self._lock = Lock()

    def fetch(self, coordinate: Coordinate, repository: Path) -> Path:
        path = repository / f"{coordinate.artifact}-{coordinate.version}.{coordinate.packaging}"
        if not path.exists():
            with self._lock:
                self.served.append(str(coordinate))
            path.write_bytes(self.contents[str(coordinate)])
        return path


def lock_file(folder: Path, wanted: Mapping[str, bytes]) -> Path:
    path = folder / "lock.json"
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in wanted.items()}
    path.write_text(json.dumps({"broker": hashes}))
    return path


JARS = {"g:one:1": b"first", "g:two:2": b"second"}


def test_files_are_fetched_once(tmp_path: Path) -> None:
    registry = Registry(JARS)
    cache = ArtifactCache(tmp_path / "cache", lock=lock_file(tmp_path, JARS), fetch=registry.fetch)
    paths = cache.fetch("broker", Event(), lambda _: None)
    assert [path.read_bytes() for path in paths] == [b"first", b"second"]
    assert cache.fetch("broker", Event(), lambda _: None) == paths
    assert sorted(registry.served) == ["g:one:1", "g:two:2"]


def test_two_set_ups_at_once_fetch_once(tmp_path: Path) -> None:
    registry = Registry(JARS)
    lock = lock_file(tmp_path, JARS)

    def set_up(_: int) -> list[Path]:
        cache = ArtifactCache(tmp_path / "cache", lock=lock, fetch=registry.fetch)
        return cache.fetch("broker", Event(), lambda _: None)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(set_up, range(2))
    assert first == second
    assert sorted(registry.served) == ["g:one:1", "g:two:2"]


def test_servers_with_a_jar_in_common_do_not_write_it_at_once(tmp_path: Path) -> None:
    registry, both = Registry(JARS), Barrier(2)
    met: list[str] = []

    def fetch(coordinate: Coordinate, repository: Path) -> Path:
        try:
            both.wait(0.3)
            met.append(str(coordinate))
        except BrokenBarrierError:
            both.reset()
        return registry.fetch(coordinate, repository)

    lock = tmp_path / "lock.json"
    shared = {"g:one:1": hashlib.sha256(b"first").hexdigest()}
    lock.write_text(json.dumps({"broker": shared, "index": shared}))
    cache = ArtifactCache(tmp_path / "cache", lock=lock, fetch=fetch)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda server: cache.fetch(server, Event(), lambda _: None), ("broker", "index"))
    assert (first, met, registry.served) == (second, [], ["g:one:1"])


def test_a_file_that_vanished_is_fetched_again(tmp_path: Path) -> None:
    registry = Registry(JARS)
    cache = ArtifactCache(tmp_path / "cache", lock=lock_file(tmp_path, JARS), fetch=registry.fetch)
    cache.fetch("broker", Event(), lambda _: None)[0].unlink()
    assert cache.fetch("broker", Event(), lambda _: None)[0].read_bytes() == b"first"


def test_a_file_left_half_by_a_broken_download_is_replaced(tmp_path: Path) -> None:
    registry = Registry(JARS)
    repository = tmp_path / "cache" / "repository"
    repository.mkdir(parents=True)
    (repository / "one-1.jar").write_bytes(b"fir")
    cache = ArtifactCache(tmp_path / "cache", lock=lock_file(tmp_path, JARS), fetch=registry.fetch)
    assert cache.fetch("broker", Event(), lambda _: None)[0].read_bytes() == b"first"


def test_other_content_than_locked_is_refused_and_deleted(tmp_path: Path) -> None:
    registry = Registry(JARS | {"g:two:2": b"tampered with"})
    cache = ArtifactCache(tmp_path / "cache", lock=lock_file(tmp_path, JARS), fetch=registry.fetch)
    for _ in range(2):
        with pytest.raises(OperatorError, match="g:two:2 has SHA-256") as raised:
            cache.fetch("broker", Event(), lambda _: None)
        assert raised.value.code is FailureCode.COMMAND_FAILED
    assert not (tmp_path / "cache" / "repository" / "two-2.jar").exists()


def test_a_registry_that_does_not_answer_is_said_plainly(tmp_path: Path) -> None:
    def fetch(coordinate: Coordinate, repository: Path) -> Path:
        raise ConnectionError("no route")

    cache = ArtifactCache(tmp_path / "cache", lock=lock_file(tmp_path, JARS), fetch=fetch)
    with pytest.raises(OperatorError, match=r"cannot fetch g:(one:1|two:2): no route"):
        cache.fetch("broker", Event(), lambda _: None)


def test_fetching_stops_when_told(tmp_path: Path) -> None:
    cancelled = Event()
    cancelled.set()
    cache = ArtifactCache(tmp_path / "cache", lock=lock_file(tmp_path, JARS), fetch=Registry(JARS).fetch)
    with pytest.raises(SetUpCancelled):
        cache.fetch("broker", cancelled, lambda _: None)


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("run.jar")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"jar"))
    archives = {"g:app:3:all:tar.gz": buffer.getvalue()}
    registry = Registry(archives)
    cache = ArtifactCache(tmp_path / "cache", lock=lock_file(tmp_path, archives), fetch=registry.fetch)
    folder = cache.unpacked("broker", Event(), lambda _: None)
    assert (folder / "run.jar").read_bytes() == b"jar"
    (folder / "mark").touch()
    assert (cache.unpacked("broker", Event(), lambda _: None) / "mark").exists()


@pytest.mark.parametrize("text", ["g:a:1", "g:a:1:linux", "g:a:1:all:tar.gz", "g:a:1::tar.gz"])
def test_a_coordinate_is_written_as_it_was_read(text: str) -> None:
    assert str(Coordinate.parse(text)) == text


@pytest.mark.parametrize("server", MAVEN)
def test_the_committed_lock_has_every_coordinate_with_a_hash(server: str) -> None:
    locked = read_lock(server)
    assert set(MAVEN[server]) <= set(locked)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in locked.values())


def test_the_committed_lock_has_one_version_of_each_artifact() -> None:
    for server in MAVEN:
        parsed = [Coordinate.parse(text) for text in read_lock(server)]
        assert len({(c.group, c.artifact, c.classifier) for c in parsed}) == len(parsed)


def test_the_committed_lock_names_no_address() -> None:
    assert "//" not in LOCK.read_text(encoding="utf-8")
