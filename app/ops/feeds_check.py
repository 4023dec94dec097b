"""What a profile makes of a file, field by field, without any server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO

import orjson

from app.errors import FileRejected, Problem
from app.model.listing import ALIASES, FIELDS, SENT
from app.model.outcome import RecordReject
from app.model.record import Limits, RawRecord, Slice
from app.ops.feeds_columns import SeenColumn, SeenColumns
from app.pipeline.columns import column, own_key, template_columns
from app.pipeline.parse import FileReader
from app.pipeline.profile import Part, Profile, Rule
from app.pipeline.profile_reader import name_key
from app.pipeline.recognise import FileMapper, Recogniser, no_format
from app.pipeline.sniff import hints_from_name
from app.pipeline.transform import Origin
from app.pipeline.unpack.spool import Scratch
from app.pipeline.values.text import excerpt

_OURS_TO_MAKE = {"listing_id", "origin", "indexed_at", "quality", "source"}
_TARGETS_OF = {
    "mileage_km": ("mileage",),
    "mileage_value": ("mileage",),
    "mileage_unit": ("mileage_unit", "mileage"),
    "location": ("latitude", "longitude"),
    "price_currency": ("price_currency", "price_amount"),
    "price_status": ("price_amount",),
    "vin_raw": ("vin",),
    "year": ("year", "first_registration"),
}
"""Fields that more than their own rule, or another one, gives."""
_REASONS_MAX = 1_000
"""Different reasons and flags that are counted."""


@dataclass(frozen=True, slots=True)
class CheckedField:
    """One field of a listing, and the sender's columns that it comes from, as far as they say something."""

    name: str
    value: object
    made_from: tuple[tuple[str, str], ...]
    """(column or path, its text, shortened)."""


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """What became of one record: its fields, or why it is refused."""

    number: int
    line: int | None
    fields: tuple[CheckedField, ...] = ()
    quality: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    source_listing_id: str | None = None


@dataclass(slots=True)
class Reason:
    """Why records are refused, told once for all of them."""

    problem: Problem
    record: int
    """The first."""
    line: int | None
    count: int = 0


@dataclass(slots=True)
class Check:
    """The account of a file: `read = indexed + rejected + older`."""

    profile: str | None = None
    format: str | None = None
    read: int = 0
    indexed: int = 0
    rejected: int = 0
    older: int = 0
    blank: int = 0
    flagged: int = 0
    records: list[CheckedRecord] = field(default_factory=list)
    """The first of those that would be indexed."""
    rejects: list[CheckedRecord] = field(default_factory=list)
    """The first of those that are refused."""
    reasons: dict[tuple[str, str | None, str], Reason] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)
    unused: list[SeenColumn] = field(default_factory=list)
    failure: FileRejected | None = None
    """Why the file, or its rest, can not be read."""

    @property
    def is_clean(self) -> bool:
        return self.failure is None and not self.rejected


def check_file(
    chunks: Iterable[bytes],
    name: str,
    size: int,
    profile: Profile | None,
    *,
    limits: Limits,
    now: datetime,
    sender: str,
    keep: int,
    recognise: Recogniser = no_format,
    scratch: Scratch = BytesIO,
) -> Check:
    """Reads a file as a worker would, and keeps what became of its first records.

    `name` and `size` (bytes) as in the store; `sender`: the source where neither profile nor record names one;
    `keep`: records, and refused ones, that are told field by field; `scratch`: where files are kept whose format has to
    be read from its end.
    """
    named = hints_from_name(name)
    name = name.encode(errors="replace").decode()  # a file's name need not be text
    checker = _Checker(FileMapper(profile, recognise, sender, Origin("", name, "", now), now), keep)
    reader = FileReader(named if profile is None else profile.hints(named), limits, size, scratch=scratch)
    try:
        for piece in _pieces(reader, chunks):
            checker.take(piece)
    except FileRejected as error:
        checker.check.failure = error
    finally:
        reader.close()
    checker.check.format = None if reader.shape is None else str(reader.shape)
    return checker.conclude()


def _pieces(reader: FileReader, chunks: Iterable[bytes]) -> Iterator[Slice]:
    for chunk in chunks:
        yield from reader.feed(chunk)
    yield from reader.finish()


