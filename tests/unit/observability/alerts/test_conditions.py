"""What is wrong for a while is told when it begins, rarely again, and once when it is over."""

from __future__ import annotations

from app.observability.alerts.conditions import Condition, Kind

KIND = Kind("outage", "Down", "Up again", ("listings status",))
INDEX, STORE = {"search_index": "search_index is down"}, {"object_store": "object_store is down"}


def condition() -> Condition:
    return Condition(KIND, every_s=300, remind_s=3600)


def titles(condition: Condition, now: float, findings: dict[str, str]) -> list[str]:
    return [message.title for message in condition.update(now, findings)]


def test_it_begins_and_it_ends() -> None:
    one = condition()
    assert one.update(0, {}) == []
    (began,) = one.update(10, INDEX)
    assert (began.kind, began.title, began.is_over) == ("outage", "Down: search_index", False)
    assert began.body == "search_index is down\nLook closer:\n  listings status"
    assert [one.update(at, INDEX) for at in range(11, 300)] == [[]] * 289
    (over,) = one.update(310, {})
    assert (over.title, over.is_over) == ("Up again: search_index", True)
    assert over.body == "search_index: over, 5 min after it was told"
    assert one.update(311, {}) == []


def test_what_lasts_is_told_again_after_long() -> None:
    one = condition()
    told = [at for at in range(0, 8000, 10) if one.update(at, INDEX)]
    assert told == [0, 3600, 7200]


def test_what_flaps_is_no_storm() -> None:
    one = condition()
    told = [title for at in range(0, 1200, 10) for title in titles(one, at, INDEX if at % 20 == 0 else {})]
    assert told == ["Down: search_index", "Up again: search_index"] * 4


def test_several_at_once_are_one_message() -> None:
    one = condition()
    assert titles(one, 0, {**INDEX, **STORE}) == ["Down: object_store, search_index"]
    assert titles(one, 10, {}) == ["Up again: object_store, search_index"]
    assert one.update(20, {}) == []


def test_one_more_waits_for_its_turn_and_the_end_of_one_names_the_other() -> None:
    one = condition()
    assert titles(one, 0, INDEX) == ["Down: search_index"]
    assert titles(one, 100, {**INDEX, **STORE}) == []
    assert titles(one, 300, {**INDEX, **STORE}) == ["Down: object_store, search_index"]
    (over,) = one.update(310, STORE)
    assert over.title == "Up again: search_index"
    assert over.body.endswith("Not over: object_store")


def test_what_was_never_told_is_never_over() -> None:
    one = condition()
    one.update(0, INDEX)
    one.update(1, {})
    assert one.update(2, STORE) == []
    assert one.update(3, {}) == []
