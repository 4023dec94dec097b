"""The table of makes: one make by its names, and never two by one."""

from __future__ import annotations

import pytest

from app.errors import OperatorError
from app.pipeline.values.make_names import make_of, make_table, makes
from app.pipeline.values.makers import MAKERS
from app.pipeline.values.text import fold
from app.words import make_words


def test_the_table_is_names_of_text_by_make_in_order() -> None:
    table = make_words()
    assert list(table) == sorted(table, key=fold)
    for usual, others in table.items():
        assert isinstance(usual, str)
        assert others, f"{usual} has one name only: it needs no row"
        for name in others:
            assert isinstance(name, str), f"{usual}: {name!r} is no text; put it in quotes"
            assert name == name.strip()
            assert fold(name) != fold(usual), f"{usual}: {name} is the same name already"


def test_every_make_is_reached_by_each_of_its_names() -> None:
    for name, key in (
        *(("VW", "volkswagen"), ("vw", "volkswagen"), ("Volkswagen", "volkswagen"), ("V.W.", "volkswagen")),
        *(("Mercedes", "mercedes-benz"), ("Mercedes Benz", "mercedes-benz"), ("MERCEDES-BENZ", "mercedes-benz")),
        *(
            ("Chevy", "chevrolet"),
            ("БМВ", "bmw"),
            ("Škoda", "skoda"),
            ("トヨタ", "toyota"),
            ("LandRover", "land-rover"),
        ),
    ):
        assert make_of(name).key == key


@pytest.mark.parametrize(
    "name", ["Benz", "Range Rover", "Opel Vauxhall", "Vauxhall", "Mini", "Maybach", "Alpina", "Ram", "MG", "Lada", "DS"]
)
def test_what_is_in_doubt_is_not_merged(name: str) -> None:
    assert make_of(name).key == fold(name)


def test_a_name_of_two_makes_is_refused() -> None:
    with pytest.raises(OperatorError, match="GM is a name of Opel and of Buick"):
        make_table({"Opel": ["GM"], "Buick": ["GM"]})


def test_makers_by_vin_know_the_keys_of_the_table() -> None:
    """Or a right VIN would be called suspicious: `fits_maker` looks for parts of the key."""
    parts = {part for makes_ in MAKERS.values() for part in makes_}
    keys = {make.key for make in makes().values()}
    known = {key for key in keys if any(part in key for part in parts)}
    assert {"volkswagen", "mercedes-benz", "chevrolet", "land-rover", "alfa-romeo", "skoda"} <= known
