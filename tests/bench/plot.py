"""Draws the results: what was reached beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt  # the backend has to be chosen first

# name in the results, title, unit, the bar, and whether more is better (DESIGN.md, section 7)
_BARS: tuple[tuple[str, str, str, float, bool], ...] = (
    ("ratio", "of the bare _bulk ceiling", "", 0.6, True),
    ("single_listing_files_per_s", "files of one listing", "/s", 700, True),
    ("python_us_per_listing", "Python per listing", "µs", 20, False),
    ("searchable_p50_s", "upload → found, p50", "s", 0.8, False),
    ("searchable_p99_s", "upload → found, p99", "s", 2.0, False),
    ("poison_p50_ratio", "p50 with 5 % poison / clean", "", 1.2, False),
    ("rss_growth_mb", "growth for a 1 GB file", "MiB", 200, False),
    ("slow_fetch_s", "1,000 fetches of 2 s", "s", 30, False),
)


def draw(results: Mapping[str, object], path: Path) -> None:
    """One row a figure: a bar as a share of what was asked for; green reached, red not."""
    rows = [(bar, float(str(results[bar[0]]))) for bar in _BARS if bar[0] in results]
    figure, axes = plt.subplots(figsize=(9, 0.7 * len(rows) + 1.2))
    for place, ((_, _, unit, wanted, more), value) in enumerate(rows):
        reached = value >= wanted if more else value <= wanted
        axes.barh(place, value / wanted, color="#2e7d32" if reached else "#c62828", height=0.55)
        sign = "≥" if more else "≤"
        axes.text(value / wanted + 0.02, place, f"{value:.3g} {unit}  (bar {sign} {wanted:g})", va="center", fontsize=9)
    axes.axvline(1.0, color="#444", linewidth=1, linestyle="--")
    axes.set_yticks(range(len(rows)), [bar[1] for bar, _ in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, max(value / bar[3] for bar, value in rows) * 1.45)
    axes.set_xlabel("measured / bar")
    axes.set_title(f"{results['machine']}, {results['measured_at']}", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
