"""What a first guess must not take for something else, kind by kind; names are of real feeds, rows are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.guessed import Guessed


@pytest.fixture
def guess(tmp_path: Path) -> Any:
    def guessed(content: object, name: str = "stock.csv") -> Guessed:
        if not isinstance(content, str):
            content, name = json.dumps(content), "stock.json"
        return Guessed(tmp_path, content.encode(), name)

    return guessed


def rows(**columns: list[Any]) -> list[dict[str, Any]]:
    """Records of a make and a model, with these columns beside them."""
    count = len(next(iter(columns.values())))
    base = {"make": "Fiat", "model": "Panda", "year": 2019}
    return [{**base, **{name: values[n] for name, values in columns.items()}} for n in range(count)]


IMAGES = ["https://x.example/1.jpg", "https://x.example/2.jpg", "https://x.example/3.jpg"]


@pytest.mark.parametrize(
    ("record", "path"),
    [
        (lambda n: {"ImageList": "|".join(IMAGES[n:])}, "ImageList"),
        (lambda n: {"bilder": {"bild": IMAGES[n]}}, "bilder.bild"),
        (lambda n: {"media": {"images": [{"href": IMAGES[n], "id": f"i{n}"}]}}, "media.images[].href"),
        (lambda n: {"media": {"photo_links": [IMAGES[n]]}}, "media.photo_links"),
        (lambda n: {"image": [IMAGES[n]]}, "image"),
        (lambda n: {"Zdjęcia": IMAGES[n]}, "Zdjęcia"),
        (lambda n: {"Снимки": f"https://x.example/view/{n}"}, "Снимки"),
        (lambda n: {"图片链接": IMAGES[n]}, "图片链接"),
    ],
)
def test_pictures_are_neither_pages_nor_ids(guess: Any, record: Any, path: str) -> None:
    found = guess([{**base, **record(n)} for n, base in enumerate(rows(x=[1, 2, 3]))])
    assert found.columns["image_urls"] == path
    assert "source_url" not in found.columns
    assert found.profile.fields["source_listing_id"].fingerprint
    assert all(document["image_urls"] for document in found.documents)


def test_what_is_said_of_a_picture_is_not_said_of_the_vehicle(guess: Any) -> None:
    photos = [
        [{"location": IMAGES[n], "title": "Front", "updatedDate": f"2024-03-0{n + 1}T10:00:00Z"}] for n in range(3)
    ]
    found = guess(rows(id=["a1", "a2", "a4"], Photos=photos))
    assert found.columns.keys() & {"city", "title", "updated_at"} == set()
    assert found.columns["image_urls"] == "Photos[].location"


def test_logos_placeholders_and_sites_are_not_of_the_vehicle(guess: Any) -> None:
    found = guess(
        rows(
            id=["a1", "a2", "a4", "a5"],
            logo=[f"https://x.example/l{n}.png" for n in range(4)],
            thumbnail=["https://x.example/none.png"] * 4,
            website=[f"https://dealer{n}.example/" for n in range(4)],
            page=["https://x.example/stock"] * 4,
        )
    )
    assert found.columns.keys() & {"image_urls", "source_url"} == set()


def test_several_pictures_in_one_text_are_taken_apart(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], photos=[IMAGES[0], ",".join(IMAGES), IMAGES[2]]))
    assert found.documents[1]["image_urls"] == IMAGES


@pytest.mark.parametrize(
    ("column", "value", "field", "read"),
    [
        ("Engine HP", "335", "power_kw", 250),
        ("enginePowerBHP", "103", "power_kw", 77),
        ("Leistung (PS)", "90", "power_kw", 66),
        ("snagaKw", "96", "power_kw", 96),
        ("Moc_KM", "145", "power_kw", 107),
        ("Мощность, л.с.", "123", "power_kw", 90),
        ("Przebieg_km", "98000", "mileage_km", 98_000),
        ("odometerReadingMiles", "72150", "mileage_km", 116_114),
        ("Pojemnosc_cm3", "1395", "engine_cc", 1395),
        ("engineCapacityCC", "1598", "engine_cc", 1598),
        ("Объем двигателя, л", "1,6", "engine_cc", 1600),
        ("EngineCylinders", "4", "cylinders", 4),
    ],
)
def test_a_unit_in_a_name_says_which_field_it_is(guess: Any, column: str, value: str, field: str, read: int) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], **{column: [value] * 3}))
    amounts = {"power_kw", "engine_cc", "cylinders", "mileage_km"}
    assert {name: number for name, number in found.documents[0].items() if name in amounts} == {field: read}


def test_cylinders_of_their_own_come_before_an_engine_s_text(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], Engine=["2.7L V6", "3.6L V6", "5.0L V8"], Cylinders=[6, 6, 8]))
    assert (found.columns["cylinders"], found.columns["engine_cc"]) == ("Cylinders", "Engine")


def test_a_bare_small_number_is_no_displacement(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], engine=[4, 6, 4]))
    assert "engine_cc" not in found.columns


def test_a_column_is_used_for_one_field(guess: Any) -> None:
    found = guess(
        "brand,model,model_year,list_price,mileage,url\n"
        'Honda,Civic,2001,"$2,500.00","210,000",https://www.example.ca/v/1001\n'
        'Toyota,RAV4,2017,"$21,995.00","68,120",https://www.example.ca/v/1002\n'
    )
    assert found.columns["price_amount"] == "list_price"
    assert "price_msrp" not in found.columns
    assert any("list price" in doubt for doubt in found.doubts("price_amount"))


def test_a_list_price_beside_the_price_is_the_one_when_new(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], price=["9000 EUR"] * 3, list_price=["15000 EUR"] * 3))
    assert (found.columns["price_amount"], found.columns["price_msrp"]) == ("price", "list_price")


def test_a_second_price_is_told(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], price=["9000 EUR"] * 3, sale_price=["8500 EUR"] * 3))
    assert found.profile.fields["price_amount"].source == ("price",)
    assert "doubtful: sale_price could be the price, too" in found.doubts("price_amount")


def test_the_name_of_a_wrapper_is_no_part_of_a_name(guess: Any) -> None:
    found = guess(
        {
            "listings": [
                {"id": f"l{n}", "price": "9000 EUR", "build": {"make": "Tesla", "model": "3", "year": 2018}}
                for n in (1, 2)
            ]
        }
    )
    assert found.columns["year"] == "build.year"
    assert "build_year" not in found.columns


@pytest.mark.parametrize(
    ("extra", "country", "unit"),
    [
        ({"url": "https://www.example.ca/v/%d"}, "CA", "km"),
        ({"url": "https://www.example.co.uk/v/%d"}, "GB", "mi"),
        ({"url": "https://www.example.com.lr/v/%d"}, "LR", "mi"),
        ({"zip": "48127", "state": "MI"}, "US", "mi"),
        ({"postcode": "M5V 2T6"}, "CA", "km"),
        ({"postcode": "SW1A 1AA"}, "GB", "mi"),
    ],
)
def test_the_unit_follows_the_country(guess: Any, extra: dict[str, str], country: str, unit: str) -> None:
    columns = {name: [value % n if "%d" in value else value for n in (91, 92, 95)] for name, value in extra.items()}
    found = guess(rows(id=["a1", "a2", "a4"], price=["$9,000"] * 3, mileage=["68,120"] * 3, **columns))
    assert (found.profile.defaults.country, found.profile.defaults.mileage_unit) == (country, unit)


def test_a_country_column_gives_currency_and_unit(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], price=[9000] * 3, miles=[5000] * 3, country=["US"] * 3))
    assert (found.profile.defaults.currency, found.profile.defaults.country) == ("USD", None)
    assert found.documents[0]["mileage_unit"] == "mi"


@pytest.mark.parametrize(
    "name", ["Annons-ID", "angebotsnr", "Numer oferty", "ID anuncio", "Номер объявления", "offer no"]
)
def test_ids_have_names_in_many_languages(guess: Any, name: str) -> None:
    found = guess(rows(**{name: ["9001"], "mileage": ["50000 km"]})[0])
    assert found.columns["source_listing_id"] == name
    assert found.check.indexed == 1


def test_two_ids_in_a_row_may_be_row_numbers(guess: Any) -> None:
    assert guess(rows(Id=["1", "2"], **{"Lot number": ["51", "58"]})).columns["source_listing_id"] == "Lot number"
    found = guess(rows(id=["1", "2"]))
    assert found.columns["source_listing_id"] == "id"
    assert any("number of the row" in doubt for doubt in found.doubts("source_listing_id"))


@pytest.mark.parametrize(
    ("texts", "years"),
    [
        (["2014/2015", "2019/2020", "2018"], [(2015, 2014), (2020, 2019), (2018, None)]),
        (["2014/15", "2019/20", "2018/18"], [(2014, 2014), (2019, 2019), (2018, 2018)]),
    ],
)
def test_two_years_in_one_text_are_taken_apart_and_doubted(guess: Any, texts: list[str], years: list[Any]) -> None:
    found = guess([{"id": f"a{n}", "marca": "Fiat", "modelo": "Uno", "Ano": text} for n, text in enumerate(texts)])
    assert [(document["year"], document.get("build_year")) for document in found.documents] == years
    assert any("two years" in doubt for doubt in found.doubts("year"))


def test_a_range_of_years_is_no_year(guess: Any) -> None:
    found = guess([{"id": f"a{n}", "make": "VW", "model": "Golf", "year": "2009 - 2013"} for n in range(3)])
    assert "year" not in found.columns


def test_certified_used_vehicles_are_told(guess: Any) -> None:
    found = guess(
        rows(id=["a1", "a2", "a4"], Type=["Used", "New", "Used"], Certified=["True", "False", "False"], n=[1, 2, 3])
    )
    assert [document["condition"] for document in found.documents] == ["cpo", "new", "used"]


def test_certified_in_letters_is_left_alone(guess: Any) -> None:
    """N is "no" there, and "new" as a condition."""
    found = guess(rows(id=["a1", "a2"], Type=["U", "N"], Certified=["Y", "N"]))
    assert found.profile.fields["condition"].source == ("Type",)
    assert [document["condition"] for document in found.documents] == ["used", "new"]


@pytest.mark.parametrize(
    ("column", "texts", "listed"),
    [
        ("first_seen_at_date", ["2023-02-15T01:25:23.000Z", "2023-02-16T01:25:23.000Z"], "2023-02-15T01:25:23Z"),
        ("DateInStock", ["02/01/2023", "01/15/2023"], "2023-02-01T00:00:00Z"),
        ("Date Listed", ["02/01/2023", "15/01/2023"], "2023-01-02T00:00:00Z"),
        ("date_posted", ["20230215", "20230216"], "2023-02-15T00:00:00Z"),
        ("posting_date", [1_676_424_323, 1_676_424_399], "2023-02-15T01:25:23Z"),
        ("DateInStock", ["02/01/2023", "03/01/2023"], None),
    ],
)
def test_when_it_was_listed(guess: Any, column: str, texts: list[Any], listed: str | None) -> None:
    found = guess(rows(id=["a1", "a2"], **{column: texts}))
    assert found.documents[0].get("listed_at") == listed


def test_months_first_and_days_first_of_one_sender_are_left(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2"], date_listed=["01/15/2023", "15/01/2023"]))
    assert "listed_at" not in found.columns


def test_a_model_is_no_year_and_a_year_no_model(guess: Any) -> None:
    found = guess("الشركة,نوع السيارة,الموديل,السعر\nتويوتا,كامري,2019,78000 SAR\nفورد,رانجر,2020,88000 SAR\n")
    assert (found.columns["make"], found.columns["model"], found.columns["year"]) == (
        "الشركة",
        "نوع السيارة",
        "الموديل",
    )


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"state": ["Used", "New", "Used"]}, "region"),
        ({"sold": ["true", "false", "false"]}, "status"),
        ({"zerokm": ["N", "N", "S"]}, "condition"),
        ({"Automático": ["N", "Y", "N"]}, "condition"),
        ({"page": ["/auto-inserat/fiat/11", "/auto-inserat/fiat/12", "/auto-inserat/fiat/15"]}, "transmission"),
        ({"monthly": [{"price": 219}, {"price": 229}, {"price": 239}]}, "price_amount"),
        ({"distance": [12, 40, 85]}, "mileage"),
        ({"Mileage (kmpl)": [19, 21, 24]}, "mileage"),
        ({"range_km": [400, 420, 510]}, "mileage"),
        ({"dealer": [{"url": f"https://d{n}.example/about"} for n in range(3)]}, "source_url"),
        ({"dealer": [{"description": f"Since 19{n}"} for n in range(70, 73)]}, "description"),
        ({"by": ["Jim", "Joe", "Ann"]}, "city"),
        ({"Miltal": ["14500", "8200", "9000"]}, "mileage"),
        ({"capacity": [77, 64, 82]}, "engine_cc"),
        ({"company": ["Auto Meier", "Cars Ltd", "Best Cars"]}, "make"),
    ],
)
def test_what_only_sounds_like_a_field_is_left(guess: Any, columns: dict[str, list[Any]], field: str) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], **columns))
    assert found.columns.get(field) not in {
        *columns,
        *(f"{name}.{inner}" for name in columns for inner in ("price", "url", "description")),
    }


def test_small_odometers_are_doubted(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], mileage=[29.28, 10.0, 10.51]))
    assert any("numbers are small" in doubt for doubt in found.doubts("mileage"))


def test_a_place_in_one_text_is_taken_apart(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], dealer_address=["Toronto, ON", "Mississauga, ON", "Guelph, ON"]))
    first = found.documents[0]
    assert (first["city"], first["region"]) == ("Toronto", "ON")
    other = guess(rows(id=["a1", "a2", "a4"], location=["12 Main St, Toronto", "Ajax", "Guelph"]))
    assert any("more than a name" in doubt for doubt in other.doubts("city"))


def test_amounts_in_units_of_the_header_are_scaled_and_doubted(guess: Any) -> None:
    found = guess({"cars": rows(id=["a1", "a2", "a4"], **{"Price (Lakh INR)": [8.61, 4.5, 12.5]})})
    assert [document["price_amount"] for document in found.documents] == [861_000.0, 450_000.0, 1_250_000.0]
    assert any("units of 100,000" in doubt for doubt in found.doubts("price_amount"))


def test_lists_of_names_and_values_are_columns(guess: Any) -> None:
    def advert(n: int) -> dict[str, Any]:
        said = {
            "CAR_MODEL/MAKE": "VW",
            "CAR_MODEL/MODEL": "Golf",
            "YEAR_MODEL": "2015",
            "MILEAGE": "98000",
            "POSTCODE": "4020",
        }
        return {
            "id": f"71{n}",
            "description": "VW Golf",
            "attributes": [{"name": name, "values": [value]} for name, value in said.items()],
        }

    first = guess({"adverts": [advert(1), advert(3)]}).documents[0]
    assert (first["make"], first["model"], first["year"], first["postal_code"]) == ("VW", "Golf", 2015, "4020")


def test_columns_without_names_are_told_by_their_values(guess: Any) -> None:
    found = guess(
        "0,1,2,3,4\n"
        "Toyota,Hilux,2016,145 000 km,https://www.example.na/cars/hilux-998811\n"
        "VW,Polo,2019,88 000 km,https://www.example.na/cars/polo-998812\n"
    )
    assert (found.columns["make"], found.columns["year"], found.columns["mileage"]) == ("0", "2", "3")
    assert all("told by its values alone" in found.doubts(name)[0] for name in ("make", "year", "mileage"))


def test_every_doubt_is_a_comment_of_its_rule(guess: Any) -> None:
    found = guess(rows(id=["a1", "a2", "a4"], x=["https://x.example/a", "https://x.example/b", "https://x.example/c"]))
    assert found.doubts("source_url") == ["doubtful: told by its values alone"]


def test_sellers_may_be_persons(guess: Any) -> None:
    sellers = {"seller_name": ["Ann Lee", "Bob Ray", "Cars Ltd"]}
    assert any("persons" in doubt for doubt in guess(rows(id=["a1", "a2", "a4"], **sellers)).doubts("dealer_name"))
    told = guess(rows(id=["a1", "a2", "a4"], seller_type=["private", "private", "dealer"], **sellers))
    assert [document.get("dealer_name") for document in told.documents] == [None, None, "Cars Ltd"]
