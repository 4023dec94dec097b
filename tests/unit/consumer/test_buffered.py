"""Bytes that wait, counted whoever lets go of them, and when."""

from __future__ import annotations

import gc
from collections import Counter
from threading import Thread

from app.consumer.buffered import Buffered, Parcel


def test_bytes_are_counted_by_topic_for_as_long_as_their_parcels_live() -> None:
    buffered = Buffered()
    parcels = [Parcel(buffered, topic, 10, 0, None) for topic in "aab"]
    assert [buffered.of(topic) for topic in "abc"] == [20, 10, 0]
    del parcels[:1]
    assert buffered.of("a") == 10


def test_threads_lose_no_byte() -> None:
    buffered = Buffered()

    def work() -> None:
        for _ in range(3000):
            Parcel(buffered, "a", 7, 0, None)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert buffered.of("a") == 0


def test_the_collector_of_garbage_may_let_go_of_parcels_while_another_is_counted() -> None:
    class Collecting(Counter[str]):
        def __setitem__(self, topic: str, size: int) -> None:
            gc.collect()
            super().__setitem__(topic, size)

    buffered = Buffered()
    cycle: list[object] = [Parcel(buffered, "a", 5, 0, None)]
    cycle.append(cycle)
    buffered._bytes = Collecting(buffered._bytes)
    del cycle
    kept = Parcel(buffered, "a", 7, 0, None)
    assert buffered.of("a") == 7
    assert kept.trouble is None
