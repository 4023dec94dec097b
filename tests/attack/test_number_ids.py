"""Ids that went through a number on their way: none of them makes two vehicles one."""

from __future__ import annotations

import pytest

from tests.support.attacked import Attacked

pytestmark = [pytest.mark.attack, pytest.mark.timeout(300)]
_CAR = ',"make":"Volkswagen","model":"Golf","year":2019}'
_NUMBERS = ("228930314431312345.0", "228930314431312346.0", "7.0")
_JSON = "".join('{"source_listing_id":' + number + _CAR + "\n" for number in _NUMBERS)
_CSV = "source_listing_id,make,model,year\n" + "2.28930314431312E+17,Volkswagen,Golf,2019\n" * 2 + "8,Seat,Ibiza,2019\n"


def test_ids_that_lost_digits_are_refused_and_those_that_did_not_are_kept(attacked: Attacked) -> None:
    system = attacked.system
    for source, name, text, kept in (("ids-a", "a.ndjson", _JSON, "7"), ("ids-b", "b.csv", _CSV, "8")):
        key = f"{source}/{name}"
        system.upload(key, text.encode())
        outcome = system.wait_outcome(key)
        assert (outcome["read"], outcome["indexed"], outcome["rejected"]) == (3, 1, 2), outcome
        system.refresh()
        assert [one["source_listing_id"] for one in system.listings_of(source)] == [kept]
