"""Stops a stack when the process that wanted it dies without a word: `kill -9`, a crash, a closed terminal.

The guard runs in a session of its own and reads a pipe that only its owner holds open. A line "release" means
that the stack is to stay or is already down; the end of the pipe without it means that the owner is gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_RELEASE = b"release\n"
_PROJECT = Path(__file__).resolve().parents[2]


class Guard:
    """The owner's side."""

    def __init__(self, root: Path, name: str, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - this module
                [sys.executable, "-m", __name__, str(root), name],
                env={**os.environ, "PYTHONPATH": str(_PROJECT)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def release(self) -> None:
        """Send the guard home; returns when it is gone. A second call does nothing."""
        try:
            self._process.communicate(_RELEASE, timeout=60)
        except (BrokenPipeError, ValueError):
            self._process.wait(60)


def main(root: str, name: str) -> None:
    if sys.stdin.buffer.readline() == _RELEASE:
        return
    from app.devstack.stack import Stack  # only now: a guard that has nothing to do costs nothing

    Stack(Path(root), name).down()


if __name__ == "__main__":
    main(*sys.argv[1:])
