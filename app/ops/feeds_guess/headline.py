"""Make, model and year out of a headline, for senders who have no columns for them. All of it is doubtful."""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.ops.feeds_guess.names import score
from app.ops.feeds_guess.records import Guess, Records
from app.ops.feeds_guess.words.makes import MAKES

_ENOUGH = 0.25
_FILLED = 0.95
_LONGEST = 300
_MAKES = "|".join(sorted(MAKES.split("|"), key=len, reverse=True)).replace("_", "[ -]")
_HEADLINE = (
    rf"(?i)(?:\b(?P<year>(?:19[5-9]|20[0-4])\d)\s*|^|[^a-z])(?P<make>{_MAKES})[\s*_-]+(?P<model>[^\s,|/*_()]+)"
    r"(?:[\s_](?P<trim>[^,|]{1,60}))?"
)
_YEAR_BEHIND = r"(?P<year>\b(?:19[5-9]|20[0-4])\d\b)"


def guess_headline(records: Records, found: dict[str, Guess]) -> dict[str, tuple[str, str]]:
    """The parts of a headline (name → column and pattern), and in `found` the rules for what has no column, or
    whose column is often empty; none when nothing is missing, or nothing can be told."""
    missing = [name for name in ("make", "model", "year") if _is_missing(records, found, name)]
    best = max(records.values, key=lambda path: _rating(records, path), default=None)
    if not {"make", "model"} & set(missing) or best is None or _rating(records, best) < _ENOUGH:
        return {}
    if "trim" not in found and "model" not in found:
        missing.append("trim")
    parts, sources = {"headline": (best, _HEADLINE)}, {name: f"$headline.{name}" for name in missing}
    if "year" in missing and not any(match["year"] for match in _matches(records, best)):
        if records.share(best, re.compile(f".*{_YEAR_BEHIND}.*", re.DOTALL)) < _ENOUGH:
            del sources["year"]
        else:
            parts["when"], sources["year"] = (best, _YEAR_BEHIND), "$when.year"
    for name, source in sources.items():
        rule = found.setdefault(name, Guess(name, []))
        rule.sources.append(source)
        rule.doubts.append(f"doubtful: read from {best}{' where it is empty' if len(rule.sources) > 1 else ''}")
    return parts


def _is_missing(records: Records, found: Mapping[str, Guess], name: str) -> bool:
    if name == "year" and "first_registration" in found:
        return False
    return name not in found or records.filled(found[name].sources[0]) < _FILLED


def _matches(records: Records, path: str) -> list[re.Match[str]]:
    return [match for text in records.values[path] if len(text) < _LONGEST and (match := re.search(_HEADLINE, text))]


def _rating(records: Records, path: str) -> float:
    """The share of records with a make and a model there; a little more for what is called a title."""
    texts = records.values[path]
    if not texts or "://" in texts[0]:
        return 0
    return len(_matches(records, path)) / len(records.rows) + score("title", path) / 1000
