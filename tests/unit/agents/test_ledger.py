from hypothesis import given
from hypothesis import strategies as st

from app.agents.ledger import Ledger


def test_nothing_is_committed_before_the_first_record_is_finished() -> None:
    ledger = Ledger(generation=1)
    first, _ = ledger.take(10, now=0.0)
    second, _ = ledger.take(11, now=1.0)
    ledger.finish(second)
    assert ledger.to_commit is None
    ledger.finish(first)
    assert ledger.to_commit == 12


def test_a_straggler_holds_back_the_commit_however_much_is_done_behind_it() -> None:
    ledger = Ledger(generation=1)
    slots = [ledger.take(offset, now=float(offset))[0] for offset in range(100)]
    for slot in slots:
        if slot.offset != 17:
            ledger.finish(slot)
    assert ledger.to_commit == 17
    assert ledger.oldest_taken_at() == 17.0
    assert ledger.unfinished == 83


def test_a_commit_is_offered_once() -> None:
    ledger = Ledger(generation=1)
    slot, _ = ledger.take(0, now=0.0)
    ledger.finish(slot)
    due = ledger.due()
    assert due is not None
    ledger.committed(due)
    assert ledger.to_commit is None
    assert ledger.position == 1


def test_a_commit_that_failed_is_offered_again() -> None:
    ledger = Ledger(generation=1)
    slot, _ = ledger.take(0, now=0.0)
    ledger.finish(slot)
    assert ledger.to_commit == 1
    assert ledger.to_commit == 1


def test_jumped_offsets_are_counted() -> None:
    ledger = Ledger(generation=1)
    assert ledger.take(5, now=0.0)[1] == 0
    assert ledger.take(6, now=0.0)[1] == 0
    assert ledger.take(9, now=0.0)[1] == 2


@given(st.permutations(range(12)), st.integers(0, 12))
def test_the_committed_prefix_never_passes_an_unfinished_record(order: list[int], finished: int) -> None:
    ledger = Ledger(generation=1)
    slots = [ledger.take(offset, now=0.0)[0] for offset in range(12)]
    done: set[int] = set()
    for offset in order[:finished]:
        ledger.finish(slots[offset])
        done.add(offset)
        prefix = next((o for o in range(12) if o not in done), 12)
        assert (ledger.to_commit or 0) == prefix


@given(st.sets(st.integers(0, 30)), st.integers(0, 31), st.integers(0, 31))
def test_passing_over_never_passes_a_record(records: set[int], taken: int, finished: int) -> None:
    """Records at some offsets, the first `taken` of which arrived, the first `finished` of these are done."""
    ledger = Ledger(generation=1)
    ordered = sorted(records)
    slots = [ledger.take(offset, now=0.0)[0] for offset in ordered[:taken]]
    for slot in slots[:finished]:
        ledger.finish(slot)
    ledger.pass_over(31, ordered[-1] + 1 if ordered else None)
    undone = ordered[min(finished, taken) :]
    assert (ledger.to_commit or 0) <= (undone[0] if undone else 31)
    assert undone or ledger.to_commit == 31


def test_the_trace_has_what_is_worked_on_and_goes_with_the_offset_even_if_that_stays() -> None:
    ledger = Ledger(1, "cafe0001")
    first, _ = ledger.take(10, 0.0)
    second, _ = ledger.take(11, 0.0)
    assert ledger.due() is None
    ledger.begin(first)
    ledger.begin(second)
    due = ledger.due()
    assert due is not None
    assert (due.offset, due.trace) == (10, "w=cafe0001 u=0-1")
    assert ledger.due() == due, "until it is taken"
    ledger.committed(due)
    assert ledger.due() is None
    ledger.end(first)
    ledger.finish(first)
    due = ledger.due()
    assert due is not None
    assert (due.offset, due.trace) == (11, "w=cafe0001 u=0")
    ledger.committed(due)
    ledger.wait(second)
    due = ledger.due()
    assert due is not None
    assert (due.offset, due.trace) == (11, "w=cafe0001 v=0")
    ledger.committed(due)
    ledger.end(second)
    due = ledger.due()
    assert due is not None
    assert (due.offset, due.trace) == (11, ""), "what was given up is worked on by nobody"


def test_a_trace_is_taken_back_while_a_server_is_down_and_left_again_afterwards() -> None:
    ledger = Ledger(1, "cafe0001")
    slot, _ = ledger.take(10, 0.0)
    ledger.begin(slot)
    traces = []
    for is_held_up in (False, True, True, False):
        due = ledger.due(is_held_up)
        traces.append(None if due is None else due.trace)
        if due is not None:
            ledger.committed(due)
    assert traces == ["w=cafe0001 u=0", "", None, "w=cafe0001 u=0"]


def test_blame_is_handed_on_until_the_record_is_finished() -> None:
    ledger = Ledger(1, "cafe0001", {10: 1, 12: 2})
    slots = {offset: ledger.take(offset, 0.0)[0] for offset in (10, 11, 12)}
    assert [ledger.blame_of(slot) for slot in slots.values()] == [1, 0, 2]
    ledger.begin(slots[11])
    due = ledger.due()
    assert due is not None
    assert due.trace == "w=cafe0001 u=1 b=0:1,2:2"
    ledger.finish(slots[10])
    due = ledger.due()
    assert due is not None
    assert (due.offset, due.trace) == (11, "w=cafe0001 u=0 b=1:2")
