"""Whether every record that can be read can also be handed on: the sizes that the topics take."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.errors import FailureCode, OperatorError
from app.failures.headers import HEADERS_ROOM_BYTES


def check_sizes(sizes: Mapping[str, int], sources: Collection[str], handed_to: Collection[str], own_max: int) -> None:
    """`OperatorError(DECLARATION_INVALID)` when a record of a source topic may be too big to be handed on.

    `sizes` are the `max.message.bytes` of the topics that exist; what is not there is not judged. `own_max` is
    LISTINGS_KAFKA__MAX_MESSAGE_BYTES.
    """
    largest = max(((sizes[topic], topic) for topic in sources if topic in sizes), default=None)
    if largest is None:
        return
    size, source = largest
    wrong = [
        f"topic {topic} takes {sizes[topic]:,} bytes, and needs {size + HEADERS_ROOM_BYTES:,} (those of {source} and "
        "64 KiB for headers): raise its max.message.bytes, as `listings topics apply` does"
        for topic in sorted(handed_to)
        if topic in sizes and sizes[topic] < size + HEADERS_ROOM_BYTES
    ]
    if own_max < size:
        wrong.append(
            f"LISTINGS_KAFKA__MAX_MESSAGE_BYTES is {own_max:,}, and records of {source} may have {size:,}: raise it"
        )
    if wrong:
        raise OperatorError(
            FailureCode.DECLARATION_INVALID, f"a failed record could not be handed on: {'; '.join(wrong)}"
        )
