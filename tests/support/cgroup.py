"""Bounds that the kernel holds for a process and its children: memory, and a share of the processors.

Version 1 of cgroups (a folder for each controller) and version 2 (one folder for all) are used where this user may
write to them. Elsewhere, as in most containers, there is no bound, and a test says so instead of passing by it.
Source: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html and .../cgroup-v2.html.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.waiting import until

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000
Confine = Callable[[int], None]
"""Put the process of that id, and what it starts from then on, under the bound."""


@contextmanager
def memory_bound(limit_bytes: int) -> Iterator[Confine | None]:
    """Bound resident memory and page cache together; what exceeds it is killed. None: cannot be had here."""
    values = [("memory.limit_in_bytes", str(limit_bytes)), ("memory.max", str(limit_bytes))]
    with _bound("memory", values) as confine:
        yield confine


@contextmanager
def cpu_bound(cores: float) -> Iterator[Confine | None]:
    """Bound the time on all processors together to `cores` of one. None: cannot be had here."""
    quota = str(round(cores * _PERIOD_US))
    values = [("cpu.cfs_quota_us", quota), ("cpu.max", f"{quota} {_PERIOD_US}")]
    with _bound("cpu", values) as confine:
        yield confine


@contextmanager
def _bound(controller: str, values: list[tuple[str, str]]) -> Iterator[Confine | None]:
    folder = _make(controller, values)
    if folder is None:
        yield None
        return

    def confine(process: int) -> None:
        (folder / "cgroup.procs").write_text(str(process))

    try:
        yield confine
    finally:
        until("the bounded processes to be gone", lambda: _removed(folder))


def _make(controller: str, values: list[tuple[str, str]]) -> Path | None:
    for parent in (_own_folder(controller), _ROOT / controller, _own_folder(""), _ROOT):
        folder = parent / f"listings-test-{secrets.token_hex(4)}"
        try:
            folder.mkdir()
        except OSError:
            continue
        for name, value in values:
            with suppress(OSError):
                if (folder / name).exists():
                    (folder / name).write_text(value)
                    return folder
        folder.rmdir()
    return None


def _own_folder(controller: str) -> Path:
    """Where this process is: a folder below it needs no right beyond it."""
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return _ROOT / controller / path.lstrip("/")
    return _ROOT / controller


def _removed(folder: Path) -> bool:
    """A group can only be removed once its last process is gone."""
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()
