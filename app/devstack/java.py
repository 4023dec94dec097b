"""Finding a Java that is new enough: in JAVA_HOME, then where Debian keeps its JVMs, then on the PATH."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.devstack.versions import JAVA_AT_LEAST
from app.errors import FailureCode, OperatorError

_DEBIAN = Path("/usr/lib/jvm")
_VERSION = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)', re.MULTILINE)
_SPOKEN = re.compile(r'version "(?:1\.)?(\d+)')


def find_java(environ: Mapping[str, str] | None = None, installed: Path = _DEBIAN) -> Path:
    """The `java` command of the first Java found that is at least `JAVA_AT_LEAST`.

    `OperatorError(PREREQUISITE_MISSING)` names those that were too old.
    """
    environ = os.environ if environ is None else environ
    too_old: list[str] = []
    for command in _candidates(environ, installed):
        version = _version(command)
        if version >= JAVA_AT_LEAST:
            return command
        if version:
            too_old.append(str(version))
    found = f" (found: {', '.join(sorted(set(too_old)))})" if too_old else ""
    raise OperatorError(
        FailureCode.PREREQUISITE_MISSING,
        f"the servers need Java {JAVA_AT_LEAST} or newer{found}: install a JDK and set JAVA_HOME, "
        "or run `docker compose up`, which does the same with Docker",
    )


def _candidates(environ: Mapping[str, str], installed: Path) -> Iterator[Path]:
    if home := environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if installed.is_dir():
        homes = [home / "bin" / "java" for home in sorted(installed.iterdir()) if home.is_dir()]
        yield from sorted(homes, key=_version, reverse=True)
    if on_path := shutil.which("java", path=environ.get("PATH")):
        yield Path(on_path)


def _version(command: Path) -> int:
    """The major version; 0 when it is no working Java."""
    if not command.is_file():
        return 0
    release = command.resolve().parent.parent / "release"
    if release.is_file() and (match := _VERSION.search(release.read_text(encoding="utf-8"))):
        return int(match[1])
    try:
        spoken = subprocess.run(  # noqa: S603 - a java command that was just found
            [command, "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = _SPOKEN.search(spoken.stderr)
    return int(match[1]) if match else 0
