"""Avro with the framing of Confluent's registry: a zero byte, four bytes of schema id (big-endian), the body.

Once an id is known nothing is awaited: encoding and decoding are plain calls of some microseconds.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import fullname

from app.adapters.schema_lookup import SchemaLookup
from app.adapters.schema_registry import AVRO, RegisteredSchema
from app.errors import Dependency, FailureCode, Outage, Rejected

_HEADER = 5


class Registry(Protocol):
    """What the codec asks of a schema registry (`app.adapters.schema_registry`)."""

    async def schema(self, schema_id: int) -> RegisteredSchema | None: ...

    async def id_of(self, subject: str, schema: object) -> int | None: ...


class AvroCodec:
    """Implements `app.ports.Codec` for the subjects whose schemas it is given.

    Records are read with the schema they were written with, resolved to ours of the same full name; records of other
    names are not ours and are rejected.
    """

    def __init__(
        self,
        registry: Registry,
        schemas: Mapping[str, Any],
        monotonic: Callable[[], float] = time.monotonic,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`schemas`: subject → schema, as `app.ops.schemas.load_schemas` gives them."""
        self._registry = registry
        self._declared = dict(schemas)
        self._parsed = {subject: parse_schema(schema) for subject, schema in schemas.items()}
        self._ours = {
            fullname(schema): parsed for schema, parsed in zip(schemas.values(), self._parsed.values(), strict=True)
        }
        self._writers: dict[str, tuple[bytes, Any]] = {}
        self._readers: dict[int, tuple[Any, Any]] = {}
        self._loading = asyncio.Lock()
        self._lookup = SchemaLookup(self._learn_id, self.ping, monotonic, rest)

    async def prepare(self, subjects: Iterable[str] | None = None) -> None:
        """Ask for the ids of subjects (all, by default) before they are needed; errors as for `encode`."""
        for subject in self._declared if subjects is None else subjects:
            await self._learn_subject(subject)

    async def ping(self) -> None:
        """Whether the registry answers and has all our schemas; `Outage` when not."""
        for subject, schema in self._declared.items():
            if await self._registry.id_of(subject, schema) is None:
                raise _not_registered(subject)

    async def encode(self, subject: str, value: Mapping[str, object]) -> bytes:
        """The value with its framing. `Outage` while the registry is away, or does not know our schema yet."""
        if subject not in self._writers:
            await self._learn_subject(subject)
        return self.encode_known(subject, value)

    async def decode(self, payload: bytes) -> Mapping[str, object]:
        """The record as our schema has it.

        `Rejected(RECORD_NOT_DECODABLE)` for other framing, a broken body, a schema that is not Avro or of another name;
        `Transient(SCHEMA_UNKNOWN)` for an id the registry does not know, which it may learn; `NotTried` while it is
        asked for others; `Outage` while it is away.
        """
        known = self.decode_known(payload)
        if known is not None:
            return known
        await self._lookup.find(int.from_bytes(payload[1:_HEADER], "big"))
        decoded = self.decode_known(payload)
        assert decoded is not None
        return decoded

    def encode_known(self, subject: str, value: Mapping[str, object]) -> bytes:
        """`encode` without waiting, for a subject that was prepared or encoded before; KeyError otherwise."""
        header, schema = self._writers[subject]
        body = io.BytesIO()
        body.write(header)
        schemaless_writer(body, schema, value)
        return body.getvalue()

    def decode_known(self, payload: bytes) -> dict[str, object] | None:
        """`decode` without waiting; None when the schema of the record has not been asked for yet."""
        if len(payload) < _HEADER or payload[0] != 0:
            raise _not_decodable("framing (a zero byte, four bytes of schema id, the body)")
        schemas = self._readers.get(int.from_bytes(payload[1:_HEADER], "big"))
        if schemas is None:
            return None
        body = io.BytesIO(payload)
        body.seek(_HEADER)
        try:
            record = schemaless_reader(body, *schemas)
        except Exception as error:  # whatever a hostile body makes of the decoder, the record is what is wrong
            raise _not_decodable(f"body ({type(error).__name__})") from error
        if body.tell() != len(payload) or not isinstance(record, dict):
            raise _not_decodable("body (it does not end where the record ends)")
        return record

    async def _learn_subject(self, subject: str) -> None:
        async with self._loading:
            if subject in self._writers:
                return
            schema_id = await self._registry.id_of(subject, self._declared[subject])
            if schema_id is None:
                raise _not_registered(subject)
            self._writers[subject] = (b"\0" + schema_id.to_bytes(4, "big"), self._parsed[subject])
            self._readers[schema_id] = (self._parsed[subject], None)

    async def aclose(self) -> None:
        """Stop asking the registry."""
        await self._lookup.aclose()

    async def _learn_id(self, schema_id: int) -> bool:
        if schema_id not in self._readers:
            written = await self._registry.schema(schema_id)
            if written is None:
                return False
            self._readers[schema_id] = self._resolved(written, schema_id)
        return True

    def _resolved(self, written: RegisteredSchema, schema_id: int) -> tuple[Any, Any]:
        if written.kind != AVRO:
            raise self._foreign(schema_id, f"a schema of {written.kind}")
        try:
            named: dict[str, Any] = {}
            for needed in written.needs:
                parse_schema(needed, named_schemas=named)
            parsed = parse_schema(written.schema, named_schemas=named)
            name = fullname(parsed) if isinstance(parsed, dict) and "name" in parsed else str(written.schema)[:80]
        except Exception as error:  # a schema is written by others, and may be anything
            raise self._foreign(schema_id, f"no Avro schema ({type(error).__name__})") from error
        ours = self._ours.get(name)
        if ours is None:
            raise self._foreign(schema_id, name)
        return (parsed, None if parsed == ours else ours)

    def _foreign(self, schema_id: int, found: str) -> Rejected:
        expected = ", ".join(sorted(self._ours))
        return Rejected(
            FailureCode.RECORD_NOT_DECODABLE, f"expected an Avro record {expected}; schema id {schema_id} is {found}"
        )


def _not_decodable(what: str) -> Rejected:
    return Rejected(
        FailureCode.RECORD_NOT_DECODABLE, f"expected an Avro record with the registry's framing, found another {what}"
    )


def _not_registered(subject: str) -> Outage:
    return Outage(
        FailureCode.SCHEMA_UNKNOWN,
        Dependency.SCHEMA_REGISTRY,
        f"the schema registry does not have our schema of {subject}: run `listings schemas register`",
    )
