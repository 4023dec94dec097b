import pytest

from app.failures.limits import floods
from tests.support.limits import limits

LIMITS = limits(rejects_max_share=0.5, rejects_min_count=20, rejects_max_count=1000)


@pytest.mark.parametrize(
    ("read", "rejected", "expected"),
    [
        (10, 10, False),  # all bad, but few: each is told
        (20, 20, False),
        (21, 21, True),
        (100, 50, False),  # at the limit is not over it
        (100, 51, True),
        (1_000_000, 1000, False),
        (1_000_000, 1001, True),  # a small share of a huge file floods as well
    ],
)
def test_a_flood_needs_number_and_share_or_sheer_number(read: int, rejected: int, expected: bool) -> None:
    assert floods(read, rejected, LIMITS) is expected
