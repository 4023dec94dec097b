"""The schema in an Avro file's header: judged before any library acts on it.

Specification: Apache Avro 1.12, "Schema declaration" and "Binary encoding". A hostile schema can make a few bytes of
data into millions of values (an array of nulls, records in records in records), so what a byte can become is reckoned
up first. Types that refer to themselves are refused: no listing does, and data could nest them without end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import fastavro
import orjson

from app.errors import FailureCode, FileRejected
from app.pipeline.parse.singles import SINGLE, Singles, in_any, in_each, in_fields

VALUES_A_BYTE = 8
"""What one byte of data may become, on top of what every record has."""
_VALUES_FOR_NOTHING = 1000
_MAX_TYPES = 4000
_MAX_SIZE = 1 << 20
_MAX_PRECISION = 1000
_PRIMITIVES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1}
"""The least bytes of each."""
_NEVER_CONVERTED = frozenset({"null", "boolean", "int", "long", "string", "enum"})


@dataclass(frozen=True, slots=True)
class AvroType:
    """One type of the schema, with what it can cost."""

    kind: str
    """Of the specification; `fixed` has `size`, an enum or union the number of its `parts` there."""
    least_bytes: int
    excess: int
    """The most that the values of one datum can exceed `VALUES_A_BYTE` times its bytes."""
    depth: int
    is_plain: bool
    """What the library gives for it is a JSON value."""
    singles: Singles | None = None
    """Where in it there are floats of single precision."""
    size: int = 0
    parts: tuple[AvroType, ...] = ()
    """Types of the fields, branches, items or map values."""


@dataclass(frozen=True, slots=True)
class AvroSchema:
    """A schema of records that may be read."""

    parsed: Any
    """For the library."""
    record: AvroType
    converted: tuple[str, ...]
    """The fields whose values are not JSON values yet."""
    singles: tuple[tuple[str, Singles], ...]
    """Those of them that have floats of single precision."""


def read_schema(text: bytes, max_depth: int) -> AvroSchema:
    """Raises SCHEMA_REFUSED with what is wrong with it."""
    try:
        raw = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refused("it is not JSON") from error
    types = _Types(max_depth)
    record = types.read(raw, "", 0)
    if record.kind != "record":
        raise refused("its values are no records")
    if not record.least_bytes or record.excess > _VALUES_FOR_NOTHING:
        raise refused("its records have many fields and no data")
    try:
        parsed = fastavro.parse_schema(raw)
    except Exception as error:  # the library raises whatever the hostile text leads it to
        raise refused("it is not as the Avro specification says") from error
    names = [member["name"] for member in raw["fields"]]
    converted = tuple(name for name, part in zip(names, record.parts, strict=True) if not part.is_plain)
    singles = () if record.singles is None else tuple(record.singles.fields.items())
    return AvroSchema(parsed, record, converted, singles)


def refused(reason: str) -> FileRejected:
    return FileRejected(
        FailureCode.SCHEMA_REFUSED, f"the Avro schema can not be read: {reason}; export the listings as flat records"
    )


@dataclass(slots=True)
class _Types:
    """Reads types and remembers those with names."""

    max_depth: int
    known: dict[str, AvroType | None] = field(default_factory=dict)
    """None: it is being read, so a reference to it would go round in a circle."""
    count: int = 0

    def read(self, raw: Any, namespace: str, level: int) -> AvroType:
        self.count += 1
        if self.count > _MAX_TYPES:
            raise refused(f"it has more than {_MAX_TYPES:,} types")
        if level > 4 * self.max_depth:
            raise refused(f"it nests more than {self.max_depth} levels")
        if isinstance(raw, list):
            return self._union(raw, namespace, level)
        if isinstance(raw, str):
            return self._named(raw, namespace)
        if not isinstance(raw, dict):
            raise refused("a type is neither a name, an object nor a list")
        kind = raw.get("type")
        if isinstance(kind, (dict, list)):
            return self.read(kind, namespace, level + 1)
        if not isinstance(kind, str):
            raise refused("a type has no kind")
        if kind in _PRIMITIVES:
            return self._primitive(raw, kind)
        return self._complex(raw, kind, namespace, level)

    def _complex(self, raw: dict[str, Any], kind: str, namespace: str, level: int) -> AvroType:
        match kind:
            case "record" | "error":
                return self._record(raw, namespace, level)
            case "array":
                return self._repeated("array", raw.get("items"), namespace, level, 0)
            case "map":
                return self._repeated("map", raw.get("values"), namespace, level, 1)
            case "enum":
                symbols = raw.get("symbols")
                if not isinstance(symbols, list):
                    raise refused("an enum has no symbols")
                return self._remember(raw, namespace, _leaf("enum", 1, True, len(symbols)))
            case "fixed":
                size = _whole(raw.get("size"), _MAX_SIZE, "size")
                _check_decimal(raw)
                return self._remember(raw, namespace, _leaf("fixed", size, False, size))
        return self._named(kind, namespace)

    def _primitive(self, raw: dict[str, Any], kind: str) -> AvroType:
        _check_decimal(raw)
        is_plain = kind in _NEVER_CONVERTED and "logicalType" not in raw
        return _leaf(kind, _PRIMITIVES[kind], is_plain)

    def _named(self, name: str, namespace: str) -> AvroType:
        if name in _PRIMITIVES:
            return _leaf(name, _PRIMITIVES[name], name in _NEVER_CONVERTED)
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        known = full if full in self.known else name
        if known not in self.known:
            raise refused("a type refers to one that is not there")
        found = self.known[known]
        if found is None:
            raise refused("a type refers to itself")
        return found

    def _record(self, raw: dict[str, Any], namespace: str, level: int) -> AvroType:
        fields = raw.get("fields")
        full = _full_name(raw, namespace)
        if not isinstance(fields, list) or not all(
            isinstance(part, dict) and isinstance(part.get("name"), str) for part in fields
        ):
            raise refused("a record has no fields")
        inner = full.rpartition(".")[0]
        self.known[full] = None
        parts = tuple(self.read(part.get("type"), inner, level + 1) for part in fields)
        made = AvroType(
            "record",
            sum(part.least_bytes for part in parts),
            1 + sum(part.excess for part in parts),
            self._deeper(parts),
            all(part.is_plain for part in parts),
            in_fields((own["name"], part.singles) for own, part in zip(fields, parts, strict=True)),
            parts=parts,
        )
        self.known[full] = made
        return made

    def _repeated(self, kind: str, raw: Any, namespace: str, level: int, key_bytes: int) -> AvroType:
        part = self.read(raw, namespace, level + 1)
        # a key of a map has a byte for its length, and is a value too
        if part.excess + key_bytes * (1 - VALUES_A_BYTE) > 0 or part.least_bytes + key_bytes == 0:
            raise refused("an array has items without data")
        return AvroType(
            kind, 1, 1 - VALUES_A_BYTE, self._deeper((part,)), part.is_plain, in_each(part.singles), parts=(part,)
        )

    def _union(self, raw: list[Any], namespace: str, level: int) -> AvroType:
        if not raw:
            raise refused("a union has no types")
        parts = tuple(self.read(part, namespace, level + 1) for part in raw)
        return AvroType(
            "union",
            1 + min(part.least_bytes for part in parts),
            max(part.excess for part in parts) - VALUES_A_BYTE,
            max(part.depth for part in parts),
            all(part.is_plain for part in parts),
            in_any(part.singles for part in parts),
            parts=parts,
        )

    def _deeper(self, parts: tuple[AvroType, ...]) -> int:
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > self.max_depth:
            raise refused(f"it nests more than {self.max_depth} levels")
        return depth

    def _remember(self, raw: dict[str, Any], namespace: str, made: AvroType) -> AvroType:
        self.known[_full_name(raw, namespace)] = made
        return made


def _leaf(kind: str, least_bytes: int, is_plain: bool, size: int = 0) -> AvroType:
    return AvroType(
        kind, least_bytes, 1 - VALUES_A_BYTE * least_bytes, 0, is_plain, SINGLE if kind == "float" else None, size
    )


def _full_name(raw: dict[str, Any], namespace: str) -> str:
    name, own = raw.get("name"), raw.get("namespace", namespace)
    if not isinstance(name, str) or not isinstance(own, str):
        raise refused("a type has no name")
    return name if "." in name or not own else f"{own}.{name}"


def _whole(value: Any, most: int, what: str) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise refused(f"a {what} is not a number up to {most:,}")
    return value


def _check_decimal(raw: dict[str, Any]) -> None:
    if raw.get("logicalType") == "decimal":
        precision = _whole(raw.get("precision"), _MAX_PRECISION, "precision")
        _whole(raw.get("scale", 0), precision, "scale")
