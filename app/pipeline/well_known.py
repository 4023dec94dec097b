"""Public formats as declared in `connectors/feeds/well-known/*.yaml`: a profile without a sender."""

from __future__ import annotations

from pydantic import Field, field_validator

from app.pipeline.profile import Declared, Delivery, Match, Profile, Texts


class Recognise(Declared):
    """What tells a format: names that the first record of a file has, compared as the format compares names."""

    needs: tuple[Texts, ...] = Field(min_length=1, description="all of these; of a list, one is enough")


class WellKnown(Profile):
    """A public format, whoever sends it: recognised by its columns where no sender's profile matches.

    It has no source of its own: the sender's name is that of a file without a profile. It never stands for all that
    a sender has, whatever its rules say: only a sender's own profile can take listings away.
    """

    source: str = Field("", max_length=0)
    matches: tuple[Match, ...] = Field((), alias="match", max_length=0)
    recognise: Recognise

    __hash__ = object.__hash__

    @field_validator("delivery")
    @classmethod
    def _is_increment(cls, value: Delivery) -> Delivery:
        if value.is_full:
            raise ValueError("expected kind increment: only a sender's profile says that its files are complete")
        return value
