"""New dead letters as one message: how many, of what, the first reasons, the files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from app.errors import FailureCode
from app.observability.alerts.texts import NAME_MAX, Message, counted, harmless, lasting, reason

KIND = "dead_letters"
_REASONS = 5
_FILES = 8
_FILES_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Letter:
    """What is told of one dead letter."""

    place: str
    """`partition/offset` on the dead-letter topic."""
    code: FailureCode
    message: str
    file: str | None = None
    record: int | None = None
    """The record of that file, when a single listing was refused."""


class _Gathered:
    """Since the last message; its size does not grow with the number of letters."""

    def __init__(self, now: float) -> None:
        self.began = now
        self.codes: Counter[FailureCode] = Counter()
        self.first: list[Letter] = []
        self.files: dict[str, None] = {}
        self._reasons: set[tuple[FailureCode, str]] = set()

    def add(self, letter: Letter) -> None:
        self.codes[letter.code] += 1
        if letter.file is not None and len(self.files) < _FILES_COUNTED:
            self.files[letter.file] = None
        told = (letter.code, reason(letter.message)) if len(self.first) < _REASONS else None
        if told is not None and told not in self._reasons:
            self._reasons.add(told)
            self.first.append(letter)

    def message(self, now: float) -> Message:
        total = self.codes.total()
        common = self.codes.most_common()
        lines = [f"{counted(total, 'dead letter')} in {lasting(max(1.0, now - self.began))}:"]
        lines += [f"  {number:,} {code}" for code, number in common]
        lines += ["First reasons:", *(f"  {_line(letter)}" for letter in self.first)]
        if self.files:
            lines += [self._files_line(), *(f"  {harmless(name, NAME_MAX)}" for name in list(self.files)[:_FILES])]
        lines += ["Look closer:", f"  listings dlq list --code {common[0][0]}"]
        lines += [f"  listings dlq show {self.first[0].place}"]
        return Message(KIND, f"{counted(total, 'new dead letter')}: {common[0][0]}", "\n".join(lines))

    def _files_line(self) -> str:
        number = len(self.files)
        more = " or more" if number >= _FILES_COUNTED else ""
        which = f", the first {_FILES}" if number > _FILES else ""
        return f"{counted(number, 'file')}{more}{which}:"


def _line(letter: Letter) -> str:
    where = "" if letter.file is None else f" in {harmless(letter.file, NAME_MAX)}"
    number = "" if letter.record is None else f", record {letter.record:,}"
    return f"{letter.code}{where}{number}: {reason(letter.message)}"


class DeadLetterDigest:
    """The first message comes `gather_s` after the first letter, the next no sooner than `every_s` after it."""

    def __init__(self, gather_s: float, every_s: float) -> None:
        self._gather_s = gather_s
        self._every_s = every_s
        self._gathered: _Gathered | None = None
        self._sent_at: float | None = None

    def add(self, now: float, letter: Letter) -> None:
        """Count a letter; `now` in monotonic seconds."""
        if self._gathered is None:
            self._gathered = _Gathered(now)
        self._gathered.add(letter)

    def due(self, now: float) -> list[Message]:
        """The message about what was gathered, when it is time for it."""
        if self._gathered is None or now < self._gathered.began + self._gather_s:
            return []
        return [] if self._sent_at is not None and now < self._sent_at + self._every_s else self.rest(now)

    def rest(self, now: float) -> list[Message]:
        """The message about what was gathered, whether it is time or not: nobody will gather more."""
        if self._gathered is None:
            return []
        message = self._gathered.message(now)
        self._gathered, self._sent_at = None, now
        return [message]
