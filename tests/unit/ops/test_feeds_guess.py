"""First profiles for unknown files: they can be loaded, read the file, and say what is doubtful."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import FileRejected
from app.ops.feeds_guess import guess_profile
from app.ops.feeds_guess.names import score, spellings
from app.ops.feeds_guess.sample import records_path
from app.ops.feeds_guess.units import header_currency, header_unit
from tests.support.guessed import Guessed
from tests.support.limits import limits


@pytest.fixture
def guess(tmp_path: Path) -> Any:
    def guessed(content: bytes | str, name: str = "stock.csv") -> Guessed:
        return Guessed(tmp_path, content.encode() if isinstance(content, str) else content, name)

    return guessed


GERMAN = (
    "Inserat-ID;Marke;Modell;Erstzulassung;Kilometerstand;Preis (EUR);Kraftstoff;Getriebe;Leistung (PS);Farbe;Notiz\n"
    "A1;Opel;Corsa;03/2015;85.000;7.900;Benzin;Schaltgetriebe;90;rot;nett\n"
    "A2;VW;Golf;07/2018;43.472 km;16.500;Diesel;Automatik;150;blau;\n"
    "A3;BMW;320d;11/2019;21.000;25.900;Diesel;Automatik;190;grau;sehr nett\n"
)


def test_columns_are_found_by_their_names_in_other_languages(guess: Any) -> None:
    found = guess(GERMAN.encode("utf-8-sig"))
    assert found.profile.format.delimiter == ";"
    wanted = {
        "source_listing_id": "Inserat-ID", "make": "Marke", "model": "Modell", "first_registration": "Erstzulassung",
        "mileage": "Kilometerstand", "price_amount": "Preis (EUR)", "fuel_type": "Kraftstoff",
        "power_kw": "Leistung (PS)", "transmission": "Getriebe", "color_exterior": "Farbe",
    }  # fmt: skip
    assert {target: found.sources(target)[0] for target in wanted} == wanted
    first = found.documents[0]
    assert (first["price_amount"], first["price_currency"], first["power_kw"]) == (7900.0, "EUR", 66)
    assert (first["year"], first["transmission"], first["fuel_type"]) == (2015, "manual", "petrol")
    assert found.check.is_clean
    assert "#   Notiz: nett | sehr nett" in found.text


def test_another_encoding_is_tried_and_doubted(guess: Any) -> None:
    found = guess(GERMAN.replace("nett", "schön").encode("cp1252"))
    assert found.profile.format.encoding == "windows-1252"
    assert "doubtful: not UTF-8" in found.text
    assert found.check.indexed == 3


def test_an_encoding_that_shows_late_is_noticed(guess: Any) -> None:
    row = "A%d;Opel;Corsa;03/2015;85.000;7.900;Benzin;Schaltgetriebe;90;rot;%s\n"
    rows = "".join(row % (n, "ü" if n == 4_999 else "") for n in range(5_000))
    found = guess((GERMAN.partition("\n")[0] + "\n" + rows).encode("cp1252"))
    assert found.profile.format.encoding == "windows-1252"
    assert found.check.indexed == 5_000


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"count": 2, "vehicles": [{"id": "1", "make": "Fiat", "model": "500", "year": 2019, "price": "9900 EUR"}] * 2},
         "vehicles[]"),
        ({"page": {"props": {"ads": [{"id": "1", "make": "Fiat", "model": "500", "year": 2019}]}}}, "page.props.ads[]"),
        ({"cars": {"1": {"id": "1", "make": "Fiat", "model": "500", "year": 2019},
                   "2": {"id": "2", "make": "Fiat", "model": "600", "year": 2020}}}, "cars.*"),
    ],
)  # fmt: skip
def test_records_are_found_inside_of_a_document(guess: Any, document: dict[str, Any], path: str) -> None:
    found = guess(json.dumps(document), "stock.json")
    assert found.profile.format.records == path
    assert found.check.indexed > 0
    assert not found.check.rejected


def test_a_single_record_with_lists_in_it_is_one_record() -> None:
    ad = {"id": "1", "make": "Fiat", "model": "500", "images": [{"url": "x", "width": 1, "height": 2, "title": "y"}]}
    assert records_path(ad) is None
    assert (
        records_path({"vehicle": {"make": "Fiat", "model": "500"}, "price": {"amount": 5, "currency": "EUR"}}) is None
    )


def test_a_file_without_header_gets_names(guess: Any) -> None:
    found = guess(
        "Fiat,500,2019,https://x.example/11111.html,$ 9000\nOpel,Corsa,2018,https://x.example/22222.html,$ 8000\n"
    )
    assert found.profile.format.header == tuple(f"column_{n}" for n in range(1, 6))
    assert found.check.read == 2
    assert "the first row looks like values" in found.text
    assert found.sources("price_amount") == ("column_5",)


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ({"listing_id": "L%d", "stock": "S%d", "vin": "5TDZZ3DC8KS00030%d"}, {"source": ("listing_id",)}),
        ({"stock": "S%d", "vin": "5TDZZ3DC8KS00030%d"}, {"source": ("stock",)}),
        ({"url": "https://x.example/cars/fiat-9988%d.html", "vin": "5TDZZ3DC8KS00030%d"}, {"source": ("url",)}),
        ({"vin": "5TDZZ3DC8KS00030%d"}, {"source": ("vin",)}),
        ({"id": "%d", "vin": "5TDZZ3DC8KS00030%d"}, {"source": ("vin",)}),  # 1, 2, 3 is the number of the row
        ({"id": "same", "vin": "5TDZZ3DC8KS00030%d"}, {"source": ("vin",)}),
        ({"colour": "red"}, {"fingerprint": ("make", "model", "year", "colour")}),
    ],
)
def test_the_id_is_chosen_in_the_order_of_trust(guess: Any, columns: dict[str, str], chosen: dict[str, Any]) -> None:
    rows = [
        {
            "make": "Fiat",
            "model": "500",
            "year": "2019",
            "price": "9000",
            **{k: v % n if "%" in v else v for k, v in columns.items()},
        }
        for n in range(1, 7)
    ]
    found = guess("\n".join(map(json.dumps, rows)), "stock.ndjson")
    rule = found.profile.fields["source_listing_id"]
    assert {name: getattr(rule, name) for name in chosen} == chosen


def test_stock_numbers_of_several_dealers_need_the_dealer(guess: Any) -> None:
    rows = "".join(f"{n % 2},S{n},Fiat,500,2019\n" for n in range(6))
    found = guess("dealer_id,stock,make,model,year\n" + rows)
    assert found.profile.fields["source_listing_id"].template == "{dealer_id}-{stock}"
    assert found.check.indexed == 6


def test_a_headline_is_taken_apart_when_there_is_nothing_else(guess: Any) -> None:
    found = guess(
        "Annonse ID,Title,Price\n11,2018 Land Rover Defender 110 SE,1000 EUR\n12,2019 Mercedes-Benz GLC,2000 EUR\n"
    )
    assert [(d["make"], d["model"], d["year"]) for d in found.documents] == [
        ("Land Rover", "Defender", 2018), ("Mercedes-Benz", "GLC", 2019),
    ]  # fmt: skip
    assert found.check.flags["read_from_text"] == 2
    assert "# doubtful: read from Title" in found.text


def test_fuel_economy_and_horsepower_are_no_mileage(guess: Any) -> None:
    found = guess(
        "id,make,model,year,Mileage,Kilometers_Driven\nx1,Fiat,500,2019,26.6 km/kg,72000\nx2,Fiat,500,2019,9 kmpl,900\n"
    )
    assert found.sources("mileage") == ("Kilometers_Driven",)
    assert found.profile.fields["mileage"].unit == "km"


def test_what_no_column_says_is_asked_for(guess: Any) -> None:
    found = guess("id,model,price\nx1,500,9000\nx2,Panda,8000\n")
    assert "# make: no column found" in found.text
    assert "# year: no column found" in found.text
    assert "# currency: USD   # doubtful" in found.text
    assert found.profile.defaults.currency is None


def test_the_country_of_the_pages_gives_currency(guess: Any) -> None:
    found = guess(
        "id,make,model,year,price,url\nx1,Fiat,500,2019,9000,https://www.cars.no/1\nx2,Fiat,500,2019,8000,https://cars.no/2\n"
    )
    assert (found.profile.defaults.currency, found.profile.defaults.country) == ("NOK", "NO")


def test_hostile_names_and_values_stay_comments_and_texts(guess: Any) -> None:
    names = [
        "id",
        "make",
        "model",
        "year",
        "a: {b",
        "# x",
        "'quo\"te'",
        "- [",
        "ctrl\x1b[31m",
        "new\u2028line",
        "yes",
        "{t?}",
        "$p.g",
    ]
    rows = [
        {**dict.fromkeys(names, f"v\n evil: {n}"), "id": f"i{n}", "make": "Fiat", "model": "5", "year": 2019}
        for n in "abc"
    ]
    found = guess("\n".join(map(json.dumps, rows)), "st'ock\"\n: x.ndjson")
    assert found.check.indexed == 3
    assert "\x1b" not in found.text
    assert "\n evil" not in found.text


def test_packed_files_are_opened(guess: Any) -> None:
    found = guess(gzip.compress(GERMAN.encode()), "stock.csv.gz")
    assert found.profile.format.delimiter == ";"
    assert found.check.indexed == 3


@pytest.mark.parametrize(("content", "name"), [(b"", "x.csv"), (b"\x00\x01\x02" * 50, "x.bin"), (b"[]", "x.json")])
def test_without_records_nothing_is_guessed(content: bytes, name: str) -> None:
    with pytest.raises(FileRejected):
        guess_profile(lambda: [content], name, limits())


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("yearOfRegistration", ["year of registration"]),
        ("Annonse ID", ["annonse id"]),
        ("mileage.value", ["mileage value", "mileage"]),
        ("vehicle.@key", ["vehicle key", "vehicle"]),
        ("images[].url", ["images url"]),
        ("vehicle.offer.Marque", ["vehicle offer marque", "marque"]),
        ("specs[name=Power (kW)].value", ["power kw"]),
        ("Leistung_Türen", ["leistung turen"]),
    ],
)
def test_spellings(path: str, names: list[str]) -> None:
    assert spellings(path) == names


def test_the_surer_name_wins() -> None:
    assert (
        score("source_listing_id", "listing_id")
        > score("source_listing_id", "id")
        > score("source_listing_id", "x.id")
        == 0
    )
    assert score("price_amount", "price_usd") > 0
    assert score("power_kw", "powerPS") > 0
    assert score("make", "remake") == 0


def test_headers_name_units_and_currencies() -> None:
    assert (header_unit("mileage (km)"), header_unit("powerPS"), header_unit("mileage")) == ("km", "ps", None)
    assert (header_currency("price_usd"), header_currency("Preis (EUR)"), header_currency("price")) == (
        "USD",
        "EUR",
        None,
    )
