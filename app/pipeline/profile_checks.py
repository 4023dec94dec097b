"""What can be wrong with a profile beyond its form: values that are none of ours, parts and units that do not exist."""

from __future__ import annotations

from collections.abc import Iterator

from app.model.listing import BY_NAME, Kind
from app.pipeline.columns import template_columns
from app.pipeline.pattern import compiled
from app.pipeline.profile import Profile, Rule

Loc = tuple[str | int, ...]
"""Where in the declaration: names and 0-based numbers, as in `("fields", "fuel_type", "patterns", 0)`."""

_CHANGING = frozenset({"title", "description", "price_amount", "mileage", "updated_at", "status"})
_UNITS = {"mileage": ("km", "mi"), "power_kw": ("kw", "ps", "hp")}


def problems(profile: Profile) -> Iterator[tuple[Loc, str]]:
    """What is wrong with a profile beyond its form: place and sentence, for every problem."""
    for target, rule in profile.fields.items():
        yield from _rule_problems(("fields", target), target, rule)
    yield from _changing_id(profile)
    for place, names in _references(profile):
        for name in names:
            part, _, group = name.removeprefix("$").partition(".")
            if name.startswith("$") and group not in _groups(profile, part):
                known = ", ".join(f"${p}.{g}" for p in profile.parts for g in _groups(profile, p)) or "no parts"
                yield place, f"expected a declared part, got {name}; declared: {known}"


def _changing_id(profile: Profile) -> Iterator[tuple[Loc, str]]:
    """An id of what changes while the offer stands would be a new offer each time."""
    rule = profile.fields["source_listing_id"]
    columns = {*rule.source, *rule.fingerprint, *template_columns(rule.template or "")}
    for target in _CHANGING & profile.fields.keys():
        for column in sorted(columns.intersection(profile.fields[target].source)):
            yield ("fields", "source_listing_id"), f"expected columns that never change; {column} is the {target}"


def _groups(profile: Profile, part: str) -> tuple[str, ...]:
    return compiled(profile.parts[part].match).names if part in profile.parts else ()


def _references(profile: Profile) -> Iterator[tuple[Loc, tuple[str, ...]]]:
    for target, rule in profile.fields.items():
        yield ("fields", target), rule.source + rule.fingerprint + tuple(template_columns(rule.template or ""))
    for number, reject in enumerate(profile.reject):
        yield ("reject", number), reject.source


def _rule_problems(place: Loc, target: str, rule: Rule) -> Iterator[tuple[Loc, str]]:
    field = BY_NAME.get(target)
    values = None if field is None else field.values
    if values is not None:
        known = ", ".join(values)
        for word, value in rule.values.items():
            if value not in (*values, ""):
                yield (*place, "values", word), f"expected one of {known}, or nothing; got {value}"
        for number, pattern in enumerate(rule.patterns):
            if pattern.value not in (*values, ""):
                yield (*place, "patterns", number, "value"), f"expected one of {known}; got {pattern.value}"
    elif rule.patterns:
        yield (*place, "patterns"), "patterns are for enumerated fields; use extract, or values"
    if rule.unit is not None and rule.unit not in _UNITS.get(target, ()):
        expected = " or ".join(_UNITS.get(target, ())) or "no unit: this field has none"
        yield (*place, "unit"), f"expected {expected}, got {rule.unit}"
    yield from _misplaced(place, target, rule)


def _misplaced(place: Loc, target: str, rule: Rule) -> Iterator[tuple[Loc, str]]:
    """Options of a rule that mean nothing for the field."""
    field = BY_NAME.get(target)
    if field is None or field.kind is not Kind.MONEY:
        for name in ("scale", "currency"):
            if getattr(rule, name) is not None:
                yield (*place, name), f"{name} is for prices"
    if rule.fingerprint and target != "source_listing_id":
        yield (*place, "fingerprint"), "fingerprint is for source_listing_id"
