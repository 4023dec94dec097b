"""What counts as wrong: lasting trouble, and no burst."""

from __future__ import annotations

from app.observability.alerts.watches import (
    DownServer,
    FreshnessWatch,
    LagWatch,
    Progress,
    ReadingWatch,
    StuckWatch,
    TransactionWatch,
    servers_down,
)

BOUNDS = (1.0, 10.0, 60.0, 3600.0)


def test_a_server_that_is_back_soon_is_not_told() -> None:
    index = DownServer("search_index", 59.9, "refused")
    assert servers_down([index], 60) == {}
    told = servers_down([DownServer("search_index", 600, "refused: @here")], 60)
    assert told == {"search_index": "search_index has been down for 10 min: refused: \uff20here"}


def run(watch: LagWatch, lags: list[int], start: int = 0, step: float = 10) -> list[int]:
    """The numbers of the samples at which the lag was found to grow."""
    return [n for n, lag in enumerate(lags, start) if watch.see(n * step, {"listing-files": lag})]


def test_a_lag_that_grows_for_the_whole_window_is_found_and_ends_when_it_is_gone() -> None:
    watch = LagWatch(1000, 300)
    grows = run(watch, [100 * n for n in range(40)])
    assert grows == list(range(30, 40))
    assert "3,900 records wait" in watch.see(399, {"listing-files": 3900})["listing-files"]
    assert run(watch, [3900 - 100 * n for n in range(40)], 40)[-1] < 40 + 30
    assert run(watch, [900], 80) == []


def test_a_burst_that_is_being_worked_off_is_no_alarm() -> None:
    burst = [0] * 30 + [max(0, 50_000 - 400 * n) for n in range(200)]
    assert run(LagWatch(1000, 300), burst) == []
    stalled = [0] * 30 + [50_000] * 20 + burst[30:]
    assert run(LagWatch(1000, 300), stalled) == []


def test_bursts_that_come_and_go_are_no_alarm() -> None:
    assert run(LagWatch(1000, 300), [0 if n % 5 else 20_000 for n in range(200)]) == []


def test_a_high_lag_that_does_not_grow_is_no_alarm() -> None:
    assert run(LagWatch(1000, 300), [20_000] * 200) == []


def test_a_small_lag_is_no_alarm_however_it_grows() -> None:
    assert run(LagWatch(1000, 300), list(range(200))) == []


def test_partitions_that_are_given_away_are_forgotten() -> None:
    watch = LagWatch(1000, 300)
    run(watch, [100 * n for n in range(40)])
    assert watch.see(400, {}) == {}
    assert watch.see(401, {"listing-files": 5000}) == {}


FILES = ("listing-files", 2)


def test_a_commit_that_does_not_move_while_records_wait() -> None:
    watch = StuckWatch(600)
    moving = {("listing-files", 1): Progress(100, 50, 50)}
    for now in range(0, 600, 10):
        moving = {("listing-files", 1): Progress(100 + now, 50, 50)}
        assert watch.see(now, {FILES: Progress(40, 5, 5), **moving}, False) == {}
    told = watch.see(600, {FILES: Progress(40, 5, 5), **moving}, False)
    assert told == {
        "listing-files": "listing-files: records wait on partition 2, and for 10 min no offset was committed"
    }
    assert watch.see(610, {FILES: Progress(41, 4, 4)}, False) == {}


def test_commits_that_fail_count_though_everything_is_finished() -> None:
    watch = StuckWatch(600)
    watch.see(0, {FILES: Progress(40, 0, 5)}, False)
    assert watch.see(601, {FILES: Progress(40, 0, 5)}, False)


def test_nothing_to_do_is_not_stuck() -> None:
    watch = StuckWatch(600)
    watch.see(0, {FILES: Progress(40, 0, 0)}, False)
    assert watch.see(5000, {FILES: Progress(40, 0, 0)}, False) == {}
    assert watch.see(5001, {FILES: Progress(40, 1, 1)}, False) == {}


def test_the_time_of_an_outage_does_not_count() -> None:
    watch = StuckWatch(600)
    for now in range(0, 5000, 10):
        assert watch.see(now, {FILES: Progress(40, 5, 5)}, True) == {}
    assert watch.see(5500, {FILES: Progress(40, 5, 5)}, False) == {}
    assert watch.see(5600, {FILES: Progress(40, 5, 5)}, False)


def histogram(*numbers: int) -> list[tuple[float, float]]:
    """Files in each of the spans, summed up as the metric has them."""
    return [(bound, float(sum(numbers[: n + 1]))) for n, bound in enumerate(BOUNDS)]


def test_files_that_took_too_long_are_found_over_a_window() -> None:
    watch = FreshnessWatch(60, 300)
    assert watch.see(0, histogram(1000, 0, 0, 0)) == {}
    assert watch.see(10, histogram(1100, 0, 0, 5)) == {}, "below 5 %"
    told = watch.see(20, histogram(1100, 0, 0, 6))
    assert told == {
        "upload to indexed": "6 of 106 files of the last 5 min took longer than 60 s from upload to indexed"
    }
    assert watch.see(320, histogram(1100, 0, 0, 6)) == {}, "the window has passed"


def test_a_few_late_files_are_no_alarm() -> None:
    watch = FreshnessWatch(60, 300)
    watch.see(0, histogram(0, 0, 0, 0))
    assert watch.see(10, histogram(0, 0, 0, 4)) == {}


def test_a_limit_between_two_bounds_counts_as_the_upper_one() -> None:
    watch = FreshnessWatch(30, 300)
    watch.see(0, histogram(0, 0, 0, 0))
    assert watch.see(10, histogram(0, 0, 50, 0)) == {}
    assert watch.see(20, histogram(0, 0, 50, 50))


def test_what_a_backfill_brings_is_left_out() -> None:
    """Older than the last bound: the histogram has them in `+Inf` alone, which is not among the bounds."""
    watch = FreshnessWatch(60, 300)
    watch.see(0, histogram(0, 0, 0, 0))
    assert watch.see(10, histogram(0, 0, 0, 0)) == {}
    assert watch.see(11, []) == {}


def test_a_transaction_that_stays_open_is_told_and_one_that_moves_on_is_not() -> None:
    watch = TransactionWatch(300)
    for now in range(0, 300, 10):
        assert watch.see(now, {FILES: Progress(40, 0, 0, 40, 3), ("t", 0): Progress(now, 0, 0, now, 3)}) == {}
    told = watch.see(300, {FILES: Progress(40, 0, 0, 40, 5), ("t", 0): Progress(300, 0, 0, 300, 3)})
    assert list(told) == ["listing-files"]
    assert "on partition 2 a producer has had a transaction open for 5 min" in told["listing-files"]
    assert "do not restart" in told["listing-files"]
    assert watch.see(310, {FILES: Progress(50, 0, 0, 50, 0)}) == {}


def test_topics_that_change_for_a_moment_are_not_told_and_those_that_stay_wrong_are() -> None:
    watch = ReadingWatch(60)
    assert watch.see(0, ["topic a does not exist"]) == {}
    assert watch.see(59, ["topic a does not exist"]) == {}
    assert watch.see(60, []) == {}
    assert watch.see(61, ["topic a does not exist"]) == {}
    told = watch.see(121, ["topic a does not exist", "topic b does not exist"])
    assert told == {"topics and group": "topic a does not exist; topic b does not exist"}
