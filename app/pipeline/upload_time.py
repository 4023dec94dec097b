"""Composes the time of an upload: its second by Last-Modified, the order within that second by its notification.

Stores give Last-Modified in whole seconds, so two uploads of one second are told apart by what else is known of them:
the milliseconds of the event; where it has none, its sequencer, as far as both were counted by one gateway, and when
its record was published to Kafka; then the place of the record. Whoever was notified later is the later one.

The last 100 ms of a second are pressed together: what is only told after the end of its second stands behind all that
was told within it, and behind that is room for what can not be told apart otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.model.file import ObjectInfo
from app.model.listed import KnownVersion
from app.model.upload import ObjectEvent

_MILLISECOND = timedelta(milliseconds=1)
_PRESSED_FROM = 900
_TOLD_LATE = 949
_LAST = 999
_APART = 2
"""What can not be told apart otherwise: the millisecond after an upload is that of its removal."""
_SECONDS_MAX = 2_000
_UPLOADS_MAX = 2_000
_SEQUENCER_MAX = 64

_FAMILY_BITS = 12
"""Counters of several gateways of a store count each for itself: those within some thousands are of one."""
_CLOCK_DIGITS = 12
"""So long a sequencer is a clock, which all parts of a store share."""
_CLOCK = -2
_NO_FAMILY = -1

_Rank = tuple[int, int, datetime, int, int]
"""What orders the uploads of one sender within one second, what weighs most first; in the end the record's place."""
_Group = tuple[str, str, datetime, int]


def happened_at(event: ObjectEvent, published_at: datetime | None) -> datetime | None:
    """Return when it happened, as exactly as the event and the time of its record (`published_at`) tell; else None.

    An event in whole seconds gets the fraction of its record if that was published within the second, else its end.
    """
    told = _read(event.event_time)
    if told is None:
        return published_at
    if "." in (event.event_time or "") or published_at is None or published_at <= told:
        return told
    return min(published_at, told + _LAST * _MILLISECOND)


def removal_time(event: ObjectEvent, published_at: datetime | None, now: datetime) -> datetime:
    """Return when the object, or its newest version, was removed, on the scale of `upload_time`.

    Never after the record that tells of it: a time in the future would keep later uploads out.
    """
    at = happened_at(event, published_at) or now
    if published_at is not None:
        at = min(at, published_at)
    second = _whole(at)
    return second + _slot(at - second) * _MILLISECOND


def upload_time(last_modified: datetime, ordered_at: datetime | None) -> datetime:
    """Return the time that is the version of what was uploaded, in milliseconds, within the second of Last-Modified.

    `ordered_at` counts only within that second. A store that tells more than the second itself is believed.
    """
    if last_modified.microsecond or ordered_at is None or _whole(ordered_at) != last_modified:
        return _cut(last_modified)
    return _cut(ordered_at)


def is_unsure(ordered_at: datetime) -> bool:
    """Whether the place within the second says no more than that it was told before the second, or after its end."""
    return not 0 < ordered_at.microsecond // 1000 < _TOLD_LATE


def time_told_again(at: datetime, info: ObjectInfo, known: KnownVersion | None) -> datetime:
    """Return the time of an upload whose place is unsure: the one it was given before, if its outcome is known.

    What is known of another upload, or of a removal, of this object in the same second stands before it.
    """
    if known is None or _whole(known.uploaded_at) != _whole(info.uploaded_at):
        return at
    if info.etag and known.etag == info.etag:
        return _cut(known.uploaded_at)
    return max(at, min(_cut(known.uploaded_at) + _APART * _MILLISECOND, _whole(at) + _LAST * _MILLISECOND))


@dataclass(slots=True)
class _Second:
    """The uploads of one sender in one second, in their order, and the millisecond that each was given."""

    ranks: list[_Rank] = field(default_factory=list)
    given: list[int] = field(default_factory=list)

    def place(self, rank: _Rank, place: int) -> int:
        """Return the millisecond for an upload that would be told in `place`, between those before and behind it."""
        at = bisect_left(self.ranks, rank)
        if at < len(self.ranks) and self.ranks[at] == rank:
            return self.given[at]
        if at > 0:
            place = max(place, self.given[at - 1] + _APART)
        if at < len(self.ranks):
            place = min(place, self.given[at] - _APART)
        place = min(max(place, 0), _LAST)
        if len(self.ranks) < _UPLOADS_MAX:
            self.ranks.insert(at, rank)
            self.given.insert(at, place)
        return place


class UploadOrder:
    """Gives the uploads of one second their milliseconds; one instance for all notifications that a worker takes.

    Two uploads of one sender get different ones while both are remembered, as the latest two thousand seconds are.
    """

    def __init__(self) -> None:
        self._seconds: OrderedDict[_Group, _Second] = OrderedDict()

    def ordered_at(
        self, event: ObjectEvent, info: ObjectInfo, published_at: datetime | None, place: tuple[int, int]
    ) -> datetime:
        """Return what `upload_time` is to be given for this upload; `place`: partition and offset of its notification.

        The same notification gets the same time again, as long as it needs not make room for another one.
        """
        second = _whole(info.uploaded_at)
        at = happened_at(event, published_at)
        if info.uploaded_at != second or at is None:
            return info.uploaded_at
        slot, sequence, family = _slot(at - second), _sequence(event.sequencer), _NO_FAMILY
        if "." in (event.event_time or ""):
            first = max((at - second) // timedelta(microseconds=1), 0)  # the event tells more than its sequencer
        elif sequence < 0:
            first = slot
        else:
            first, family = 0, _family(event.sequencer or "", sequence)
        rank = (first, sequence, published_at or at, *place)
        folder, slash, _ = event.key.partition("/")
        group = (event.bucket, folder if slash else "", second, family)
        return second + self._second(group).place(rank, slot) * _MILLISECOND

    def _second(self, group: _Group) -> _Second:
        found = self._seconds.setdefault(group, _Second())
        self._seconds.move_to_end(group)
        if len(self._seconds) > _SECONDS_MAX:
            self._seconds.popitem(last=False)
        return found


def _read(event_time: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(event_time or "")
        return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _slot(since_second: timedelta) -> int:
    """The millisecond, 0 to 949, of what was told so long after its second began."""
    milliseconds = max(since_second // _MILLISECOND, 0)
    if milliseconds > _LAST:
        return _TOLD_LATE
    return milliseconds if milliseconds < _PRESSED_FROM else _PRESSED_FROM + (milliseconds - _PRESSED_FROM) // 2


def _sequence(sequencer: str | None) -> int:
    """Sequencers are hexadecimal numbers that grow; without one it stands before all that have one."""
    try:
        return int(sequencer, 16) if sequencer and len(sequencer) <= _SEQUENCER_MAX else -1
    except ValueError:
        return -1


def _family(sequencer: str, sequence: int) -> int:
    return _CLOCK if len(sequencer) >= _CLOCK_DIGITS else sequence >> _FAMILY_BITS


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _cut(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
