"""Words of the enumerated fields that common words leave out, since they mean two things somewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from app.ops.feeds_guess.dates import Options
from app.pipeline.values.words import fold_word, read_word

_TWO_MEANINGS: dict[str, dict[str, str]] = {
    "fuel_type": {
        "el": "electric", "газ": "lpg", "gaz": "lpg", "plin": "lpg", "plyn": "lpg", "газ бензин": "lpg",
        "бензин газ": "lpg",
        "nafta": "diesel",
    },
    "body_type": {"karavan": "wagon"},
    "transmission": {"estandar": "manual", "standard": "manual", "standart": "manual"},
}  # fmt: skip
"""Field → folded word → what it means most often."""
_NOT_ENGLISH: dict[str, dict[str, str]] = {"fuel_type": {"gas": "lpg", "gas fuel": "lpg"}}
"""The same, for words that English has in another meaning, where the names of the columns are not English."""
_YES = ("true", "yes", "1", "y", "t")
_NO = ("false", "no", "0", "n", "f")
_PLAIN_ANSWERS = {"true", "yes", "1", "false", "no", "0"}
_CERTIFIED = (
    "certified",
    "is certified",
    "certified pre owned",
    "cpo",
    "is cpo",
    "certified preowned",
    "dealer certified",
)


def word_options(target: str, texts: Sequence[str], english: bool) -> tuple[Options, list[str]]:
    """The words of two meanings that stand in a column, each with the likelier one, and a doubt."""
    foreign = {} if english else _NOT_ENGLISH.get(target, {})
    table = _TWO_MEANINGS.get(target, {}) | foreign
    values: dict[str, str] = {}
    for text in texts:
        word = fold_word(text)
        if word in table and (word in foreign or read_word(target, text, {}) is None):
            values.setdefault(text, table[word])
    doubts = [f"doubtful: {word} taken for {value}" for word, value in values.items()]
    return ({"values": values} if values else {}), doubts


def says_certified(name: str) -> bool:
    """Whether a folded name asks if a used car is certified."""
    return name in _CERTIFIED


def certified_options(texts: Collection[str]) -> Options | None:
    """The options with which a yes is a certified used car and a no says nothing; None for other answers."""
    words = dict.fromkeys(texts)
    if not words or any(word.strip().casefold() not in _PLAIN_ANSWERS for word in words):
        return None
    yes = {word: "cpo" for word in words if word.strip().casefold() in _YES}
    no = [word for word in words if word.strip().casefold() in _NO]
    return {**({"values": yes} if yes else {}), **({"ignore": no} if no else {})} if yes else None
