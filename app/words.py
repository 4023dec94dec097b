"""Words that are data of the program, as its code is: `connectors/words/*.yaml`, each read once, when it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml

from app.errors import FailureCode, OperatorError

FOLDER = Path(__file__).resolve().parents[1] / "connectors" / "words"


@cache
def make_words() -> Mapping[str, Sequence[str]]:
    """The other names of each make, by its usual one; `OperatorError(DECLARATION_INVALID)` when it can not be read."""
    path = FOLDER / "makes.yaml"
    try:
        table: Mapping[str, Sequence[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OperatorError(
            FailureCode.DECLARATION_INVALID, f"{path}: expected the names of makes ({type(error).__name__})"
        ) from error
    return table
