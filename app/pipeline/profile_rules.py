"""One field's rule, compiled: its columns in order, each value tidied, until one is understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from app.model.listing import BY_NAME, Kind, Quality
from app.pipeline.columns import Column, Row, fingerprint, joined
from app.pipeline.pattern import compiled
from app.pipeline.profile import Profile, Rule
from app.pipeline.profile_groups import GroupReader, gathers, group_reader
from app.pipeline.profile_kinds import NOTHING, Parser, parser
from app.pipeline.validate import Listing
from app.pipeline.values.ids import NUMBERED, LostDigits, id_text, part_text
from app.pipeline.values.text import NULL_WORDS, clean, clean_lines, unshouted

Unread = dict[str, object]
CompiledRule = Callable[[Row, Listing, list[Quality], Unread], None]

_REMEMBERED = 4096
_LONG = 200
"""Longer texts are not remembered: memory must not grow with what senders write."""
_LOOKED_AT = 20_000
"""Characters of a text that rules see …"""
_DESCRIPTION = 100_000
"""… and of a description, whose markup goes later."""
_UNIQUE = frozenset({"source_listing_id", "vin", "stock_number", "source_url", "title", "description"})
"""Fields whose texts hardly repeat: remembering them would only cost."""
_FIRST = frozenset({"country", "price_currency", "mileage_unit"})
"""Read before the fields whose meaning depends on them."""
_LAST = frozenset({"price_msrp", "price_previous", "price_net"})
"""Their currency is that of the price."""
_CAN_BE_A_NUMBER = (str, float, bool)
_SAYS_NOTHING = object()
_AMBIGUOUS = object()
"""Different texts for one value, as of a column that comes twice: nobody knows which one counts."""


def compile_rules(profile: Profile, make: Callable[[str], Column]) -> list[tuple[str, CompiledRule]]:
    """Every field's rule in the order in which they have to be read; `make` makes the column of a name."""
    nulls = NULL_WORDS | {word.casefold() for word in profile.nulls}
    targets = sorted(profile.fields.items(), key=lambda entry: (entry[0] in _LAST) - (entry[0] in _FIRST))
    return [(target, _compile(target, rule, profile, make, nulls)) for target, rule in targets]


def _compile(
    target: str, rule: Rule, profile: Profile, make: Callable[[str], Column], nulls: frozenset[str]
) -> CompiledRule:
    columns = _columns(target, rule, make, nulls)
    doubtful = tuple(_part_of(name) in profile.parts and profile.parts[_part_of(name)].doubtful for name in rule.source)
    group = group_reader(target, rule, profile.defaults)
    tidy = _tidier(target, rule, nulls)
    if group is not None:
        return _gathering(columns, group) if gathers(target) else _grouped(target, rule, columns, tidy, group, doubtful)
    return _single(target, rule, columns, tidy, parser(target, rule), doubtful)


def _columns(target: str, rule: Rule, make: Callable[[str], Column], nulls: frozenset[str]) -> tuple[Column, ...]:
    if rule.const is not None:
        constant = rule.const
        return (lambda row: constant,)
    if rule.template is not None:
        return (joined(rule.template, make, nulls, part_text if target in NUMBERED else str),)
    if rule.fingerprint:
        return (fingerprint([make(name) for name in rule.fingerprint], part_text),)
    return tuple(make(name) for name in rule.source)


def _part_of(name: str) -> str:
    return name.removeprefix("$").partition(".")[0] if name.startswith("$") else ""


def _single(
    target: str, rule: Rule, columns: tuple[Column, ...], tidy: Parser, parse: Parser, doubtful: tuple[bool, ...]
) -> CompiledRule:
    understand = _understanding(target, tidy, parse)
    notes = _notes(rule, doubtful, len(columns))

    def read(row: Row, listing: Listing, flags: list[Quality], unread: Unread) -> None:
        refused: object = None
        for take, note in zip(columns, notes, strict=True):
            value = take(row)
            if value is None or value == "":
                continue
            found = understand(value)
            if found is _SAYS_NOTHING:
                continue
            if found is None:
                refused = value
                continue
            if found is not NOTHING:
                listing[target] = found
                if note is not None:
                    note(value, found, flags)
            return
        if refused is not None and not rule.quiet:
            unread[target] = refused

    return read


def _understanding(target: str, tidy: Parser, parse: Parser) -> Parser:
    """What a sender's value says, remembered for texts that come again; None: it makes no sense."""

    def understand(value: object) -> object:
        usable = tidy(value)
        if usable is _AMBIGUOUS:
            return None
        return _SAYS_NOTHING if usable is None else parse(usable)

    if target in _UNIQUE:
        return understand
    remembered = lru_cache(maxsize=_REMEMBERED)(understand)
    return lambda value: remembered(value) if value.__class__ is str and len(str(value)) < _LONG else understand(value)


