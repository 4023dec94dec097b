"""The profiles in force: read at the start, and again by themselves when a file of their folder changes.

A changed folder is taken as a whole or not at all. While a file of it is refused, the profiles from before stay in
force, the log names every mistake, and so does `/readyz`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from app.adapters.profile_files import load_profiles, load_well_known
from app.errors import FailureCode, OperatorError
from app.observability import metrics
from app.pipeline.profile import Profile, Profiles
from app.pipeline.recognise import WellKnownFormats
from app.pipeline.well_known import WellKnown

log = structlog.get_logger("listings.profiles")
_Signature = frozenset[tuple[str, int, int, int]]


class ProfileWatch:
    """The profiles and well-known formats of one folder, as they were when all of them could last be read."""

    def __init__(self, folder: Path, every_s: float) -> None:
        """Read `folder`, then look for changes each `every_s` seconds once started.

        Raises `OperatorError(DECLARATION_INVALID)` with every mistake of every file.
        """
        self._folder = folder
        self._every_s = every_s
        self._seen = _signature(folder)
        self._profiles, self._formats = _load(folder)
        self._mistakes: str | None = None
        self._watching: asyncio.Task[None] | None = None

    def match(self, bucket: str, key: str) -> Profile | None:
        """Find the sender's profile for an object; None: none matches."""
        return self._profiles.match(bucket, key)

    def recognise(self, record: Mapping[str, object]) -> WellKnown | None:
        """Find the public format of a file by its first record; None: our own names."""
        return self._formats.recognise(record)

    def facts(self) -> dict[str, object]:
        """Tell how many profiles are in force, and the mistakes of a change that was refused."""
        return {"in_force": len(self._profiles.all), "refused": self._mistakes}

    def start(self) -> None:
        """Begin to look for changes."""
        self._watching = asyncio.create_task(self._watch())

    async def aclose(self) -> None:
        """Stop looking."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self.look()

    async def look(self) -> None:
        """Read the folder again if a file of it has changed, come or gone since the last look."""
        seen = await asyncio.to_thread(_signature, self._folder)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._profiles, self._formats = await asyncio.to_thread(_load, self._folder)
        except OperatorError as error:
            self._refuse(error.message)
        except Exception as error:  # whatever it is, the next change is still looked for
            self._refuse(f"{self._folder}: can not be read: {type(error).__name__}")
        else:
            self._mistakes = None
            metrics.PROFILES_REFUSED.set(0)
            log.info("profiles_read", in_force=len(self._profiles.all))

    def _refuse(self, reason: str) -> None:
        self._mistakes = reason
        metrics.PROFILES_REFUSED.set(1)
        log.error("profiles_refused", reason=reason, in_force=len(self._profiles.all))


def _load(folder: Path) -> tuple[Profiles, WellKnownFormats]:
    try:
        return load_profiles(folder), load_well_known(folder / "well-known")
    except OSError as error:  # a folder that may not be listed, or that goes away meanwhile
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{folder}: can not be read: {error.strerror}") from error


def _signature(folder: Path) -> _Signature:
    """What changes whenever a file does: a mounted ConfigMap is swapped by a link, so its target's inode counts."""
    found = set()
    for path in (*folder.glob("*.yaml"), *folder.glob("well-known/*.yaml")):
        with suppress(OSError):
            status = path.stat()
            found.add((str(path), status.st_mtime_ns, status.st_size, status.st_ino))
    return frozenset(found)