class _Checker:
    def __init__(self, mapper: FileMapper, keep: int) -> None:
        self._mapper = mapper
        self._keep = keep
        self._columns = SeenColumns()
        self.check = Check()

    def take(self, piece: Slice) -> None:
        check = self.check
        check.read += len(piece.records) + len(piece.bad)
        check.blank += piece.blank
        for bad in piece.bad:
            self._refuse(RecordReject(bad.number, bad.line, (bad.problem,)))
        mapped = self._mapper.map_all(piece.records)
        check.older += mapped.older
        check.flagged += mapped.flagged
        for reject in mapped.rejects:
            self._refuse(reject)
        by_number = {record.number: record for record in piece.records}
        for document in mapped.documents:
            self._index(by_number[document.record], orjson.loads(document.body))
        for record in piece.records:
            self._columns.add(record.value)

    def conclude(self) -> Check:
        profile = self._mapper.profile
        self.check.profile = None if profile is None else profile.name
        self.check.unused = self._columns.unused(used_columns(profile), _key_of(profile))
        return self.check

    def _index(self, record: RawRecord, document: dict[str, object]) -> None:
        self.check.indexed += 1
        quality = document.get("quality")
        flags = tuple(map(str, quality)) if isinstance(quality, list) else ()
        self.check.flags.update(flags)
        if len(self.check.records) < self._keep:
            fields = tuple(made_fields(record.value, document, self._mapper.profile))
            self.check.records.append(CheckedRecord(record.number, record.line, fields, flags))

    def _refuse(self, reject: RecordReject) -> None:
        check = self.check
        check.rejected += 1
        for problem in reject.problems:
            key = (problem.code.value, problem.field, problem.expected)
            if key in check.reasons or len(check.reasons) < _REASONS_MAX:
                check.reasons.setdefault(key, Reason(problem, reject.record, reject.line)).count += 1
        if len(check.rejects) < self._keep:
            check.rejects.append(
                CheckedRecord(
                    reject.record, reject.line, problems=reject.problems, source_listing_id=reject.source_listing_id
                )
            )


def made_fields(
    record: Mapping[str, object], document: Mapping[str, object], profile: Profile | None
) -> Iterator[CheckedField]:
    """The fields of a document in their order, each with what it was made from; keys for facets are left out."""
    for declared in FIELDS:
        name = declared.name
        if name in document and name not in _OURS_TO_MAKE and not name.endswith("_key"):
            yield CheckedField(name, document[name], tuple(_made_from(name, record, profile)))


def _made_from(name: str, record: Mapping[str, object], profile: Profile | None) -> Iterator[tuple[str, str]]:
    if profile is None:
        for sent, value in record.items():
            ours = own_key(sent)
            if name in (ours, ALIASES.get(ours)):
                yield sent, excerpt(value)
        return
    for target in _TARGETS_OF.get(name, (name,)):
        if target in profile.fields:
            for source in _sources(profile.fields[target], profile.parts):
                value = column(source, name_key(profile.format))(_comparable(record, profile))
                if value not in (None, "", []):
                    yield source, excerpt(value)


def _comparable(record: Mapping[str, object], profile: Profile) -> Mapping[str, object]:
    key = name_key(profile.format)
    return record if key is None else {key(name): value for name, value in record.items()}


def _sources(rule: Rule, parts: Mapping[str, Part]) -> Iterator[str]:
    """The sender's columns behind a rule; a part counts as the columns that it is taken from."""
    for name in (*rule.source, *rule.fingerprint, *template_columns(rule.template or "")):
        part = name.removeprefix("$").partition(".")[0]
        if name.startswith("$") and part in parts:
            yield from parts[part].source
        else:
            yield name


def used_columns(profile: Profile | None) -> frozenset[str]:
    """Every column that a profile looks at; without one, the names of ours."""
    if profile is None:
        return frozenset({field.name for field in SENT} | ALIASES.keys())
    used = {name for rule in profile.fields.values() for name in _sources(rule, profile.parts)}
    used |= {name for part in profile.parts.values() for name in part.source}
    return frozenset(used | {name for reject in profile.reject for name in reject.source})


def _key_of(profile: Profile | None) -> Callable[[str], str] | None:
    return own_key if profile is None else name_key(profile.format)
