"""From a sender's word to the value of an enumerated field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from app.pipeline.values.text import fold
from app.pipeline.values.word_tables import TABLES
from app.pipeline.values.word_tables_more import MORE_TABLES

_LONGEST_WORD = 120


@lru_cache(maxsize=8192)
def fold_word(text: str) -> str:
    """How table words are compared: no case, no accents, what separates words is one blank; a schema.org address is
    its last part."""
    if text.startswith(("http://", "https://")):
        text = text.rstrip("/#").rpartition("/")[2]
    return fold(text).replace("-", " ")


def _table(words: Mapping[StrEnum, str]) -> dict[str, StrEnum]:
    table = {fold_word(word): value for value, line in words.items() for word in line.split("|")}
    return table | {fold_word(value): value for value in type(next(iter(words)))}


WORDS: dict[str, dict[str, StrEnum]] = {
    field: _table(MORE_TABLES.get(field, {})) | _table(words) for field, words in TABLES.items()
}
"""By field: folded word → value."""


def read_word(field: str, text: str, table: Mapping[str, StrEnum | None], use_words: bool = True) -> StrEnum | None:
    """The value that `text` stands for: by the sender's own table first (folded keys), then by the common words."""
    if len(text) > _LONGEST_WORD:
        return None
    word = fold_word(text)
    if word in table:
        return table[word]
    found = WORDS[field].get(word) if use_words else None
    return found if found is not None or not use_words else _speeds(field, word)


_SPEEDS = re.compile(r"(?:[0-9]{1,2} ?(?:speed|spd|gang|sp) )?(manual|automatic|auto|cvt|dct)\b.*")


def _speeds(field: str, word: str) -> StrEnum | None:
    """ "8 speed automatic with overdrive" is an automatic."""
    if field != "transmission" or (found := _SPEEDS.fullmatch(word)) is None:
        return None
    return WORDS[field].get(found[1])
