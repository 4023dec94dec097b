"""Child processes that outlive this one, found again by pid and start time: no stranger is ever killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.devstack.extras import extra_missing

try:
    import psutil
except ModuleNotFoundError as error:
    raise extra_missing("psutil") from error

_SAME_START_S = 2.0
"""Two readings of one process's start may differ by this much, since the kernel derives it from the clock."""
_DATA_DIR = "LISTINGS_WORKER__DATA_DIR"
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Identity:
    """A process of this machine. The pid alone may long belong to somebody else."""

    pid: int
    started: float
    """Seconds since 1970."""

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Who has this pid now; `psutil.NoSuchProcess` when nobody has."""
        return cls(pid, psutil.Process(pid).create_time())


def spawn(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, log: Path) -> Identity:
    """Start a process in a session of its own, so that Ctrl-C in our terminal does not reach it.

    Its output is appended to `log`; `environment` is added to ours.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - the command is built from pinned artifacts
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[child.pid] = child
    return Identity.of(child.pid)


def run(command: Sequence[str | Path], environment: Mapping[str, str], timeout_s: float = 30.0) -> str | None:
    """Run a short command to its end; None when that went well, else what it said."""
    try:
        ended = subprocess.run(  # noqa: S603 - as for `spawn`
            [str(part) for part in command],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if not ended.returncode:
        return None
    return (ended.stderr or ended.stdout).strip() or f"it ended with code {ended.returncode}"


def listens(identity: Identity, port: int) -> bool:
    """Whether this process itself accepts connections at the port."""
    process = find(identity)
    try:
        connections = () if process is None else process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr[1:2] == (port,) for one in connections)


def workers_of(data_dir: Path) -> list[Identity]:
    """Workers of this user that keep their data below `data_dir`, whoever started them."""
    found: list[Identity] = []
    for process in psutil.process_iter():
        try:
            told = process.environ().get(_DATA_DIR, "")
            if told and "worker" in process.cmdline() and Path(told).is_relative_to(data_dir):
                found.append(Identity(process.pid, process.create_time()))
        except (psutil.Error, OSError):
            continue
    return found


def named(port: int) -> str:
    """Who listens on a port of this machine, as far as it is known: name and process id."""
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr[1:2] == (port,) and one.pid is not None:
            try:
                return f"{psutil.Process(one.pid).name()}, process {one.pid}"
            except psutil.NoSuchProcess:
                break
    return "another program"


def find(identity: Identity) -> psutil.Process | None:
    """The living process of this identity; None when it ended or its pid is somebody else's now."""
    child = _children.get(identity.pid)
    if child is not None and child.poll() is not None:
        _children.pop(identity.pid, None)
        return None
    try:
        process = psutil.Process(identity.pid)
        if abs(process.create_time() - identity.started) > _SAME_START_S:
            return None
        # A child of ours is there until it can be waited for: threads of a killed one may still hold its port.
        return process if child is not None or process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def send(identity: Identity, number: signal.Signals) -> bool:
    """Send a signal; False when the process is gone."""
    process = find(identity)
    if process is None:
        return False
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True


def stop(identity: Identity, patience_s: float) -> bool:
    """SIGTERM, then SIGKILL after `patience_s`; a frozen process is woken first. False when it was killed."""
    send(identity, signal.SIGCONT)
    if not send(identity, signal.SIGTERM):
        return True
    if wait_gone(identity, patience_s):
        return True
    kill(identity)
    return False


def kill(identity: Identity) -> None:
    """SIGKILL, and wait until it is gone."""
    if send(identity, signal.SIGKILL):
        wait_gone(identity, 30.0)


def wait_gone(identity: Identity, timeout_s: float) -> bool:
    """Wait for the end of a process; False when it still runs after `timeout_s`."""
    process = find(identity)
    if process is None:
        return True
    try:
        process.wait(timeout_s)
    except psutil.TimeoutExpired:
        return False
    if (child := _children.pop(identity.pid, None)) is not None:
        child.wait()  # it is gone or about to be; this removes the last trace of it
    return True


def memory_bytes(identity: Identity) -> int | None:
    """What the process holds in memory now."""
    process = find(identity)
    try:
        return None if process is None else int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return None
