"""When single dead letters would be a flood."""

from __future__ import annotations

from app.model.record import Limits


def floods(read: int, rejected: int, limits: Limits) -> bool:
    """True when the rejects of one file are reported by one dead letter for the whole file.

    That is when both their number and their share of the records read are over the limits, or when there are more
    than may ever be dead-lettered one by one.
    """
    if rejected > limits.rejects_max_count:
        return True
    return rejected > limits.rejects_min_count and rejected > limits.rejects_max_share * read
