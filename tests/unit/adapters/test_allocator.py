"""Memory that was freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TAKE_AND_FREE = """
import re
from app.adapters.allocator import give_back_large_pieces
if {told}:
    give_back_large_pieces()
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
first = bytearray(30 * 2**20)
del first
before = resident()
pieces = [bytearray(b"x") * (20 * 2**20) for _ in range(5)]
kept = bytearray(b"x") * 2**20
del pieces
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_what_a_heavy_file_took_is_given_back_though_something_behind_it_stays() -> None:
    def left(told: bool) -> int:
        program = _TAKE_AND_FREE.format(told=told)
        return int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout)

    assert left(told=True) < 5 < 50 < left(told=False)
