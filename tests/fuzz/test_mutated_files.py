"""Files of the hostile corpus, damaged at random: they are read or refused, in one way only, nothing else."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.model.record import ReadHints
from app.pipeline.sniff import hints_from_name
from tests.support.hostile import HOSTILE, HostileFile
from tests.support.limits import limits
from tests.support.reading import read_file

pytestmark = pytest.mark.slow

_SMALL = [(file, data) for file in HOSTILE if len(data := file.build()) < 2_000]
_STRUCTURE = b'[]{}":,\\\n\r;\t|\x00\xff\x1f'


@st.composite
def _damaged(draw: st.DrawFn) -> tuple[HostileFile, bytes]:
    file, data = draw(st.sampled_from(_SMALL))
    damaged = bytearray(data)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(damaged)))
        kind = draw(st.sampled_from(("insert", "remove", "replace", "repeat")))
        byte = draw(st.sampled_from(_STRUCTURE) | st.integers(0, 255))
        if kind == "insert":
            damaged.insert(at, byte)
        elif kind == "remove":
            del damaged[at : at + draw(st.integers(1, 20))]
        elif kind == "replace":
            damaged[at : at + 1] = bytes([byte])
        else:
            damaged[at:at] = damaged[: draw(st.integers(0, 60))]
    return file, bytes(damaged)


@settings(deadline=None)
@given(_damaged(), st.integers(1, 70), st.integers(1, 70), st.sampled_from([None, "cp1252"]))
def test_damage_has_one_outcome(
    damaged: tuple[HostileFile, bytes], chunk: int, block: int, fallback: str | None
) -> None:
    file, data = damaged
    named = file.read_hints(hints_from_name(file.key))
    hints = ReadHints(**{field: getattr(named, field) for field in ("format", "records_path")}, encoding=fallback)
    within = limits(**{"record_max_bytes": 400, **file.limits})

    whole = read_file(data, hints, within=within)
    cut = read_file(data, hints, within=within, chunk=chunk, block=block)

    assert cut.account() == whole.account()
    numbers = sorted([record.number for record in whole.records] + [bad.number for bad in whole.bad])
    assert numbers == list(range(1, len(numbers) + 1))
    for value in whole.values:
        orjson.dumps(value)
