import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.failures.backoff import Backoff

BACKOFF = Backoff(base_s=5.0, cap_s=300.0)


@pytest.mark.parametrize(("failures", "ceiling"), [(1, 5), (2, 10), (3, 20), (7, 300), (1000, 300)])
def test_the_ceiling_doubles_up_to_the_cap(failures: int, ceiling: float) -> None:
    assert BACKOFF.ceiling_s(failures) == ceiling


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_the_delay_is_drawn_from_the_whole_range(failures: int, drawn: float) -> None:
    assert BACKOFF.delay_s(failures, lambda: drawn) == drawn * BACKOFF.ceiling_s(failures)


def test_a_servers_wish_is_waited_for_and_jittered() -> None:
    assert BACKOFF.delay_s(1, lambda: 0.5, at_least_s=30) == 32.5


def test_a_servers_wish_has_the_cap_too() -> None:
    assert BACKOFF.delay_s(1, lambda: 0.0, at_least_s=1e9) == 300
