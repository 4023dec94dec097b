"""The tables of docs/FORMATS.md, from the tests' own data: notifications, files with quirks, and declared profiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from app.adapters.profile_files import load_profiles, load_well_known
from app.errors import Rejected
from app.model.upload import ObjectEventKind
from app.pipeline.notification import parse_notification
from app.pipeline.profile import Profile
from app.settings import PathsSettings
from tests.support.quirks import FORMATS, PACKED, QUIRKS

_NOTIFICATIONS = Path(__file__).resolve().parents[1] / "contract" / "notifications"
STORES = {
    "aws": "AWS S3",
    "b2": "Backblaze B2",
    "bare": "any, a record without `Records` around it",
    "ceph": "Ceph RGW",
    "garage": "Garage",
    "gcs": "Google Cloud Storage",
    "minio": "MinIO",
    "r2": "Cloudflare R2",
    "seaweedfs": "SeaweedFS",
    "versity": "Versity S3 Gateway",
}
"""The first word of a sample's name → the store that sends it."""
GROUPS: dict[str, tuple[str, ...]] = {
    "Identity": ("source_listing_id", "vin", "stock_number", "source_url"),
    "Vehicle": (
        "make", "model", "trim", "year", "build_year", "first_registration", "vehicle_type", "body_type", "fuel_type",
        "transmission", "drivetrain", "power_kw", "engine_cc", "cylinders", "doors", "seats", "color_exterior",
        "color_interior", "features",
    ),
    "Offer": (
        "condition", "status", "mileage", "mileage_unit", "price_amount", "price_currency", "price_net", "vat_rate",
        "price_msrp", "price_previous", "listed_at", "updated_at", "title", "description", "image_urls",
    ),
    "Seller and place": (
        "seller_type", "dealer_id", "dealer_name", "country", "region", "city", "postal_code", "latitude", "longitude",
    ),
}  # fmt: skip
"""All that a profile can map, in the columns of the table."""
_READ, _REFUSED = "✓", "refused"

Row = tuple[str, ...]
Table = tuple[Row, list[Row]]
"""Columns and rows."""


def shapes() -> Table:
    """Store by notification: which of its notifications bring a file, take one away, or are left out, and why."""
    told: dict[str, tuple[list[str], list[str], list[str]]] = {}
    for path in sorted(path for path in _NOTIFICATIONS.iterdir() if path.suffix != ".key"):
        store, _, what = path.stem.partition("-")
        brought, taken, left_out = told.setdefault(store, ([], [], []))
        created, removed, reasons = _meaning(path)
        if created:
            brought.append(what)
        if removed:
            taken.append(what)
        if reasons:
            left_out.append(f"{what} (`{'`, `'.join(reasons)}`)")
    rows = [(STORES[store], *(", ".join(cells) or "–" for cells in columns)) for store, columns in told.items()]
    return ("Store", "Queues the file", "Removes its listings", "Left out"), rows


def _meaning(path: Path) -> tuple[bool, bool, list[str]]:
    key = path.with_suffix(".key")
    try:
        found = parse_notification(path.read_bytes(), key.read_bytes() if key.exists() else None)
    except Rejected as error:
        return False, False, [error.code]
    kinds = {event.kind for event in found.events}
    reasons = [*found.skipped, *(error.code for error in found.rejected)]
    return ObjectEventKind.CREATED in kinds, ObjectEventKind.REMOVED in kinds, list(dict.fromkeys(map(str, reasons)))


def quirks() -> Table:
    """Format by quirk; every mark is a file that a test reads."""
    rows = []
    for quirk in QUIRKS:
        marks = [_mark(quirk.cases[name].failure is not None) if name in quirk.cases else "" for name in FORMATS]
        rows.append((quirk.name, quirk.becomes, *marks))
    return ("Quirk", "What becomes of it", *FORMATS), rows


def _mark(refused: bool) -> str:
    return _REFUSED if refused else _READ


def packed() -> Table:
    """Format by packing; a test reads every one."""
    return ("Packed as", *FORMATS), [(name, *(_READ for _ in FORMATS)) for name in PACKED]


def senders() -> Table:
    """Sender by mapped fields, the well-known formats last."""
    feeds = PathsSettings().feeds
    rows = [*_sender_rows(load_profiles(feeds).all), *_sender_rows(load_well_known(feeds / "well-known").all)]
    return ("Profile", "Source", "Fields", *GROUPS), rows


def _sender_rows(profiles: Sequence[Profile]) -> Iterator[Row]:
    for profile in sorted(profiles, key=lambda profile: profile.name):
        cells = (", ".join(name for name in names if name in profile.fields) or "–" for names in GROUPS.values())
        source = f"`{profile.source}`" if profile.source else "the file's sender"
        yield f"`{profile.name}`", source, str(len(profile.fields)), *cells
