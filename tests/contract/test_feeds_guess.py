"""A guessed profile for every file of ours, and every collected sample: it loads, reads, and maps what is required."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.adapters.profile_files import load_profile
from app.ops.feeds_check import check_file
from app.ops.feeds_guess import guess_profile
from tests.support.limits import limits
from tests.support.mapping import NOW

PROJECT = Path(__file__).resolve().parents[2]
FIXTURES = PROJECT / "tests" / "fixtures"
SAMPLES = PROJECT.parent / "shared" / "feeds" / "files"
FILES = sorted((*(FIXTURES / "feeds").iterdir(), *(FIXTURES / "well-known").iterdir()))
COLLECTED = sorted(SAMPLES.iterdir()) if SAMPLES.is_dir() else []

LACKING = {
    "autoscout24_challenge": {"model", "year"},
    "cars_com_keyed_object": {"make", "model", "year"},
    "craigslist_kaggle_sparse": {"make", "model", "year"},
    "uk_focus_unclean": {"make"},
}
"""What a file has no column for."""
SHARE = {
    "ebay_de_autos": 0.3, "craigslist_nj": 0.5, "nigeria_naira": 0.4, "topannonces_fr": 0.6, "craigslist_kaggle": 0.5,
    "br_estoque": 0.5, "autoscout24_nl_search": 0.6,
}  # fmt: skip
"""Of the records that are indexed by a first guess, where some are no vehicles, or say too little; else 95 %."""


def of(path: Path, table: dict[str, object]) -> object:
    return next((value for name, value in table.items() if name in path.name), None)


@pytest.mark.parametrize("path", [*FILES, *COLLECTED], ids=lambda path: path.name)
def test_a_first_guess_is_sensible(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    text = guess_profile(lambda: [content], path.name, limits())
    guessed = tmp_path / "guessed.yaml"
    guessed.write_text(text, encoding="utf-8")
    profile = load_profile(guessed)
    check = check_file([content], path.name, len(content), profile, limits=limits(), now=NOW, sender="x", keep=0)
    assert check.failure is None
    lacking = of(path, dict(LACKING)) or set()
    assert isinstance(lacking, set)
    mapped = set(profile.fields)
    assert {"make", "model"} - lacking <= mapped
    assert mapped & {"year", "first_registration"} or "year" in lacking
    for name in lacking - mapped:
        assert f"# {name}: no column found" in text
    share = of(path, dict(SHARE))
    if not lacking:
        assert check.indexed >= check.read * (share if isinstance(share, float) else 0.95)


def test_there_is_something_to_guess() -> None:
    assert len(FILES) > 25
