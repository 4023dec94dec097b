"""Listings that come twice in one file: which of two records stands, and which equal vehicles are two.

Memory does not grow with the file: what is remembered of each of the last 32,768 to 65,536 records is two whole
numbers, and its time of change if it has one (some 20 MB at most). Of duplicates further apart the later record still
wins, since writes of one id keep their order; only the flag is missing.
"""

from __future__ import annotations

from enum import Enum

WINDOW = 32_768
"""Records after which the older half of what is remembered is dropped."""


class Repeat(Enum):
    """What a record is to the records of the file before it."""

    NONE = 0
    """Its id is new, or its content is the same: then it is no other listing, and no error."""
    LATER = 1
    """It stands, and the earlier one with its id does not."""
    OLDER = 2
    """The sender changed it before the earlier one with its id: it does not stand."""


class SeenIds:
    """The ids of a file's listings so far."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._recent: dict[int, int] = {}
        self._older: dict[int, int] = {}
        self._changed: dict[int, str] = {}
        self._changed_older: dict[int, str] = {}

    def repeat(self, listing_id: str, content: int, updated_at: str | None) -> Repeat:
        """Note a listing; `content` is a hash of all that it says, `updated_at` RFC 3339 in UTC."""
        key = hash(listing_id)
        recent = self._recent
        earlier = recent.get(key)
        if earlier is None:
            earlier = self._older.get(key)
        if earlier is not None and earlier != content and self._is_older(key, updated_at):
            return Repeat.OLDER
        recent[key] = content
        if updated_at is not None:
            self._changed[key] = updated_at
        if len(recent) >= self._window:
            self._older, self._recent = recent, {}
            self._changed_older, self._changed = self._changed, {}
        return Repeat.NONE if earlier is None or earlier == content else Repeat.LATER

    def _is_older(self, key: int, updated_at: str | None) -> bool:
        """False where one of the two does not say; without the `Z`, so that milliseconds compare."""
        earlier = self._changed.get(key) or self._changed_older.get(key)
        return updated_at is not None and earlier is not None and updated_at[:-1] < earlier[:-1]


class Twins:
    """Ids for vehicles that look the same: the first keeps its fingerprint, the next are numbered as they come.

    A record that says the very same as an earlier one is the same offer and has the same id. Twins that are further
    apart than what is remembered become one.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._numbers: dict[tuple[int, int], int] = {}
        self._counts: dict[int, int] = {}
        self._older: tuple[dict[tuple[int, int], int], dict[int, int]] = ({}, {})

    def id_of(self, fingerprint: str, content: int) -> str:
        """`content`: a hash of all that the record says."""
        key = hash(fingerprint)
        older_numbers, older_counts = self._older
        count = max(self._counts.get(key, 0), older_counts.get(key, 0))
        number = self._numbers.get((key, content)) or older_numbers.get((key, content)) or count + 1
        self._numbers[key, content] = number
        self._counts[key] = max(count, number)
        if len(self._numbers) >= self._window:
            self._older, self._numbers, self._counts = (self._numbers, self._counts), {}, {}
        return fingerprint if number == 1 else f"{fingerprint}-{number}"
