"""What fuzzing found: kept for good, one file each, with the name that leads the input in front of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.fuzz.inputs import Input

CORPUS = Path(__file__).parent / "findings"


def findings(target: str) -> list[Input]:
    """All that was ever found for a target."""
    return [read(path) for path in sorted((CORPUS / target).glob("*.bin"))]


def read(path: Path) -> Input:
    name, _, data = path.read_bytes().partition(b"\n")
    return Input(name.decode(), data)


def keep(target: str, case: Input) -> Path:
    """Write a finding; the same one again is the same file."""
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(case.data).hexdigest()[:16]}.bin"
    path.write_bytes(case.name.encode() + b"\n" + case.data)
    return path
