"""Where in a typed column there are floats of single or half precision, and which of them stand for several integers.

Ids that went through such a column are several vehicles' (`app.pipeline.values.ids`); once they are Python numbers,
nobody sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.model.record import Rough


@dataclass(frozen=True, slots=True)
class Singles:
    """The places of such floats in one type."""

    exact_below: int | None = None
    """The value is one, and up to here every integer is a number of its own."""
    each: Singles | None = None
    """They are in each item of an array, or each value of a map."""
    fields: Mapping[str, Singles] = field(default_factory=dict)
    """They are in these fields of an object."""

    def mark(self, value: Any) -> Any:
        """The value with its rough numbers marked as such."""
        kind = value.__class__
        if kind is float:
            most = self.exact_below
            return value if most is None or -most < value < most else Rough(value)
        if kind is list and self.each is not None:
            return [self.each.mark(item) for item in value]
        if kind is dict:
            places = self.fields
            return {name: self._mark_part(part, places.get(name, self.each)) for name, part in value.items()}
        return value

    @staticmethod
    def _mark_part(value: Any, place: Singles | None) -> Any:
        return value if place is None else place.mark(value)


SINGLE = Singles(2**24)
HALF = Singles(2**11)
"""IEEE 754, binary32 and binary16."""


def in_each(part: Singles | None) -> Singles | None:
    """Of an array or map of such values."""
    return None if part is None else Singles(each=part)


def in_fields(parts: Iterable[tuple[str, Singles | None]]) -> Singles | None:
    """Of an object with such fields."""
    found = {name: part for name, part in parts if part is not None}
    return Singles(fields=found) if found else None


def in_any(parts: Iterable[Singles | None]) -> Singles | None:
    """Of a value that has one of these types."""
    merged: Singles | None = None
    for part in parts:
        if merged is None or part is None:
            merged = merged or part
        else:
            each = in_any((merged.each, part.each))
            names = dict.fromkeys((*merged.fields, *part.fields))
            fields = in_fields((name, in_any((merged.fields.get(name), part.fields.get(name)))) for name in names)
            own = merged.exact_below or part.exact_below
            merged = Singles(own, each, {} if fields is None else fields.fields)
    return merged
