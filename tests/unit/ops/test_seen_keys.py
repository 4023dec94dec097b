"""The bitmap of what a listing has shown."""

from __future__ import annotations

from app.ops.seen_keys import SeenKeys


def test_what_was_seen_is_never_forgotten() -> None:
    seen = SeenKeys()
    keys = [f"dealer/{number}.csv" for number in range(5_000)]
    seen.add(keys)
    assert all(key in seen for key in keys)


def test_what_is_mistaken_for_seen_differs_from_one_to_the_next() -> None:
    keys = [f"dealer/{number}.csv" for number in range(200_000)]
    others = [f"gone/{number}.csv" for number in range(20_000)]
    mistaken = []
    for _ in range(2):
        seen = SeenKeys()
        seen.add(keys)
        mistaken.append({key for key in others if key in seen})
    assert all(len(found) < 0.01 * len(others) for found in mistaken)
    assert len(mistaken[0] & mistaken[1]) < 10