_Note = Callable[[object, object, list[Quality]], None]


def _notes(rule: Rule, doubtful: tuple[bool, ...], columns: int) -> list[_Note | None]:
    """For each column, what is doubtful about a value from it."""
    fuzzy = frozenset(rule.corrections.values())
    flags_of = [[Quality.READ_FROM_TEXT] if doubt else [] for doubt in doubtful] or [[] for _ in range(columns)]
    if rule.fingerprint:
        flags_of[0].append(Quality.ID_DERIVED)

    def note(always: list[Quality]) -> _Note | None:
        def add(value: object, found: object, flags: list[Quality]) -> None:
            flags.extend(always)
            if found in fuzzy and str(value).strip() != found:
                flags.append(Quality.MAKE_FUZZY)

        return add if always or fuzzy else None

    return [note(always) for always in flags_of]


def _grouped(
    target: str,
    rule: Rule,
    columns: tuple[Column, ...],
    tidy: Parser,
    group: GroupReader,
    doubtful: tuple[bool, ...],
) -> CompiledRule:
    def read(row: Row, listing: Listing, flags: list[Quality], unread: Unread) -> None:
        refused: object = None
        for place, take in enumerate(columns):
            value = take(row)
            usable = None if value is None else tidy(value)
            if usable is None:
                continue
            if usable is not _AMBIGUOUS and group(usable, listing, flags):
                if doubtful and doubtful[place]:
                    flags.append(Quality.READ_FROM_TEXT)
                return
            refused = value if usable is _AMBIGUOUS else usable
        if refused is not None and not rule.quiet:
            unread[target] = refused

    return read


def _gathering(columns: tuple[Column, ...], group: GroupReader) -> CompiledRule:
    def read(row: Row, listing: Listing, flags: list[Quality], unread: Unread) -> None:
        for take in columns:
            value = take(row)
            if value is not None:
                group(value, listing, flags)

    return read


def _tidier(target: str, rule: Rule, nulls: frozenset[str]) -> Parser:
    """What makes a sender's value usable: cleaned text or a number; None when it says nothing."""
    refuse = nulls | {word.casefold() for word in rule.ignore}
    wash = clean_lines if target == "description" else clean
    narrow = _narrower(target, rule)
    most = _DESCRIPTION if target == "description" else _LOOKED_AT

    def of_text(text: str) -> object:
        if len(text) > most:
            text = text[:most]
        text = text.strip() if text.isprintable() and "  " not in text else wash(text)
        if len(text) < 64 and text.casefold() in refuse:
            return None
        return text if narrow is None else narrow(text)

    def tidy(value: object) -> object:
        if value.__class__ is str:
            return of_text(str(value))
        if isinstance(value, (list, tuple)):
            texts = {entry.strip(): None for entry in value if isinstance(entry, str) and entry.strip()}
            return _AMBIGUOUS if len(texts) > 1 else of_text(next(iter(texts), ""))
        if value is None or isinstance(value, Mapping):
            return None
        if isinstance(value, bool):
            return of_text("true" if value else "false")
        return value if narrow is None and not refuse & {str(value)} else of_text(str(value))

    return _of_id(tidy) if target in NUMBERED else tidy


def _of_id(tidy: Parser) -> Parser:
    """What went through a number is no id in any of its parts, and is as good as two different texts."""

    def of_id(value: object) -> object:
        if value.__class__ in _CAN_BE_A_NUMBER:
            try:
                value = id_text(value)
            except LostDigits:
                return _AMBIGUOUS
        return tidy(value)

    return of_id


def _narrower(target: str, rule: Rule) -> Callable[[str], str | None] | None:
    """What the options of a rule make of a text; None when there are none of them."""
    field = BY_NAME.get(target)
    words = {} if field is not None and field.kind is Kind.ENUM else rule.values
    exchange = {word.casefold(): value for word, value in (*words.items(), *rule.corrections.items())}
    accept = compiled(rule.accept) if rule.accept else None
    extract = compiled(rule.extract) if rule.extract else None
    replace = tuple(rule.replace.items())
    if not exchange and accept is None and extract is None and not replace and not rule.unshout:
        return None

    def narrow(text: str) -> str | None:
        for old, new in replace:
            text = text.replace(old, new)
        if accept is not None and not accept.fits(text):
            return None
        if extract is not None:
            taken = extract.taken(text)
            if taken is None:
                return None
            text = taken
        text = unshouted(text.strip()) if rule.unshout else text.strip()
        return exchange.get(text.casefold(), text) or None

    return narrow
