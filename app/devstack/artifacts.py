"""Jars from Maven, through jgo, exactly those of `artifacts.lock.json`: one with another SHA-256 is refused.

The lock lists all jars, dependencies included, so nothing is resolved at run time and what runs here is what
was tested.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from app.devstack.extras import extra_missing
from app.devstack.locks import SetUpCancelled, file_lock
from app.errors import FailureCode, OperatorError

LOCK = Path(__file__).with_name("artifacts.lock.json")
_AT_ONCE = 8
_TIMEOUT_S = 60

Fetch = Callable[["Coordinate", Path], Path]
"""Download one artifact into a repository folder; returns where it is."""


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One artifact, written `group:artifact:version[:classifier[:packaging]]`."""

    group: str
    artifact: str
    version: str
    classifier: str = ""
    packaging: str = "jar"

    @classmethod
    def parse(cls, text: str) -> Coordinate:
        return cls(*text.split(":"))

    def __str__(self) -> str:
        parts = [self.group, self.artifact, self.version]
        if self.packaging != "jar":
            return ":".join([*parts, self.classifier, self.packaging])
        return ":".join([*parts, self.classifier] if self.classifier else parts)


def read_lock(server: str, path: Path = LOCK) -> Mapping[str, str]:
    """Coordinate and SHA-256 of everything that `server` needs."""
    lock: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return lock[server]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_jgo(coordinate: Coordinate, repository: Path) -> Path:
    """Download through jgo, which looks into `repository` first."""
    try:
        from jgo.maven import MavenContext
    except ModuleNotFoundError as error:
        raise extra_missing("jgo") from error
    context = MavenContext(repo_cache=repository, local_repos=[], timeout=_TIMEOUT_S)
    component = context.project(coordinate.group, coordinate.artifact).at_version(coordinate.version)
    path = component.artifact(classifier=coordinate.classifier, packaging=coordinate.packaging).resolve()
    assert isinstance(path, Path)
    return path


class ArtifactCache:
    """The jars of all servers in one folder for every stack; two set-ups at once wait for each other."""

    def __init__(self, folder: Path, *, lock: Path = LOCK, fetch: Fetch = fetch_jgo) -> None:
        self._folder = folder
        self._lock = lock
        self._fetch = fetch

    def fetch(self, server: str, cancelled: Event, progress: Callable[[str], None]) -> list[Path]:
        """All files of `server`, downloaded and verified; `OperatorError(COMMAND_FAILED)` when that fails."""
        wanted = read_lock(server, self._lock)
        listing = self._folder / f"{server}-{_digest(wanted)}.json"
        if (known := _read_listing(listing, self._folder)) is not None:
            return known
        with file_lock(self._folder / f"{server}.lock", cancelled):
            if (known := _read_listing(listing, self._folder)) is not None:
                return known
            paths = self._fetch_all(wanted, cancelled, progress)
            names = [str(path.relative_to(self._folder)) for path in paths]
            _write_atomically(listing, json.dumps(names, indent=1))
            return paths

    def unpacked(self, server: str, cancelled: Event, progress: Callable[[str], None]) -> Path:
        """The folder with the content of `server`'s only artifact, a tar.gz."""
        (archive,) = self.fetch(server, cancelled, progress)
        target = self._folder / archive.name.removesuffix(".tar.gz")
        with file_lock(self._folder / f"{server}.lock", cancelled):
            if not target.is_dir():
                progress("unpacking")
                partial = target.with_name(f"{target.name}.partial")
                shutil.rmtree(partial, ignore_errors=True)
                with tarfile.open(archive) as tar:
                    tar.extractall(partial, filter="data")
                partial.rename(target)
        return target

    def _fetch_all(self, wanted: Mapping[str, str], cancelled: Event, progress: Callable[[str], None]) -> list[Path]:
        repository = self._folder / "repository"
        repository.mkdir(parents=True, exist_ok=True)
        paths: list[Path] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            jobs = pool.map(lambda item: self._fetch_one(item[0], item[1], repository, cancelled), wanted.items())
            for count, path in enumerate(jobs, 1):
                progress(f"fetched {count}/{len(wanted)}")
                paths.append(path)
        return paths

    def _fetch_one(self, text: str, expected: str, repository: Path, cancelled: Event) -> Path:
        """A file left half by a broken download is fetched once more; one that stays different is refused."""
        found = ""
        for _ in range(2):
            if cancelled.is_set():
                raise SetUpCancelled
            # Servers have jars in common, and are set up side by side.
            with file_lock(self._folder / "locks" / f"{text.replace(':', '_')}.lock", cancelled):
                try:
                    path = self._fetch(Coordinate.parse(text), repository)
                except (OSError, RuntimeError) as error:
                    raise OperatorError(FailureCode.COMMAND_FAILED, f"cannot fetch {text}: {error}") from error
                if (found := sha256(path)) == expected:
                    return path
                path.unlink()
        raise OperatorError(
            FailureCode.COMMAND_FAILED, f"{text} has SHA-256 {found}, expected {expected}; it was deleted"
        )


def _digest(wanted: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]


def _read_listing(listing: Path, folder: Path) -> list[Path] | None:
    """What was verified before, if all of it is still there."""
    if not listing.is_file():
        return None
    paths = [folder / name for name in json.loads(listing.read_text(encoding="utf-8"))]
    return paths if all(path.is_file() for path in paths) else None


def _write_atomically(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
