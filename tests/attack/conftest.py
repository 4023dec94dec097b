"""Fixtures of the attacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.attacked import Attacked, under_attack
from tests.support.system import System


@pytest.fixture
def attacked(system: System) -> Iterator[Attacked]:
    """The product under attack; what has to stand afterwards is asserted when the test ends."""
    with under_attack(system) as product:
        yield product
        product.stands()
