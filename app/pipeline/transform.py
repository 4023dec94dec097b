"""From raw records to index documents: read (own names or a profile), check, derive, serialise.

Cost is what counts here: some 10 µs a listing. So a record that is fine goes straight through, and only one that
is not is looked at again, field by field.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from app.errors import ListingRejected, Problem
from app.model.document import Document, version_of
from app.model.listing import Quality
from app.model.outcome import RecordFlags, RecordReject
from app.model.record import RawRecord
from app.pipeline.derive import Calendar, derive, derive_id, missing
from app.pipeline.duplicates import Repeat, SeenIds, Twins
from app.pipeline.flags import flags_told
from app.pipeline.profile import Profile
from app.pipeline.profile_reader import ProfileReader, reader_for
from app.pipeline.sources import Speaker
from app.pipeline.validate import Listing, own_names, validate, validate_tidied
from app.pipeline.values.dates import rfc3339
from app.pipeline.values.text import NULL_WORDS, clean_lines, excerpt

_CONTROL = re.compile(rb"\\u00|\\[bfrt]|\x7f|\xc2[\x80-\x9f]")
_CONTROL_OR_BREAK = re.compile(rb"\\u00|\\[bfnrt]|\x7f|\xc2[\x80-\x9f]")
_BACKSLASH, _DELETE, _C1_LEAD = b"\\\x7f\xc2"
"""Bytes as numbers: looking for a number takes an eighth of the time that looking for a one-byte string takes."""
_ID_LENGTH = 32
_NOTHING = frozenset(spelt for word in NULL_WORDS for spelt in (word, word.upper(), word.capitalize()))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from: an object, or a topic (its name as bucket, `partition/offset` as key, no etag)."""

    bucket: str
    key: str
    etag: str
    uploaded_at: datetime


@dataclass(slots=True)
class Mapped:
    """What became of a batch of records: each is a document or a reject."""

    documents: list[Document] = field(default_factory=list)
    rejects: list[RecordReject] = field(default_factory=list)
    flagged: int = 0
    """Documents with at least one quality flag."""
    flag_counts: Counter[str] = field(default_factory=Counter)
    """Documents by flag."""
    flags: list[RecordFlags] = field(default_factory=list)
    """The first flagged ones of the file."""
    older: int = 0
    """Records of which the file has a newer one (by the sender's `updated_at`): neither document nor reject."""


class Mapper:
    """Maps the records of one file; made anew for each, since origin and time are part of every document.

    `default_source` names the sender of records that do not; empty: each record has to. The version of every
    document is the time of upload in milliseconds since 1970.
    """

    def __init__(
        self,
        profile: Profile | None,
        default_source: str,
        origin: Origin,
        now: datetime,
        speaker: Speaker | None = None,
        most_told: int = 100,
    ) -> None:
        """`speaker`: what the place of the records may speak for; None: for every source. Of the first `most_told`
        flagged records it is told what their flags are about."""
        self._left_to_tell = most_told
        self._speaker = speaker
        self._reader: ProfileReader | None = None if profile is None else reader_for(profile)
        self._source = default_source if profile is None else profile.source or default_source
        self._calendar = Calendar.at(now, 1 if profile is None else profile.defaults.years_ahead)
        self._version = version_of(origin.uploaded_at)
        self._hash_start = _hash_start(self._source)
        self._before_record, self._after_record = _constant_part(origin, now)
        self._own_names: dict[str, str] | None = None
        self._seen = SeenIds()
        self._twins = Twins() if self._reader is not None and self._reader.derives_id else None

    def map_all(self, records: Sequence[RawRecord]) -> Mapped:
        """Map a batch; never raises for what a record holds. Documents and rejects keep the order of the records."""
        mapped = Mapped()
        documents = mapped.documents
        for raw in records:
            try:
                document, flags = self._map(raw.value, raw.number)
            except ListingRejected as error:
                mapped.rejects.append(
                    RecordReject(raw.number, raw.line, error.problems, self._id_for_people(raw.value))
                )
                continue
            if document is None:
                mapped.older += 1
                continue
            documents.append(document)
            if flags:
                mapped.flagged += 1
                mapped.flag_counts.update(set(flags))
                if self._left_to_tell > 0:
                    self._left_to_tell -= 1
                    mapped.flags.append(self._flags_of(raw, flags))
        return mapped

    def _map(self, value: Mapping[str, object], number: int) -> tuple[Document | None, list[Quality]]:
        """The document and its flags; None: the file has a newer record of the listing, and it came first."""
        listing, flags = self._checked(value, tidy=False)
        try:
            head, text = _parts(listing, flags)
        except _Untidy:
            listing, flags = self._checked(value, tidy=True)
            head, text = _parts(listing, flags, tidied=True)
        listing_id: str = listing["listing_id"]
        repeat = self._seen.repeat(listing_id, hash(head) ^ hash(text), listing.get("updated_at"))
        if repeat is not Repeat.NONE:
            if repeat is Repeat.OLDER:
                return None, flags
            flags.append(Quality.DUPLICATE_IN_FILE)
            head = orjson.dumps({**listing, "quality": list(dict.fromkeys(flags))})[:-1]
        body = b"".join((head, text, self._before_record, b"%d" % number, self._after_record))
        return Document(listing_id, self._version, body, number), flags

    def _flags_of(self, raw: RawRecord, flags: list[Quality]) -> RecordFlags:
        unread = {} if self._reader is None else self._reader.unread
        return RecordFlags(raw.number, raw.line, flags_told(flags, unread), self._id_for_people(raw.value))

    def _checked(self, value: Mapping[str, object], tidy: bool) -> tuple[Listing, list[Quality]]:
        """The complete listing and its flags, or `ListingRejected` with every reason."""
        flags: list[Quality] = []
        if self._reader is None:
            own = self._own(value)
            listing, problems = validate_tidied(own) if tidy else validate(own)
        else:
            listing, problems = self._reader.read(value, flags)
        if "source" not in listing and self._source:
            listing["source"] = self._source
        derive(listing, self._calendar, flags, problems, lenient=self._reader is not None)
        if not _is_complete(listing):
            problems = self._missing(listing, flags, problems)
        if problems:
            raise ListingRejected(problems)
        if self._speaker is not None and not self._speaker.may(listing["source"]):
            raise ListingRejected([self._speaker.refusal(listing["source"])])
        if self._twins is not None:
            content = hash(orjson.dumps(listing))
            listing["source_listing_id"] = self._twins.id_of(listing["source_listing_id"], content)
        listing["listing_id"] = self._id(listing["source"], listing["source_listing_id"])
        return listing, flags

    def _missing(self, listing: Listing, flags: list[Quality], problems: list[Problem]) -> list[Problem]:
        """The problems, after what is missing for good; without an id of its own a listing may have another one."""
        told = {problem.field for problem in problems}
        _drop_nothing(listing)
        if self._reader is None and "source_listing_id" not in listing and "source_listing_id" not in told:
            other_id = derive_id(listing)
            if other_id is not None:
                listing["source_listing_id"] = other_id
                flags.append(Quality.ID_DERIVED)
        return missing(listing, told) + problems

    def _own(self, value: Mapping[str, object]) -> Mapping[str, object]:
        """The record under our names; how the file writes them is seen in its first record."""
        if self._own_names is None:
            self._own_names = own_names(value)
        names = self._own_names
        return {names.get(name, name): v for name, v in value.items()} if names else value

    def _id_for_people(self, value: Mapping[str, object]) -> str | None:
        """The sender's id of a refused record, as far as it can be told."""
        if self._reader is not None:
            return self._reader.id_of(value)
        own = self._own(value)
        for name in ("source_listing_id", "listing_id", "id"):
            sent = own.get(name)
            if isinstance(sent, (str, int)) and not isinstance(sent, bool) and sent != "":
                return excerpt(sent)
        return None

    def _id(self, source: str, source_listing_id: str) -> str:
        start = self._hash_start if source == self._source else _hash_start(source)
        digest = start.copy()
        digest.update(source_listing_id.encode())
        return digest.hexdigest()[:_ID_LENGTH]


