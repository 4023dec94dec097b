"""The settings group `limits`, as the pure pipeline takes it."""

from __future__ import annotations

from app.model.record import Limits
from app.settings import LimitsSettings


def limits_of(settings: LimitsSettings) -> Limits:
    """One number for each setting."""
    return Limits(**settings.model_dump())
