"""The law of time for all readers: no content costs more than linear CPU, or holds the event loop longer than 50 ms.

By growth from size to size, in CPU time of the thread, never by the clock. What seems too much is measured again: other
programs on the same cores cost CPU time too. Greater sizes, and memory: `python -m tests.attack.adversarial`.
"""

from __future__ import annotations

import pytest

from tests.attack.adversarial import KIB, cost_of
from tests.attack.shapes import Shape, shapes

_SMALL, _GREAT = 64 * KIB, 512 * KIB
_LONGEST_RECORD = 1_015 * KIB
_STEP_S = 0.05
_LEAST_S = 0.004
"""What is less is no measure."""
_SLACK = 2.5
_TRIES = 4

_SHAPES = [shape for shape in shapes() if shape.asserted]


def _broken(shape: Shape) -> str | None:
    """How the shape breaks the law; None: it holds."""
    small, step, _ = cost_of(shape, _SMALL)
    great, longest, _ = cost_of(shape, _GREAT)
    for _ in range(_TRIES):
        if max(step, longest) <= _STEP_S and great <= _SLACK * _GREAT / _SMALL * max(small, _LEAST_S):
            return None
        again, step_again, _ = cost_of(shape, _GREAT)
        small_again, small_step, _ = cost_of(shape, _SMALL)
        great, longest = min(great, again), min(longest, step_again)
        small, step = max(small, small_again), min(step, small_step)
    return f"{shape.reader}, {shape.name}: {small:.3f} s, then {great:.3f} s; steps of {step:.3f} s and {longest:.3f} s"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("reader", sorted({shape.reader for shape in _SHAPES}))
def test_no_content_costs_more_than_linear_time_or_a_long_step(reader: str) -> None:
    assert not [told for shape in _SHAPES if shape.reader == reader and (told := _broken(shape))]


@pytest.mark.parametrize("reader", ["json", "json array", "ndjson"])
@pytest.mark.parametrize("name", ["keys", "features", "images", "no images", "ones"])
def test_a_record_as_long_as_one_may_be_is_no_long_step(reader: str, name: str) -> None:
    shape = next(shape for shape in _SHAPES if (shape.reader, shape.name) == (reader, name))
    least = min(cost_of(shape, _LONGEST_RECORD).step_s for _ in range(_TRIES))
    assert least <= _STEP_S


def test_there_are_shapes_of_every_kind_for_every_reader() -> None:
    readers = {shape.reader for shape in _SHAPES}
    assert readers >= {"json", "ndjson", "csv", "tsv", "xml", "rss", "html", "avro", "zip", "gzip", "zstd", "xz", "bz2"}
    assert len({(shape.reader, shape.name) for shape in _SHAPES}) == len(_SHAPES)
