"""The harness itself: it holds for a product at rest, and sees what it is there to see."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from tests.support.attacked import Attacked, ResidentMemory
from tests.support.cgroup import cpu_bound, memory_bound
from tests.support.waiting import until

_MIB = 1024 * 1024
_TAKE = "import sys; sys.stdin.read(1); taken = b'x' * (200 * 1024 * 1024); sys.stdin.read(1)"


@pytest.mark.attack
@pytest.mark.timeout(240)
def test_a_worker_at_rest_stands(attacked: Attacked) -> None:
    attacked.neighbour_is_served()


def test_memory_beyond_the_bound_is_not_had() -> None:
    with memory_bound(64 * _MIB) as confine:
        if confine is None:
            pytest.skip("cgroups can not be had here")
        process = subprocess.Popen([sys.executable, "-c", _TAKE], stdin=subprocess.PIPE)
        confine(process.pid)
        process.communicate(b"1", timeout=30)
        assert process.returncode == -9


def test_memory_that_is_taken_and_given_back_is_seen() -> None:
    process = subprocess.Popen([sys.executable, "-c", _TAKE], stdin=subprocess.PIPE)
    try:
        seen = ResidentMemory(process.pid)
        assert process.stdin is not None
        process.stdin.write(b"1")
        process.stdin.flush()
        until("200 MiB", lambda: seen.peak_bytes - seen.start_bytes >= 190 * _MIB)
        seen.stop()
    finally:
        process.kill()
        process.communicate()


def test_a_share_of_a_processor_is_not_exceeded() -> None:
    with cpu_bound(0.25) as confine:
        if confine is None:
            pytest.skip("cgroups can not be had here")
        process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            confine(process.pid)
            watched = psutil.Process(process.pid)
            used = watched.cpu_times().user
            watched.cpu_percent()
            until("a second of the clock", lambda: watched.cpu_percent(interval=1) < 40, seconds=10)
            assert watched.cpu_times().user > used
        finally:
            process.kill()
            process.wait()
