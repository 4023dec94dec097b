"""Limits for tests: the defaults of the settings, changed where a test says so."""

from __future__ import annotations

from typing import Any

from app.model.record import Limits
from app.settings import LimitsSettings


def limits(**changes: Any) -> Limits:
    return Limits(**LimitsSettings(**changes).model_dump())
