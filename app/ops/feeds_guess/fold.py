"""Column names as words: without case, accents and the signs between them."""

from __future__ import annotations

import re
from functools import lru_cache

from app.pipeline.values.text import fold

_CAMEL = re.compile(r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Ý])|(?<=[A-Z])(?=[A-Z][a-zà-ÿ])")
_NO_WORD = re.compile(r"[\W_]+")


@lru_cache(maxsize=8192)
def folded(name: str) -> str:
    """A column's name as words without case and accents."""
    spaced = _CAMEL.sub(" ", name.replace("kW", "KW").replace("'", ""))
    return " ".join(_NO_WORD.sub(" ", fold(spaced)).split())
