"""What a producer is told of the flags: how many listings have which, and record by record on which field."""

from __future__ import annotations

from typing import Any

from app.model.outcome import Flag, RecordFlags
from app.model.record import RawRecord
from app.pipeline.profile import Profile
from app.pipeline.transform import Mapped, Mapper, Origin
from tests.support.memory import START

_PROFILE = Profile.model_validate(
    {
        "name": "p",
        "description": "d",
        "source": "a",
        "match": [{"key": "*"}],
        "fields": {
            "source_listing_id": "id",
            "make": "make",
            "model": "model",
            "year": "year",
            "price_amount": {"from": "preis", "currency": "EUR"},
            "power_kw": {"from": "ps", "unit": "ps"},
            "vin": "vin",
        },
    }
)
_CAR = {"id": "1", "make": "VW", "model": "Golf", "year": 2019}


def _mapped(*records: dict[str, Any], most_told: int = 100) -> Mapped:
    origin = Origin("b", "k", "e", START)
    mapper = Mapper(_PROFILE, "a", origin, START, most_told=most_told)
    return mapper.map_all([RawRecord(number, number + 1, record) for number, record in enumerate(records, 1)])


def test_a_value_that_makes_no_sense_is_told_with_its_record_and_field() -> None:
    mapped = _mapped({**_CAR, "preis": "12000"}, {**_CAR, "id": "2", "preis": "zwölftausend", "ps": "viele"})
    assert mapped.flag_counts == {"value_unread": 1}
    told = (Flag("value_unread", "price_amount", "zwölftausend"), Flag("value_unread", "power_kw", "viele"))
    assert mapped.flags == [RecordFlags(2, 3, told, "2")]


def test_other_flags_name_the_field_that_they_are_about() -> None:
    (flagged,) = _mapped({**_CAR, "vin": "nonsense", "preis": "111111"}).flags
    assert {(flag.flag, flag.field) for flag in flagged.flags} == {
        ("vin_invalid", "vin"),
        ("price_suspicious", "price_amount"),
    }


def test_counts_are_complete_and_records_are_told_up_to_the_limit() -> None:
    mapped = _mapped(*({**_CAR, "id": str(n), "preis": "viel"} for n in range(1, 6)), most_told=2)
    assert mapped.flagged == 5
    assert mapped.flag_counts == {"value_unread": 5}
    assert [flagged.record for flagged in mapped.flags] == [1, 2]


def test_what_was_sent_is_shortened() -> None:
    (flagged,) = _mapped({**_CAR, "preis": "x" * 5000}).flags
    assert len(flagged.flags[0].got or "") == 80
