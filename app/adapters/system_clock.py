"""What time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The real clock (`app.ports.Clock`)."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
