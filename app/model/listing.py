"""The canonical listing: one offer of one vehicle by one seller at one source, declared field by field.

`FIELDS` is the one list that the validation, the index mapping, the Avro schema and the profiles are held
against. The values are JSON types; an unknown value is absent, never "" or null or 0. Units are in the names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TITLE_MAX = 300
DESCRIPTION_MAX = 20_000
TEXT_MAX = 512
ID_MAX = 256
"""Characters of `source_listing_id`."""
URL_MAX = 2048
ARRAY_MAX = 100
MONEY_MAX = 1_000_000_000_000.0
YEAR_MIN = 1886
"""The first motor car."""


class Condition(StrEnum):
    NEW = "new"
    USED = "used"
    CPO = "cpo"
    DEMO = "demo"
    SALVAGE = "salvage"


class ListingStatus(StrEnum):
    AVAILABLE = "available"
    RESERVED = "reserved"
    SOLD = "sold"
    REMOVED = "removed"


class VehicleType(StrEnum):
    CAR = "car"
    VAN = "van"
    TRUCK = "truck"
    BUS = "bus"
    MOTORCYCLE = "motorcycle"
    RV = "rv"
    OTHER = "other"


class BodyType(StrEnum):
    SEDAN = "sedan"
    HATCHBACK = "hatchback"
    WAGON = "wagon"
    SUV = "suv"
    COUPE = "coupe"
    CONVERTIBLE = "convertible"
    MINIVAN = "minivan"
    VAN = "van"
    PICKUP = "pickup"
    OTHER = "other"


class FuelType(StrEnum):
    PETROL = "petrol"
    DIESEL = "diesel"
    HYBRID = "hybrid"
    PLUGIN_HYBRID = "plugin_hybrid"
    ELECTRIC = "electric"
    LPG = "lpg"
    CNG = "cng"
    FLEX = "flex"
    HYDROGEN = "hydrogen"
    OTHER = "other"


class Transmission(StrEnum):
    MANUAL = "manual"
    AUTOMATIC = "automatic"
    SEMI_AUTOMATIC = "semi_automatic"
    CVT = "cvt"
    OTHER = "other"


class Drivetrain(StrEnum):
    FWD = "fwd"
    RWD = "rwd"
    AWD = "awd"
    FOUR_WD = "4wd"


class MileageUnit(StrEnum):
    KM = "km"
    MI = "mi"


class PriceStatus(StrEnum):
    OK = "ok"
    ON_REQUEST = "on_request"
    MISSING = "missing"
    IMPLAUSIBLE = "implausible"


class SellerType(StrEnum):
    DEALER = "dealer"
    PRIVATE = "private"


class Quality(StrEnum):
    """The closed set of flags: the listing is searchable, and this about it is doubtful."""

    VIN_INVALID = "vin_invalid"
    """What was sent as VIN is none; it is kept in `vin_raw`."""
    VIN_SUSPICIOUS = "vin_suspicious"
    """A well-formed VIN whose model year, maker, or (China) check digit does not fit."""
    YEAR_IMPLAUSIBLE = "year_implausible"
    """A year or first registration out of range was left out; the other one stands."""
    PRICE_IMPLAUSIBLE = "price_implausible"
    """Out of the currency's bounds; left out."""
    PRICE_SUSPICIOUS = "price_suspicious"
    """A typed-in filler such as 111111 or 123456; kept."""
    MSRP_BELOW_PRICE = "msrp_below_price"
    CURRENCY_DEFAULTED = "currency_defaulted"
    """The sender named no (unambiguous) currency; the profile's was taken."""
    CURRENCY_AMBIGUOUS = "currency_ambiguous"
    """The price and the sender's column named two currencies: a code beside the price counts, a sign does not."""
    PRICE_WITHOUT_TAX = "price_without_tax"
    """The amount was written as one without tax (+VAT, HT, netto)."""
    UNIT_DEFAULTED = "unit_defaulted"
    """The sender named no unit of mileage; the profile's, or the country's, was taken."""
    MILEAGE_IMPLAUSIBLE = "mileage_implausible"
    """More than any vehicle runs; left out."""
    MILEAGE_SUSPICIOUS = "mileage_suspicious"
    """Too little or too much for its age, or only told roughly (ca.); kept."""
    MAKE_FUZZY = "make_fuzzy"
    """A misspelt make or model was corrected by the profile."""
    TEXT_TRUNCATED = "text_truncated"
    VALUE_UNREAD = "value_unread"
    """A profile could not make sense of an optional value; it was left out."""
    READ_FROM_TEXT = "read_from_text"
    """A field had no column of its own: it was read out of a headline, which may mean something else."""
    ID_DERIVED = "id_derived"
    """The sender names no id; it was made of what identifies the offer or does not change about the vehicle."""
    DUPLICATE_IN_FILE = "duplicate_in_file"
    """An earlier record of the file had the same id and other content; this one, the later, stands."""


