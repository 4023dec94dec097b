"""Where new objects are to be expected, learnt from where the latest ones came: the folders of a bucket too large to
be listed as a whole within minutes.

A folder that carries a date is also looked for under today's and yesterday's. In a folder whose keys grow with time
only the newest are listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from app.model.listed import StandingKey

_DATE = re.compile(r"(?<!\d)20\d\d(?P<sep>[-/_.]?)(?:0[1-9]|1[0-2])(?P=sep)(?:0[1-9]|[12]\d|3[01])(?!\d)")
_PARTITIONS = re.compile(
    r"(?P<y>[A-Za-z]+=)20\d\d/(?P<m>[A-Za-z]+=)(?:0[1-9]|1[0-2])/(?P<d>[A-Za-z]+=)(?:0[1-9]|[12]\d|3[01])(?!\d)"
)
"""As Hive writes dates: `year=2026/month=11/day=24`."""
_HOUR = re.compile(r"/(?:[A-Za-z]+=)?(?:[01]\d|2[0-3])/")
_LOOK_BACK = timedelta(minutes=30)
_ORDERED_SHARE = 0.9
_ORDERED_LEAST = 5


@dataclass(frozen=True, slots=True)
class HotPlace:
    """Keys with this prefix, after that key."""

    prefix: str
    start_after: str = ""


def hot_places(latest: Sequence[StandingKey], today: date, most: int) -> list[HotPlace]:
    """At most `most` places, those with the latest uploads first; `latest` are newest first, `today` is UTC's."""
    folders: dict[str, list[StandingKey]] = {}
    for item in latest:
        folders.setdefault(item.key[: item.key.rfind("/") + 1], []).append(item)
    places: dict[str, HotPlace] = {}
    for folder, items in folders.items():
        dated = list(_redated(folder, today))
        for place in [HotPlace(prefix) for prefix in dated] or [HotPlace(folder, _newest_of(items))]:
            places.setdefault(place.prefix, place)
        if len(places) >= most:
            break
    return list(places.values())[:most]


def _redated(folder: str, today: date) -> Iterable[str]:
    """The folder with today's and yesterday's date in place of its own; nothing when it carries none."""
    for day in (today, today - timedelta(days=1)):
        if found := _PARTITIONS.search(folder):
            named = f"{found['y']}{day:%Y}/{found['m']}{day:%m}/{found['d']}{day:%d}"
        elif found := _DATE.search(folder):
            named = found["sep"].join((f"{day:%Y}", f"{day:%m}", f"{day:%d}"))
        else:
            return
        rest = folder[found.end() :]
        yield folder[: found.start()] + named + ("/" if _HOUR.match(rest) else rest)


def _newest_of(items: Sequence[StandingKey]) -> str:
    """The key after which new ones are to be expected; "" when the keys do not grow with time."""
    if len(items) < _ORDERED_LEAST:
        return ""
    pairs = list(pairwise(items))
    ordered = sum(newer.key > older.key for newer, older in pairs)
    if ordered < _ORDERED_SHARE * len(pairs):
        return ""
    border = items[0].uploaded_at - _LOOK_BACK
    return min(item.key for item in items if item.uploaded_at >= border)
