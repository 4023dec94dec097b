"""Commands as a person, or a script, runs them: arguments in, exit code and both outputs out."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from app.cli import main

DANGEROUS = {chr(code) for code in (*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F))}
"""Characters that no output may hold when others wrote what it tells; a line break ends a line of ours."""


class Run(NamedTuple):
    exit_code: int | str | None
    out: str
    err: str


class Commands:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Run:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        captured = self._capsys.readouterr()
        return Run(exit_.value.code, captured.out, captured.err)
