"""Something that is wrong for a while: told when it begins, again after long, and once when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.observability.alerts.texts import Message, lasting

Findings = Mapping[str, str]
"""What is wrong now: by subject (a server, a topic), in one harmless line each."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of trouble: its name, a title for its beginning and its end, what to do about it."""

    name: str
    began: str
    ended: str
    look: tuple[str, ...]
    """Commands or places to look closer, a line each."""


class Condition:
    """One message of its kind in `every_s` about what began, however many subjects begin, end and begin again.

    The end of what was told is told at once; so there are at most as many ends as beginnings.
    """

    def __init__(self, kind: Kind, every_s: float, remind_s: float) -> None:
        self._kind = kind
        self._every_s = every_s
        self._remind_s = remind_s
        self._told: dict[str, float] = {}
        self._sent_at: float | None = None

    def update(self, now: float, findings: Findings) -> list[Message]:
        """What has to be told now, in monotonic seconds."""
        messages = []
        over = sorted(subject for subject in self._told if subject not in findings)
        if over:
            messages.append(self._over(now, over, findings))
        if findings and self._is_due(now, findings):
            self._sent_at = now
            for subject in findings:
                self._told.setdefault(subject, now)
            messages.append(self._began(findings))
        return messages

    def _is_due(self, now: float, findings: Findings) -> bool:
        if self._sent_at is None:
            return True
        is_new = any(subject not in self._told for subject in findings)
        return now >= self._sent_at + (self._every_s if is_new else self._remind_s)

    def _began(self, findings: Findings) -> Message:
        title = f"{self._kind.began}: {', '.join(sorted(findings))}"
        lines = [findings[subject] for subject in sorted(findings)]
        return Message(self._kind.name, title, "\n".join([*lines, *self._looks()]))

    def _over(self, now: float, over: list[str], findings: Findings) -> Message:
        lines = [f"{subject}: over, {lasting(now - self._told.pop(subject))} after it was told" for subject in over]
        if findings:
            lines.append(f"Not over: {', '.join(sorted(findings))}")
        title = f"{self._kind.ended}: {', '.join(over)}"
        return Message(self._kind.name, title, "\n".join(lines), is_over=True)

    def _looks(self) -> list[str]:
        return ["Look closer:", *(f"  {line}" for line in self._kind.look)]