class _Untidy(Exception):
    """Control characters were found where none may be."""


def _parts(listing: Listing, flags: list[Quality], tidied: bool = False) -> tuple[bytes, bytes]:
    """The listing as JSON without its closing brace: all but the description, and the description.

    JSON escapes control characters, so one search for a backslash finds them in all fields at once; the
    description, whose line breaks are welcome, is looked at apart.
    """
    if flags:
        listing["quality"] = list(dict.fromkeys(flags))
    description = listing.pop("description", None)
    head = orjson.dumps(listing)
    if not tidied and (_BACKSLASH in head or _DELETE in head or _C1_LEAD in head) and _CONTROL_OR_BREAK.search(head):
        raise _Untidy
    if description is None:
        return head[:-1], b""
    text = orjson.dumps(description)
    if (_BACKSLASH in text or _DELETE in text or _C1_LEAD in text) and _CONTROL.search(text):
        text = orjson.dumps(clean_lines(description))
    return head[:-1], b',"description":' + text


def _is_complete(listing: Listing) -> bool:
    """Everything required is there, and is no word for "not known"; ids that many records share are none."""
    if "year" not in listing or "source" not in listing:
        return False
    sent_id = listing.get("source_listing_id", "0")
    return sent_id != "0" and _NOTHING.isdisjoint((listing.get("make", ""), listing.get("model", ""), sent_id))


def _drop_nothing(listing: Listing) -> None:
    for name in ("make", "model", "source_listing_id"):
        if listing.get(name) in _NOTHING:
            del listing[name]
    if listing.get("source_listing_id") == "0":
        del listing["source_listing_id"]


def listing_id_of(source: str, source_listing_id: str) -> str:
    """The id of a listing's document: the first 32 hex digits of SHA-256 over source, a zero byte and the id."""
    digest = _hash_start(source)
    digest.update(source_listing_id.encode())
    return digest.hexdigest()[:_ID_LENGTH]


def _hash_start(source: str) -> hashlib._Hash:
    return hashlib.sha256(source.encode("utf-8", "replace") + b"\0")


def _constant_part(origin: Origin, now: datetime) -> tuple[bytes, bytes]:
    """What ends every document of a file, before and after the record's number."""
    where = orjson.dumps({"bucket": origin.bucket, "key": origin.key, "etag": origin.etag})
    uploaded, indexed = orjson.dumps(rfc3339(origin.uploaded_at)), orjson.dumps(rfc3339(now))
    return (
        b',"origin":%b,"record":' % where[:-1],
        b',"uploaded_at":%b},"indexed_at":%b}' % (uploaded, indexed),
    )
