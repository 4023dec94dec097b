"""What a worker leaves behind of the records it is working on, so that one that ends it is known afterwards.

It is kept as the metadata of each partition's committed offset, so it goes wherever the partition goes: to a worker on
another machine, and without any disk. Offsets are written relative to the committed one:

    TOPIC_ID w=3f9a0c51 u=0-2 v=7 b=0:2

Worker `3f9a0c51` is reading the records at +0 to +2, has read the one at +7 and waits for servers with it, and another
worker ended while it read +0. Without anything to tell, the metadata is the topic's id alone.

A worker that ends without a word blames what it was reading twice as much as what only waited.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

READ = 2
"""The blame for one end of a worker that was reading the record."""
WAITED = 1
"""The same for a worker that had read it, and waited for servers."""
RANGES_MAX = 100
"""More are drawn together, the closest first: offsets between them are then taken to be worked on, too."""
EXACT_MAX = 500
"""More records of one partition are told as the one range that holds them all: it is written many times a second."""
BLAMED_MAX = 100
OFFSETS_MAX = 10_000
"""No more records of a partition are worked on at once; others could have written anything here."""
_TOKEN = re.compile(r"(?P<name>[wuvb])=(?P<value>[0-9a-f,:-]{0,4000})")
_BLAME_MAX = 99


@dataclass(frozen=True, slots=True)
class Trace:
    """Of one partition; offsets are absolute."""

    topic_id: str = ""
    worker: str = ""
    """Eight hex digits that a worker process draws at its start."""
    reading: frozenset[int] = frozenset()
    waiting: frozenset[int] = frozenset()
    blame: Mapping[int, int] = field(default_factory=dict)
    """For the ends of workers, by offset."""

    @property
    def under_way(self) -> frozenset[int]:
        return self.reading | self.waiting

    def blamed(self, worker: str) -> dict[int, int]:
        """The blame as the next owner, `worker`, has to count it; for what it left itself there is none."""
        found = dict(self.blame)
        if self.worker != worker:
            for offsets, weight in ((self.waiting - self.reading, WAITED), (self.reading, READ)):
                for offset in offsets:
                    found[offset] = found.get(offset, 0) + weight
        return found


def metadata_of(topic_id: str, trace: str) -> str:
    """What is committed with an offset; `trace` as of `trace_text`."""
    return f"{topic_id} {trace}" if trace else topic_id


def trace_text(
    base: int, worker: str, reading: Collection[int], waiting: Collection[int], blame: Mapping[int, int]
) -> str:
    """The trace without the topic's id, relative to the offset `base` that it is committed with; "" for nothing."""
    tokens = [f"w={worker}"] if reading or waiting else []
    tokens += [f"{name}={_offsets(of, base)}" for name, of in (("u", reading), ("v", waiting)) if of]
    ahead = {offset: count for offset, count in blame.items() if offset >= base}
    if ahead:
        worst = sorted(ahead.items(), key=lambda one: (-one[1], one[0]))[:BLAMED_MAX]
        tokens.append("b=" + ",".join(f"{offset - base}:{min(count, _BLAME_MAX)}" for offset, count in sorted(worst)))
    return " ".join(tokens)


def trace_of(metadata: str, base: int) -> Trace:
    """Read metadata back; what can not be read is left out: others may have written it."""
    topic_id, _, rest = metadata.partition(" ")
    found = {match["name"]: match["value"] for match in _TOKEN.finditer(rest)}
    blame = {base + offset: count for offset, count in _numbers(found.get("b", ""), ":")}
    reading, waiting = (_expanded(found.get(name, ""), base) for name in "uv")
    return Trace(topic_id, found.get("w", ""), reading, waiting, blame)


def _expanded(text: str, base: int) -> frozenset[int]:
    offsets: set[int] = set()
    for first, last in _numbers(text, "-"):
        if first <= last and last - first + len(offsets) < OFFSETS_MAX:
            offsets.update(range(base + first, base + last + 1))
    return frozenset(offsets)


def _offsets(offsets: Collection[int], base: int) -> str:
    exact = sorted(offsets) if len(offsets) <= EXACT_MAX else range(min(offsets), max(offsets) + 1)
    return ",".join(_ranges(offset - base for offset in exact))


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
    for part in text.split(",")[: RANGES_MAX + BLAMED_MAX]:
        first, _, last = part.partition(between)
        last = last or first
        if first.isdigit() and last.isdigit() and len(first) <= 18 and len(last) <= 18:
            pairs.append((int(first), int(last)))
    return pairs
