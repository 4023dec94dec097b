"""A guessed profile as text, loaded, and tried on its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.adapters.profile_files import load_profile
from app.ops.feeds_check import Check, check_file
from app.ops.feeds_guess import guess_profile
from app.pipeline.profile import Profile
from tests.support.limits import limits
from tests.support.mapping import NOW


class Guessed:
    """What `listings feeds guess` makes of a file, and what `listings feeds check` makes of it then."""

    def __init__(self, folder: Path, content: bytes, name: str) -> None:
        self.text = guess_profile(lambda: [content], name, limits())
        path = folder / "guessed.yaml"
        path.write_text(self.text, encoding="utf-8")
        self.profile: Profile = load_profile(path)
        self.check: Check = check_file(
            [content], name, len(content), self.profile, limits=limits(), now=NOW, sender="me", keep=100
        )

    def sources(self, target: str) -> tuple[str, ...]:
        return self.profile.fields[target].source

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [{one.name: one.value for one in record.fields} for record in self.check.records]

    @property
    def columns(self) -> dict[str, str]:
        """Field → its first column."""
        return {target: rule.source[0] for target, rule in self.profile.fields.items() if rule.source}

    def doubts(self, target: str) -> list[str]:
        """The comments above a field's rule."""
        lines = self.text.partition("\nfields:\n")[2].splitlines()
        place = next(number for number, line in enumerate(lines) if line.startswith(f"  {target}: "))
        first = place
        while first and lines[first - 1].startswith("  #"):
            first -= 1
        return [line.removeprefix("  # ") for line in lines[first:place]]
