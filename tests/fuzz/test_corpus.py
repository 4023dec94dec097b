"""What fuzzing once found stays mended, and a moment of fuzzing at each run finds nothing new."""

from __future__ import annotations

import pytest

from tests.fuzz.__main__ import breaks
from tests.fuzz.corpus import findings
from tests.fuzz.inputs import Input
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.slow

KEPT = [
    pytest.param(name, case, id=f"{name}-{number}") for name in TARGETS for number, case in enumerate(findings(name))
]


@pytest.mark.parametrize(("target", "case"), KEPT)
def test_what_was_found_stays_mended(target: str, case: Input) -> None:
    assert breaks(TARGETS[target], case) is None


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_break_nothing(target: str) -> None:
    for case in TARGETS[target].seeds():
        problem = breaks(TARGETS[target], case)
        assert problem is None, f"{case.name}: {problem!r}"
