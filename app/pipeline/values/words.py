"""Words for the enumerated fields: the plain ones of public feed formats and of the large languages.

Sources: Google vehicle ads and listings, Meta automotive catalogue, schema.org Vehicle (names as in
`AllWheelDriveConfiguration`), mobile.de. A word that means two things somewhere (`El`, `Automatic` as a model) is left
to the profile's own table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from app.model.listing import (
    BodyType,
    Condition,
    Drivetrain,
    FuelType,
    ListingStatus,
    SellerType,
    Transmission,
    VehicleType,
)

_LONGEST_WORD = 120
_SEPARATORS = re.compile(r"[\s_/,.()-]+")


@lru_cache(maxsize=8192)
def fold_word(text: str) -> str:
    """How table words are compared: no case, separators are one blank, a schema.org address is its last part."""
    if text.startswith(("http://", "https://")):
        text = text.rstrip("/#").rpartition("/")[2]
    return _SEPARATORS.sub(" ", text.casefold()).strip()


def _table(words: Mapping[StrEnum, str]) -> dict[str, StrEnum]:
    table = {fold_word(word): value for value, line in words.items() for word in line.split("|")}
    return table | {fold_word(value): value for value in type(next(iter(words)))}


WORDS: dict[str, dict[str, StrEnum]] = {
    "condition": _table(
        {
            Condition.NEW: "n|newcondition|brand new|neu|nuevo|neuf|novo|nuovo|0km",
            Condition.USED: "u|usedcondition|pre owned|preowned|second hand|gebraucht|usado|occasion|usato|foreign used"
            "|locally used|nigerian used",
            Condition.CPO: "certified|certified pre owned|certified used|cpo used",
            Condition.DEMO: "d|demonstrator|vorführfahrzeug|ex demo",
            Condition.SALVAGE: "damagedcondition|damaged|unfall",
        }
    ),
    "status": _table(
        {
            ListingStatus.AVAILABLE: "in stock|instock|active|forecourt|for sale|on sale|1|true",
            ListingStatus.RESERVED: "pending|sale in progress|on hold|reserviert",
            ListingStatus.SOLD: "soldout|out of stock|outofstock|verkauft",
            ListingStatus.REMOVED: "not available|deleted|wastebin|inactive|discontinued",
        }
    ),
    "vehicle_type": _table(
        {
            VehicleType.CAR: "car truck|passenger car|passenger|auto|pkw|voiture|carro|coche|suv|sedan",
            VehicleType.VAN: "commercial van|cargo van|transporter|lcv",
            VehicleType.TRUCK: "lorry|lkw|hgv|heavy truck|camion",
            VehicleType.BUS: "coach|school bus|minibus",
            VehicleType.MOTORCYCLE: "motorbike|bike|motorrad|moto|scooter",
            VehicleType.RV: "motorhome|camper|campervan|wohnmobil|recreational vehicle",
            VehicleType.OTHER: "boat|trailer|powersports",
        }
    ),
    "body_type": _table(
        {
            BodyType.SEDAN: "saloon|limousine|berline|berlina|sedã|4 door sedan|4dr sedan|4d sedan|седан",
            BodyType.HATCHBACK: "hatch|supermini|small car|kleinwagen|5 door hatchback|хэтчбек",
            BodyType.WAGON: "station wagon|estate|kombi|combi|touring|break|perua|wagon 4 dr|универсал",
            BodyType.SUV: "crossover|sport utility|sport utility vehicle|sports activity vehicle|4x4|geländewagen"
            "|offroad|off road|sports utility vehicle|внедорожник",
            BodyType.COUPE: "coupé|sportscar|sports car|supercar|grandtourer|grand tourer|купе",
            BodyType.CONVERTIBLE: "cabriolet|cabrio|roadster|spider|spyder|conversível|кабриолет",
            BodyType.MINIVAN: "mpv|mini van|people carrier|monospace|минивэн",
            BodyType.VAN: "full size van|cargo van|passenger van|panel van|minibus|bus|transporter|фургон",
            BodyType.PICKUP: "truck|pick up|pickup truck|pick up truck|crew cab"
            "|crew cab pickup|extended cab pickup|regular cab"
            "|regular cab pickup|extended cab|quad cab|double cab|supercrew|пикап",
        }
    ),
    "fuel_type": _table(
        {
            FuelType.PETROL: "gasoline|gas|unleaded|benzin|benzine|bensin|essence|gasolina|benzina|regular unleaded"
            "|premium unleaded|gasoline fuel|benzyna|бензин",
            FuelType.DIESEL: "diesel fuel|gazole|gasoil|gasóleo|nafta diesel|turbo diesel|bio diesel|biodiesel|дизель",
            FuelType.HYBRID: "gasoline electric hybrid|gas electric hybrid|petrol electric|hybrid electric|mhev|hev"
            "|mild hybrid|petrol hybrid|diesel hybrid|gasoline hybrid|hybrid gasoline|hybrid petrol|hybrid diesel"
            "|electric gasoline|electric diesel|elektro benzin|full hybrid|hybride|hibrido|híbrido|гибрид",
            FuelType.PLUGIN_HYBRID: "plug in hybrid|plugin hybrid|phev|plug in hybrid gas|plug in gas electric hybrid"
            "|petrol plug in hybrid|rechargeable hybrid",
            FuelType.ELECTRIC: "ev|bev|battery electric|electricity|elektro|elektrisch|électrique|eléctrico|elétrico"
            "|elettrica|электро",
            FuelType.LPG: "autogas|gpl|propane|liquefied petroleum gas",
            FuelType.CNG: "natural gas|erdgas|metano|compressed natural gas|ngv",
            FuelType.FLEX: "flex fuel|flexible|flexible fuel|e85|ethanol|gasoline flex fuel|álcool e gasolina",
            FuelType.HYDROGEN: "fuel cell|wasserstoff|hydrogen fuel cell",
        }
    ),
    "transmission": _table(
        {
            Transmission.MANUAL: "m|manual gear|manuell|schaltgetriebe|handgeschakeld|manuelle|mecanico|mecánico"
            "|mechanical|manuale|stick|stick shift|5 speed manual|6 speed manual|механическая",
            Transmission.AUTOMATIC: "a|auto|automatic gear|automatik|automaat|automatique|automático|automatico"
            "|automatica|automática|automatisch|automat|dual clutch|dct|dsg|автоматическая|автомат",
            Transmission.SEMI_AUTOMATIC: "semi auto|semiautomatic|halbautomatik|automated manual|amt|tiptronic"
            "|роботизированная|робот",
            Transmission.CVT: "continuously variable|variable|xtronic|ivt|e cvt|ecvt|вариатор",
        }
    ),
    "drivetrain": _table(
        {
            Drivetrain.FWD: "frontwheeldriveconfiguration|front wheel drive|front wheel|front|traction avant"
            "|vorderradantrieb|передний",
            Drivetrain.RWD: "rearwheeldriveconfiguration|rear wheel drive|rear wheel|rear|propulsion"
            "|heckantrieb|задний",
            Drivetrain.AWD: "allwheeldriveconfiguration|all wheel drive|all wheel|xdrive|quattro|4matic|allrad"
            "|intégrale|полный",
            Drivetrain.FOUR_WD: "fourwheeldriveconfiguration|four wheel drive|4 wheel drive|4x4|four wd|4wd part time",
        }
    ),
    "seller_type": _table(
        {
            SellerType.DEALER: "dealership|professional|professionnel|gewerblich|händler|pro|trade|company"
            "|concessionnaire|business|franchise|independent",
            SellerType.PRIVATE: "privat|particulier|particular|private seller|owner|by owner|individual|person",
        }
    ),
}
"""By field: folded word → value."""


def read_word(field: str, text: str, table: Mapping[str, StrEnum | None], use_words: bool = True) -> StrEnum | None:
    """The value that `text` stands for: by the sender's own table first (folded keys), then by the common words."""
    if len(text) > _LONGEST_WORD:
        return None
    word = fold_word(text)
    if word in table:
        return table[word]
    found = WORDS[field].get(word) if use_words else None
    return found if found is not None or not use_words else _speeds(field, word)


_SPEEDS = re.compile(r"(?:[0-9]{1,2} ?(?:speed|spd|gang|sp) )?(manual|automatic|auto|cvt|dct)\b.*")


def _speeds(field: str, word: str) -> StrEnum | None:
    """ "8 speed automatic with overdrive" is an automatic."""
    if field != "transmission" or (found := _SPEEDS.fullmatch(word)) is None:
        return None
    return WORDS[field].get(found[1])
