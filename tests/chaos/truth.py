"""What producers have done, so that the audit can tell listing by listing what has to be in the index."""

from __future__ import annotations

import hashlib
import random
import time
from dataclasses import dataclass, field
from typing import Any

import obstore
from obstore.exceptions import BaseError

from app.devstack.samples import as_json, listing
from tests.support.system import System

PER_FILE = 3
_PATIENCE_S = 60.0


@dataclass
class File:
    """An object as it was last put, or that it was removed."""

    numbers: tuple[int, ...]
    revision: int
    bad: bool
    etag: str
    there: bool = True


@dataclass
class Truth:
    """Uploads, changes and removals drawn by `seed`; each is done once the store has answered 200."""

    system: System
    prefix: str
    seed: int
    files: dict[str, File] = field(default_factory=dict)
    uploads: int = 0

    def __post_init__(self) -> None:
        self._drawn = random.Random(self.seed)

    def step(self) -> None:
        """One thing that a producer does."""
        choice = self._drawn.random()
        known = sorted(key for key, file in self.files.items() if file.there)
        if choice < 0.25 and known:
            self._put(self._drawn.choice(known))
        elif choice < 0.30 and known:
            self._remove(self._drawn.choice(known))
        else:
            self._put(f"{self.prefix}/{len(self.files):05d}.json")

    def _put(self, key: str) -> None:
        before = self.files.get(key)
        first = len(self.files) * PER_FILE + 1
        numbers = before.numbers if before else tuple(range(first, first + PER_FILE))
        file = File(numbers, before.revision + 1 if before else 1, self._drawn.random() < 0.1, "")
        content = as_json(self._records(file))
        file.etag = hashlib.md5(content, usedforsecurity=False).hexdigest()  # the etag of a plain upload
        self._insist(lambda: self.system.upload(key, content))
        self.files[key] = file
        self.uploads += 1

    def _remove(self, key: str) -> None:
        self._insist(lambda: obstore.delete(self.system.store, key))
        self.files[key].there = False

    def _insist(self, act: Any) -> None:
        """A producer tries again until the store has taken it."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                act()
            except (BaseError, OSError):
                assert time.monotonic() < deadline, "the store was away for too long"
                time.sleep(0.2)  # a producer's own pace
            else:
                return

    def _records(self, file: File) -> list[dict[str, Any]]:
        records = [
            {**listing(number, prefix=self.prefix), "price_amount": 1000 + file.revision} for number in file.numbers
        ]
        if file.bad:
            records[-1]["year"] = "soon"
        return records

    # -- the audit

    def expected(self) -> dict[str, int | None]:
        """By the sender's id: the revision that has to be found; None: nothing may be."""
        wanted: dict[str, int | None] = {}
        for file in self.files.values():
            for number in file.numbers:
                wanted[self._id(number)] = file.revision if file.there else None
            if file.bad and file.there:
                del wanted[self._id(file.numbers[-1])]  # an older revision of it may stand, or nothing
        return wanted

    def bad_ids(self) -> set[str]:
        """Ids whose newest record was refused: an older revision may stand."""
        return {self._id(file.numbers[-1]) for file in self.files.values() if file.bad}

    def _id(self, number: int) -> str:
        return str(listing(number, prefix=self.prefix)["source_listing_id"])

    def found(self) -> dict[str, int]:
        """By the sender's id: the revision that a search finds."""
        self.system.refresh()
        found: dict[str, int] = {}
        for key in self.files:
            query = {"bool": {"filter": [{"term": {"origin.key": key}}], "must_not": [{"term": {"status": "removed"}}]}}
            for hit in self.system.search({"size": 100, "query": query})["hits"]["hits"]:
                found[hit["_source"]["source_listing_id"]] = int(hit["_source"]["price_amount"]) - 1000
        return found

    def unaccounted(self) -> list[str]:
        """Files without an outcome for what they are now."""
        self.system.refresh()
        return [key for key, file in self.files.items() if not self._is_accounted(key, file)]

    def _is_accounted(self, key: str, file: File) -> bool:
        outcome = self.system.outcome(key)
        if outcome is None:
            return False
        if not file.there:  # rejected alone is not enough: listings of an earlier upload may stand
            return bool(outcome["status"] == "removed" or outcome["failure_code"] == "object_missing")
        counted = outcome["read"] == outcome["indexed"] + outcome["stale"] + outcome["rejected"]
        return bool(outcome["etag"] == file.etag and counted and outcome["rejected"] == int(file.bad))
