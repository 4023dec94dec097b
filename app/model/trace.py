"""What a worker leaves behind of the records it is working on, so that one that ends it is known afterwards.

It is kept as the metadata of each partition's committed offset, so it goes wherever the partition goes: to a worker on
another machine, and without any disk. Offsets are written relative to the committed one:

    TOPIC_ID w=3f9a0c51 u=0-2,7 d=0:2

Worker `3f9a0c51` is at work on offsets +0 to +2 and +7, and +0 has ended two workers before it. Without anything to
tell, the metadata is the topic's id alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

RANGES_MAX = 100
"""More are drawn together, the closest first: offsets between them are then taken to be worked on, too."""
EXACT_MAX = 500
"""More records of one partition are told as the one range that holds them all: it is written many times a second."""
DEATHS_MAX = 100
OFFSETS_MAX = 10_000
"""No more records of a partition are worked on at once; others could have written anything here."""
_TOKEN = re.compile(r"(?P<name>[wud])=(?P<value>[0-9a-f,:-]{0,4000})")
_DEATHS = 99


@dataclass(frozen=True, slots=True)
class Trace:
    """Of one partition; offsets are absolute."""

    topic_id: str = ""
    worker: str = ""
    """Eight hex digits that a worker process draws at its start."""
    under_way: frozenset[int] = frozenset()
    deaths: Mapping[int, int] = field(default_factory=dict)
    """How many workers have ended in silence while they worked on a record, by its offset."""

    def suspects(self, worker: str) -> dict[int, int]:
        """The deaths as the next owner, `worker`, has to count them; what it left itself is none."""
        ended = () if self.worker == worker else self.under_way
        return {**self.deaths, **{offset: self.deaths.get(offset, 0) + 1 for offset in ended}}


def metadata_of(topic_id: str, trace: str) -> str:
    """What is committed with an offset; `trace` as of `trace_text`."""
    return f"{topic_id} {trace}" if trace else topic_id


def trace_text(base: int, worker: str, under_way: Collection[int], deaths: Mapping[int, int]) -> str:
    """The trace without the topic's id, relative to the offset `base` that it is committed with; "" for nothing."""
    tokens = []
    if under_way:
        exact = sorted(under_way) if len(under_way) <= EXACT_MAX else range(min(under_way), max(under_way) + 1)
        tokens += [f"w={worker}", "u=" + ",".join(_ranges(offset - base for offset in exact))]
    if deaths:
        worst = sorted(deaths.items(), key=lambda one: (-one[1], one[0]))[:DEATHS_MAX]
        tokens.append("d=" + ",".join(f"{offset - base}:{min(count, _DEATHS)}" for offset, count in sorted(worst)))
    return " ".join(tokens)


def trace_of(metadata: str, base: int) -> Trace:
    """Read metadata back; what can not be read is left out: others may have written it."""
    topic_id, _, rest = metadata.partition(" ")
    found = {match["name"]: match["value"] for match in _TOKEN.finditer(rest)}
    under_way: set[int] = set()
    for first, last in _numbers(found.get("u", ""), "-"):
        if first <= last and last - first + len(under_way) < OFFSETS_MAX:
            under_way.update(range(base + first, base + last + 1))
    deaths = {base + offset: count for offset, count in _numbers(found.get("d", ""), ":")}
    return Trace(topic_id, found.get("w", ""), frozenset(under_way), deaths)


def _ranges(offsets: Iterable[int]) -> list[str]:
    ranges: list[list[int]] = []
    for offset in offsets:
        if ranges and offset == ranges[-1][1] + 1:
            ranges[-1][1] = offset
        else:
            ranges.append([offset, offset])
    if len(ranges) > RANGES_MAX:
        ranges = _drawn_together(ranges)
    return [str(first) if first == last else f"{first}-{last}" for first, last in ranges]


def _drawn_together(ranges: list[list[int]]) -> list[list[int]]:
    gaps = sorted(range(1, len(ranges)), key=lambda n: ranges[n][0] - ranges[n - 1][1])
    closed = set(gaps[: len(ranges) - RANGES_MAX])
    joined = [ranges[0]]
    for number, one in enumerate(ranges[1:], 1):
        if number in closed:
            joined[-1] = [joined[-1][0], one[1]]
        else:
            joined.append(one)
    return joined


def _numbers(text: str, between: str) -> list[tuple[int, int]]:
    """`1-3,7` as (1, 3), (7, 7); what is no such number is left out."""
    pairs = []
    for part in text.split(",")[: RANGES_MAX + DEATHS_MAX]:
        first, _, last = part.partition(between)
        last = last or first
        if first.isdigit() and last.isdigit() and len(first) <= 18 and len(last) <= 18:
            pairs.append((int(first), int(last)))
    return pairs
