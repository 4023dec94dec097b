from __future__ import annotations

import os

import pytest

from tests.support.commands import Commands


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Runs `listings`, with no settings of this machine."""
    for name in [name for name in os.environ if name.upper().startswith("LISTINGS_")]:
        monkeypatch.delenv(name)
    return Commands(capsys)
