"""Columns as the Parquet library gives them: how much each row holds, before a Python value is made of any.

Text columns come as dictionaries and indices into them, so a value that is used a million times is there once. What a
row holds is reckoned on whole columns; only rows within the limit are made into values.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from app.pipeline.parse.singles import HALF, SINGLE, Singles, in_each, in_fields

ITEM_WEIGHT = 8
"""What an item of a list weighs by itself: a million items of nothing are something."""


def weights(array: Any) -> Any:
    """About how many bytes each row of a column would have as JSON: an int64 array as long as `array`."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return weights(array.storage)
    if pa.types.is_dictionary(kind):
        return pc.fill_null(pc.take(weights(array.dictionary), array.indices), 1)
    if _is_list(kind):
        return _of_lists(array)
    if pa.types.is_struct(kind):
        total = _ones(len(array))
        for child in array.flatten():
            total = pc.add(total, weights(child))
        return total
    if _is_text(kind):
        return pc.fill_null(pc.add(pc.cast(pc.binary_length(array), pa.int64()), 1), 1)
    if pa.types.is_null(kind):
        return _ones(len(array))
    return pc.if_else(pc.is_valid(array), pa.scalar(max(1, kind.bit_width // 8), pa.int64()), 1)


def readable_type(kind: Any, depth: int) -> Any:
    """The type to turn a column into before its values are made: text for dictionaries, microseconds in UTC.

    None for a type that is not read, or one that nests deeper than `depth` levels.
    """
    if isinstance(kind, pa.BaseExtensionType):
        return kind if kind.extension_name in ("arrow.uuid", "arrow.json") else None
    if pa.types.is_dictionary(kind):
        return readable_type(kind.value_type, depth)
    if pa.types.is_nested(kind):
        return _nested_type(kind, depth - 1) if depth > 0 else None
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", None if kind.tz is None else "UTC")
    if pa.types.is_time(kind):
        return pa.time64("us")
    if pa.types.is_duration(kind):
        return pa.duration("us")
    if pa.types.is_float16(kind):
        return pa.float32()
    return (
        kind
        if pa.types.is_null(kind) or pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or _is_text(kind)
        else None
    )


def is_json(kind: Any) -> bool:
    """Are the values of this readable type JSON values as they are, if its floats are finite?"""
    if _is_list(kind) and not pa.types.is_map(kind):
        return is_json(kind.value_type)
    if pa.types.is_struct(kind):
        return all(is_json(part.type) for part in kind)
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
    )


def singles_of(kind: Any) -> Singles | None:
    """Where in a column of this type there are floats of less than double precision."""
    types = pa.types
    if types.is_float16(kind):
        return HALF
    if types.is_float32(kind):
        return SINGLE
    if types.is_dictionary(kind):
        return singles_of(kind.value_type)
    if types.is_map(kind):
        return in_each(singles_of(kind.item_type))
    if types.is_struct(kind):
        return in_fields((part.name, singles_of(part.type)) for part in kind)
    return in_each(singles_of(kind.value_type)) if types.is_nested(kind) else None


def all_finite(array: Any) -> bool:
    """Is every float in it, however deep, a finite number?"""
    kind = array.type
    if pa.types.is_floating(kind):
        return bool(pc.all(pc.is_finite(array), skip_nulls=True, min_count=0).as_py())
    if pa.types.is_struct(kind) or (_is_list(kind) and not pa.types.is_map(kind)):
        return all(all_finite(part) for part in _parts(array))
    return True


def _parts(array: Any) -> list[Any]:
    return array.flatten() if pa.types.is_struct(array.type) else [array.flatten()]


def _nested_type(kind: Any, depth: int) -> Any:
    if pa.types.is_map(kind):
        key, item = readable_type(kind.key_type, depth), readable_type(kind.item_type, depth)
        return None if key is None or item is None else pa.map_(key, item)
    if _is_list(kind):
        item = readable_type(kind.value_type, depth)
        make = pa.large_list if pa.types.is_large_list(kind) else pa.list_
        return None if item is None else make(pa.field(kind.value_field.name, item))
    if pa.types.is_struct(kind):
        parts = [(part.name, readable_type(part.type, depth)) for part in kind]
        return None if any(part is None for _, part in parts) else pa.struct([pa.field(*part) for part in parts])
    return None


def _of_lists(array: Any) -> Any:
    offsets = array.offsets
    start, end = offsets[0].as_py(), offsets[-1].as_py()
    parts = (array.keys, array.items) if pa.types.is_map(array.type) else (array.values,)
    each = pa.repeat(pa.scalar(ITEM_WEIGHT, pa.int64()), end - start)
    for part in parts:
        each = pc.add(each, weights(part.slice(start, end - start)))
    sums = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(each)])
    places = pc.subtract(pc.cast(offsets, pa.int64()), start)
    return pc.add(pc.subtract(pc.take(sums, places[1:]), pc.take(sums, places[:-1])), 1)


def _ones(count: int) -> Any:
    return pa.repeat(pa.scalar(1, pa.int64()), count)


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind))


def _is_text(kind: Any) -> bool:
    types = pa.types
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
    )
