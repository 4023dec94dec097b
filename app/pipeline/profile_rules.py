"""One field's rule, compiled: its columns in order, each value tidied, until one is understood."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from app.model.listing import BY_NAME, Kind, Quality
from app.pipeline.columns import Column, Row, joined
from app.pipeline.profile import Profile, Rule
from app.pipeline.profile_groups import GroupReader, gathers, group_reader
from app.pipeline.profile_kinds import NOTHING, Parser, parser
from app.pipeline.validate import Listing
from app.pipeline.values.text import NULL_WORDS, clean, clean_lines

Unread = dict[str, object]
CompiledRule = Callable[[Row, Listing, list[Quality], Unread], None]

_REMEMBERED = 4096
_LONG = 200
"""Longer texts are not remembered: memory must not grow with what senders write."""
_LOOKED_AT = 20_000
"""Characters of a text that rules see; a description is seen whole, its markup goes later."""
_UNIQUE = frozenset({"source_listing_id", "vin", "stock_number", "source_url", "title", "description"})
"""Fields whose texts hardly repeat: remembering them would only cost."""
_ORDER = ("country", "price_currency", "mileage_unit")
"""Read before the fields whose meaning depends on them."""
_SAYS_NOTHING = object()


def compile_rules(profile: Profile, make: Callable[[str], Column]) -> list[tuple[str, CompiledRule]]:
    """Every field's rule in the order in which they have to be read; `make` makes the column of a name."""
    nulls = NULL_WORDS | {word.casefold() for word in profile.nulls}
    targets = sorted(profile.fields.items(), key=lambda entry: entry[0] not in _ORDER)
    return [(target, _compile(target, rule, profile, make, nulls)) for target, rule in targets]


def _compile(
    target: str, rule: Rule, profile: Profile, make: Callable[[str], Column], nulls: frozenset[str]
) -> CompiledRule:
    columns = _columns(rule, make, nulls)
    group = group_reader(target, rule, profile.defaults)
    tidy = _tidier(target, rule, nulls)
    if group is not None:
        return _gathering(columns, group) if gathers(target) else _grouped(target, rule, columns, tidy, group)
    return _single(target, rule, columns, tidy, parser(target, rule))


def _columns(rule: Rule, make: Callable[[str], Column], nulls: frozenset[str]) -> tuple[Column, ...]:
    if rule.const is not None:
        constant = rule.const
        return (lambda row: constant,)
    if rule.template is not None:
        return (joined(rule.template, make, nulls),)
    return tuple(make(name) for name in rule.source)


def _single(target: str, rule: Rule, columns: tuple[Column, ...], tidy: Parser, parse: Parser) -> CompiledRule:
    def understand(value: object) -> object:
        usable = tidy(value)
        return _SAYS_NOTHING if usable is None else parse(usable)

    remembered = understand if target in _UNIQUE else lru_cache(maxsize=_REMEMBERED)(understand)
    fuzzy = frozenset(rule.corrections.values())

    def read(row: Row, listing: Listing, flags: list[Quality], unread: Unread) -> None:
        refused: object = None
        for take in columns:
            value = take(row)
            if value is None or value == "":
                continue
            found = remembered(value) if value.__class__ is str and len(str(value)) < _LONG else understand(value)
            if found is _SAYS_NOTHING:
                continue
            if found is None:
                refused = value
                continue
            if found is not NOTHING:
                listing[target] = found
                if fuzzy and found in fuzzy and value != found:
                    flags.append(Quality.MAKE_FUZZY)
            return
        if refused is not None and not rule.quiet:
            unread[target] = refused

    return read


def _grouped(target: str, rule: Rule, columns: tuple[Column, ...], tidy: Parser, group: GroupReader) -> CompiledRule:
    def read(row: Row, listing: Listing, flags: list[Quality], unread: Unread) -> None:
        refused: object = None
        for take in columns:
            value = take(row)
            usable = None if value is None else tidy(value)
            if usable is None:
                continue
            if group(usable, listing, flags):
                return
            refused = usable
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

    def of_text(text: str) -> object:
        if len(text) > _LOOKED_AT and target != "description":
            text = text[:_LOOKED_AT]
        text = text.strip() if text.isprintable() and "  " not in text else wash(text)
        if len(text) < 64 and text.casefold() in refuse:
            return None
        return text if narrow is None else narrow(text)

    def tidy(value: object) -> object:
        if value.__class__ is str:
            return of_text(str(value))
        if isinstance(value, (list, tuple)):
            texts = [entry for entry in value if isinstance(entry, str) and entry.strip()]
            return of_text(texts[0]) if texts else None
        if value is None or isinstance(value, Mapping):
            return None
        if isinstance(value, bool):
            return of_text("true" if value else "false")
        return value if narrow is None and not refuse & {str(value)} else of_text(str(value))

    return tidy


def _narrower(target: str, rule: Rule) -> Callable[[str], str | None] | None:
    """What `accept`, `extract`, `values` and `corrections` make of a text; None when there are none of them."""
    field = BY_NAME.get(target)
    words = {} if field is not None and field.kind is Kind.ENUM else rule.values
    exchange = {word.casefold(): value for word, value in (*words.items(), *rule.corrections.items())}
    accept = re.compile(rule.accept) if rule.accept else None
    extract = re.compile(rule.extract) if rule.extract else None
    if not exchange and accept is None and extract is None:
        return None

    def narrow(text: str) -> str | None:
        if accept is not None and accept.fullmatch(text) is None:
            return None
        if extract is not None:
            match = extract.search(text)
            if match is None:
                return None
            text = (match[1] if extract.groups else match[0] or "") or ""
        text = text.strip()
        return exchange.get(text.casefold(), text) or None

    return narrow
