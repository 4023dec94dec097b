"""A place in one text, as `Toronto, ON`: taken apart where every text has the same form."""

from __future__ import annotations

import re

from app.ops.feeds_guess.names import spellings
from app.ops.feeds_guess.records import Guess, Records

_ALMOST_ALL = 0.9
_FORMS = (
    r"^(?P<city>[^,]+),\s*(?P<region>[A-Z]{2})$",
    r"^(?P<city>[^,]+),\s*(?P<region>[A-Z]{2})\s+(?P<postal_code>\d{5}(?:-\d{4})?|[A-Z]\d[A-Z] ?\d[A-Z]\d)$",
    r"^(?P<city>.+?)\s+[-–]\s+(?P<region>[A-Z]{2})$",
    r"^(?P<city>[^/]+)/(?P<region>[A-Z]{2})$",
)
"""Town and state or province, as in North America and Brazil."""
_WORDS = {
    "location",
    "local",
    "address",
    "place",
    "city",
    "localizacao",
    "cidade",
    "ubicacion",
    "ciudad",
    "location name",
}


def guess_place(records: Records, found: dict[str, Guess]) -> dict[str, tuple[str, str]]:
    """The parts of a place (name → column and pattern), and in `found` the rules for them."""
    if "region" in found:
        return {}
    for path in records.values:
        if not any(_WORDS & {name, *name.split()[-1:]} for name in spellings(path)):
            continue
        for form in _FORMS:
            if records.share(path, re.compile(form)) >= _ALMOST_ALL:
                for name in re.compile(form).groupindex:
                    if name not in found or found[name].sources == [path]:
                        found[name] = Guess(name, [f"$place.{name}"])
                return {"place": (path, form)}
    return {}