class Kind(StrEnum):
    """How a value is checked, stored and indexed."""

    IDENTIFIER = "identifier"
    """Text compared as a whole; a JSON number is taken as its digits."""
    TEXT = "text"
    KEY = "key"
    """Folded text for facets, made here."""
    URL = "url"
    ENUM = "enum"
    COUNTRY = "country"
    """ISO 3166-1 alpha-2."""
    CURRENCY = "currency"
    """ISO 4217."""
    INTEGER = "integer"
    MONEY = "money"
    """JSON number with at most two decimals."""
    NUMBER = "number"
    MONTH = "month"
    """`YYYY-MM`."""
    TIMESTAMP = "timestamp"
    """RFC 3339, UTC."""
    TEXTS = "texts"
    URLS = "urls"
    POINT = "point"
    """Object of `lat` and `lon`, degrees, WGS 84."""
    ORIGIN = "origin"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the index document.

    `low` and `high` bound numbers; a `low` of 1 means that a sent 0 is taken as unknown. `longest` bounds texts in
    characters. `sent`: a producer may send the field under this very name.
    """

    name: str
    kind: Kind
    doc: str
    values: type[StrEnum] | None = None
    low: float = 0
    high: float = 0
    longest: int = TEXT_MAX
    sent: bool = True


def _derived(name: str, kind: Kind, doc: str, values: type[StrEnum] | None = None) -> Field:
    return Field(name, kind, doc, values, sent=False)


FIELDS: tuple[Field, ...] = (
    _derived("listing_id", Kind.IDENTIFIER, "First 32 hex digits of SHA-256 over source, a zero byte and id"),
    Field("source", Kind.IDENTIFIER, "Name of the sender", longest=100),
    Field("source_listing_id", Kind.IDENTIFIER, "The sender's own id of the listing, as sent", longest=ID_MAX),
    Field("source_url", Kind.URL, "Page of the listing at the sender, http(s)", longest=URL_MAX),
    Field("vin", Kind.IDENTIFIER, "Vehicle identification number, ISO 3779; only a valid one"),
    _derived("vin_raw", Kind.IDENTIFIER, "What was sent as VIN, when it is not a valid one"),
    _derived("vehicle_key", Kind.IDENTIFIER, "Joins offers of the same vehicle: the valid VIN"),
    Field("stock_number", Kind.IDENTIFIER, "Number in the dealer's stock; not unique across dealers"),
    Field("make", Kind.TEXT, "Manufacturer as shown"),
    _derived("make_key", Kind.KEY, "Manufacturer, folded; one for all its names (`connectors/words/makes.yaml`)"),
    _derived(
        "make_also",
        Kind.TEXTS,
        "All names of the manufacturer, by which a text and a filter find it, where there are several",
    ),
    Field("model", Kind.TEXT, "Model as shown, without trim"),
    _derived("model_key", Kind.KEY, "Model, folded"),
    Field("trim", Kind.TEXT, "Trim level or version"),
    Field("title", Kind.TEXT, "Headline", longest=TITLE_MAX),
    Field("description", Kind.TEXT, "Plain text, HTML removed", longest=DESCRIPTION_MAX),
    Field("year", Kind.INTEGER, "Model year, else year of first registration", low=YEAR_MIN, high=2100),
    Field("build_year", Kind.INTEGER, "Year of manufacture, where it is told apart", low=YEAR_MIN, high=2100),
    Field("first_registration", Kind.MONTH, "Month of first registration, YYYY-MM"),
    Field("condition", Kind.ENUM, "New, used, certified pre-owned, demonstrator, salvage", Condition),
    Field("status", Kind.ENUM, "State of the offer", ListingStatus),
    Field("vehicle_type", Kind.ENUM, "Kind of vehicle", VehicleType),
    Field("body_type", Kind.ENUM, "Shape of the body", BodyType),
    Field("fuel_type", Kind.ENUM, "What it runs on", FuelType),
    Field("transmission", Kind.ENUM, "Gearbox", Transmission),
    Field("drivetrain", Kind.ENUM, "Driven wheels", Drivetrain),
    Field("mileage_km", Kind.INTEGER, "Odometer in kilometres", high=2_147_483_647),
    Field("mileage_value", Kind.NUMBER, "Odometer as sent, in `mileage_unit`", high=2_147_483_647),
    Field("mileage_unit", Kind.ENUM, "Unit of `mileage_value`: km or mi", MileageUnit),
    Field("price_amount", Kind.MONEY, "Asking price with taxes, in `price_currency`", high=MONEY_MAX),
    Field("price_currency", Kind.CURRENCY, "Currency of every amount of the listing, ISO 4217"),
    Field("price_status", Kind.ENUM, "Why there is, or is no, price", PriceStatus),
    Field("price_net", Kind.MONEY, "Asking price without value-added tax", low=1, high=MONEY_MAX),
    Field("vat_rate", Kind.NUMBER, "Value-added tax in percent", high=100),
    Field("price_msrp", Kind.MONEY, "List price when new", low=1, high=MONEY_MAX),
    Field("price_previous", Kind.MONEY, "Asking price before the last change", low=1, high=MONEY_MAX),
    Field("power_kw", Kind.INTEGER, "Power in kilowatts", low=1, high=5_000),
    Field("engine_cc", Kind.INTEGER, "Displacement in cubic centimetres", low=1, high=100_000),
    Field("cylinders", Kind.INTEGER, "Number of cylinders", low=1, high=48),
    Field("doors", Kind.INTEGER, "Number of doors", low=1, high=20),
    Field("seats", Kind.INTEGER, "Number of seats", low=1, high=200),
    Field("color_exterior", Kind.TEXT, "Colour of the body as shown"),
    _derived("color_exterior_key", Kind.KEY, "Colour of the body, folded"),
    Field("color_interior", Kind.TEXT, "Colour of the interior as shown"),
    _derived("color_interior_key", Kind.KEY, "Colour of the interior, folded"),
    Field("features", Kind.TEXTS, "Equipment, at most 100 entries"),
    Field("image_urls", Kind.URLS, "Pictures, http(s), at most 100, first is the main one", longest=URL_MAX),
    Field("seller_type", Kind.ENUM, "Dealer or private", SellerType),
    Field("dealer_id", Kind.IDENTIFIER, "The sender's id of the dealer; never of a private seller"),
    Field("dealer_name", Kind.TEXT, "Name of the dealer; never of a private seller"),
    Field("country", Kind.COUNTRY, "Where the vehicle is, ISO 3166-1 alpha-2"),
    Field("region", Kind.TEXT, "State, province or county"),
    Field("city", Kind.TEXT, "Town where the vehicle is"),
    Field("postal_code", Kind.IDENTIFIER, "Postcode, as text"),
    Field("location", Kind.POINT, "Where the vehicle is: lat and lon in degrees"),
    Field("listed_at", Kind.TIMESTAMP, "When the sender first showed the listing"),
    Field("updated_at", Kind.TIMESTAMP, "When the sender last changed the listing"),
    _derived("quality", Kind.TEXTS, "What is doubtful about the listing; absent when nothing is", Quality),
    _derived("origin", Kind.ORIGIN, "Where it came from: bucket, key, etag, record (1-based), uploaded_at"),
    _derived("indexed_at", Kind.TIMESTAMP, "When the document was made"),
)

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
SENT: tuple[Field, ...] = tuple(field for field in FIELDS if field.sent)

ALIASES: dict[str, str] = {
    "id": "source_listing_id",
    "listing_id": "source_listing_id",
    "url": "source_url",
    "price": "price_amount",
    "currency": "price_currency",
    "mileage": "mileage_value",
}
"""Shorter names a producer may use instead; the full name wins where both are there."""

ORIGIN_FIELDS = ("bucket", "key", "etag", "record", "uploaded_at")
