"""Words for the enumerated fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.listing import BY_NAME, FuelType
from app.pipeline.values.word_tables import TABLES
from app.pipeline.values.word_tables_more import MORE_TABLES
from app.pipeline.values.words import WORDS, fold_word, read_word


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("drivetrain", "AllWheelDriveConfiguration", "awd"),
        ("drivetrain", "https://schema.org/FrontWheelDriveConfiguration", "fwd"),
        ("drivetrain", "Four-wheel Drive", "4wd"),
        ("drivetrain", "4X4", "4wd"),
        ("drivetrain", "TWO_WD", None),
        ("fuel_type", "Gasoline / Electric Hybrid", "hybrid"),
        ("fuel_type", "PLUGIN_HYBRID", "plugin_hybrid"),
        ("fuel_type", "Plug-In Hybrid", "plugin_hybrid"),
        ("fuel_type", "Benzine", "petrol"),
        ("transmission", "8-Speed Automatic", "automatic"),
        ("transmission", "8 Speed Automatic with overdrive", "automatic"),
        ("transmission", "6-speed manual", "manual"),
        ("transmission", "MANUAL_GEAR", "manual"),
        ("body_type", "SALOON", "sedan"),
        ("body_type", "station wagon", "wagon"),
        ("body_type", 'Extended Cargo Van 170" WB AWD', None),
        ("condition", "https://schema.org/NewCondition", "new"),
        ("status", "SALE_IN_PROGRESS", "reserved"),
        ("seller_type", "Dealer", "dealer"),
        ("fuel_type", "Elektro/Benzin", "hybrid"),
        ("fuel_type", "Benzyna+LPG", "lpg"),
        ("fuel_type", "Hybride rechargeable", "plugin_hybrid"),
        ("fuel_type", "Electrique", "electric"),
        ("fuel_type", "Álcool e gasolina", "flex"),
        ("fuel_type", "Дизель", "diesel"),
        ("fuel_type", "El", None),
        ("fuel_type", "Газ", None),
        ("transmission", "Boîte manuelle", "manual"),
        ("transmission", "Automatisch", "automatic"),
        ("transmission", "АКПП", "automatic"),
        ("transmission", "Półautomatyczna", "semi_automatic"),
        ("transmission", "mechanical", "manual"),
        ("body_type", "Внедорожник 5 дв.", "suv"),
        ("body_type", "Stasjonsvogn", "wagon"),
        ("body_type", "Kombi 5-dørs", "hatchback"),
        ("body_type", "Cabriolet / Roadster", "convertible"),
        ("body_type", "Familiar", "wagon"),
        ("drivetrain", "Na przednie koła", "fwd"),
        ("drivetrain", "Задний привод", "rwd"),
        ("drivetrain", "Vierwielaandrijving", "4wd"),
        ("condition", "Gebrauchtwagen", "used"),
        ("condition", "б/у", "used"),
        ("condition", "Seminuevo", "used"),
        ("condition", "excellent", None),
        ("status", "Solgt", "sold"),
        ("seller_type", "Osoba prywatna", "private"),
        ("seller_type", "Concessionária", "dealer"),
        ("vehicle_type", "Легковой", "car"),
        ("fuel_type", "premium unleaded (required)", "petrol"),
        ("fuel_type", "flex-fuel (unleaded/E85)", "flex"),
        ("fuel_type", "Miljöbränsle/Hybrid", "other"),
        ("fuel_type", "Benzină", "petrol"),
        ("fuel_type", "Dízel", "diesel"),
        ("fuel_type", "Газ / Бензин", None),
        ("fuel_type", "Nafta", None),
        ("fuel_type", "Metano", "cng"),
        ("fuel_type", "纯电动", "electric"),
        ("body_type", "SUV, Crossover", "suv"),
        ("body_type", "4dr Car", "sedan"),
        ("body_type", "4D Crew Cab", "pickup"),
        ("body_type", "small_cars", "hatchback"),
        ("body_type", "Karavan", None),
        ("body_type", "Utilitário", None),
        ("transmission", "Önden Çekiş", None),
        ("transmission", "Yarı Otomatik", "semi_automatic"),
        ("transmission", "Automaatti", "automatic"),
        ("transmission", "6-speed", None),
        ("drivetrain", "Front wheels", "fwd"),
        ("drivetrain", "Front-wheel drive (FWD)", "fwd"),
        ("drivetrain", "Önden Çekiş", "fwd"),
        ("condition", "ojeté", "used"),
        ("condition", "Käytetty", "used"),
        ("seller_type", "Pessoa", "private"),
        ("seller_type", "Sahibinden", "private"),
        ("seller_type", "Magánszemély", "private"),
    ],
)
def test_common_words(field: str, text: str, value: str | None) -> None:
    assert read_word(field, text, {}) == value


def test_the_sender_s_table_comes_first() -> None:
    table = {fold_word("Gas"): FuelType.LPG, fold_word("Benzine"): None}
    assert read_word("fuel_type", "GAS", table) is FuelType.LPG
    assert read_word("fuel_type", "benzine", table) is None
    assert read_word("fuel_type", "diesel", table) is FuelType.DIESEL
    assert read_word("fuel_type", "diesel", table, use_words=False) is None


def test_every_value_is_its_own_word() -> None:
    for field, words in WORDS.items():
        values = BY_NAME[field].values
        assert values is not None
        for value in values:
            assert words[fold_word(value)] is value


def test_no_word_has_two_values() -> None:
    for field, words in TABLES.items():
        meant: dict[str, str] = {}
        for value, line in (*words.items(), *MORE_TABLES[field].items()):
            for word in line.split("|"):
                assert meant.setdefault(fold_word(word), value) == value, (field, word)


@given(st.sampled_from(sorted(WORDS)), st.text(max_size=40))
def test_never_raises(field: str, text: str) -> None:
    found = read_word(field, text, {})
    assert found is None or found in list(BY_NAME[field].values or ())
