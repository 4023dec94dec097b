"""When a server wishes to be asked again: the header `Retry-After`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX_S = 86_400.0
"""What is longer is read as this; whoever waits has a smaller bound of its own."""
_SECONDS = re.compile(r"[0-9]{1,18}")


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from `now` on (with time zone), or None when there is no such header or nobody can read it.

    RFC 9110, 10.2.3: a whole number of seconds, or an HTTP-date, of which 5.6.7 has one form and two obsolete ones.
    A time that is over is a wish for 0 seconds.
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), RETRY_AFTER_MAX_S)
    if len(text) > 64 or not text[:1].isalpha():
        return None
    try:
        at = parsedate_to_datetime(text)
        moment = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return min(max(0.0, (moment - now).total_seconds()), RETRY_AFTER_MAX_S)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
