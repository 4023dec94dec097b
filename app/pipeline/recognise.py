"""Well-known formats: told by the names in a file's first record, where no sender's profile matches.

The rule: every name of the format's `recognise.needs` is there (of a list, one), and none of ours that no public format
has; those make it a file in our own names. When several formats fit, the one that needs most names wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from app.model.listing import ALIASES
from app.model.record import RawRecord
from app.pipeline.columns import loose_key
from app.pipeline.profile import Profile
from app.pipeline.profile_reader import name_key
from app.pipeline.sources import Speaker
from app.pipeline.transform import Mapped, Mapper, Origin
from app.pipeline.validate import OURS, own_names
from app.pipeline.values.text import excerpt
from app.pipeline.well_known import WellKnown

_COLUMNS_TOLD = 5

OURS_ALONE = frozenset(
    {
        "currency",
        "image_urls",
        "mileage_km",
        "mileage_unit",
        "mileage_value",
        "price_amount",
        "price_currency",
        "source_listing_id",
        "source_url",
    }
)
"""Names of ours that no format in connectors/feeds/well-known has; a test compares."""

Recogniser = Callable[[Mapping[str, object]], WellKnown | None]


class WellKnownFormats:
    """All declared formats; finds the one that a record is in."""

    def __init__(self, formats: Sequence[WellKnown] = ()) -> None:
        self.all = tuple(sorted(formats, key=lambda form: (-len(form.recognise.needs), form.name)))

    def recognise(self, record: Mapping[str, object]) -> WellKnown | None:
        """The format of a file, by its first record as sent; None: it is read with our own names."""
        if not OURS_ALONE.isdisjoint(map(loose_key, record)):
            return None
        return next((form for form in self.all if _has_all(form, record)), None)


def _has_all(form: WellKnown, record: Mapping[str, object]) -> bool:
    key = name_key(form.format)
    names = record.keys() if key is None else set(map(key, record))
    return all(any(name in names for name in needed) for needed in form.recognise.needs)


def no_format(record: Mapping[str, object]) -> WellKnown | None:
    """Recognises nothing: every file without a profile is in our own names."""
    return None


def own_shape(record: Mapping[str, object]) -> str | None:
    """What to say of a file in a shape of its own, which no profile declares; None: it has our make and model."""
    known = {ALIASES.get(name, name) for name in (*own_names(record).values(), *OURS.intersection(record))}
    if known >= {"make", "model"}:
        return None
    columns = ", ".join(excerpt(name) for name in list(record)[:_COLUMNS_TOLD])
    more = ", …" if len(record) > _COLUMNS_TOLD else ""
    ours = (
        f"only {', '.join(sorted(known))} of its columns ({columns}{more}) is ours"
        if known
        else (f"none of its columns ({columns}{more}) is one of our names")
    )
    return (
        f"the file has a shape of its own: {ours}, and no profile is declared for it; have a profile made with "
        "`listings feeds guess FILE`, or send our field names"
    )


class FileMapper:
    """The mapper of one file; without a sender's profile it is made when the first record shows the format."""

    def __init__(
        self,
        profile: Profile | None,
        recognise: Recogniser,
        default_source: str,
        origin: Origin,
        now: datetime,
        speaker: Speaker | None = None,
        most_told: int = 100,
    ) -> None:
        self.profile = profile
        """The sender's, else the format that was recognised; None: our own names, or no record yet."""
        self.own_shape: str | None = None
        """Why hardly a record of the file can be read, when its columns are not ours."""
        self._recognise = recognise
        self._file = default_source, origin, now, speaker, most_told
        self._mapper = None if profile is None else Mapper(profile, *self._file)

    def map_all(self, records: Sequence[RawRecord]) -> Mapped:
        """As `Mapper.map_all`."""
        if self._mapper is None:
            if not records:
                return Mapped()
            self.profile = self._recognise(records[0].value)
            self.own_shape = None if self.profile is not None else own_shape(records[0].value)
            self._mapper = Mapper(self.profile, *self._file)
        return self._mapper.map_all(records)
