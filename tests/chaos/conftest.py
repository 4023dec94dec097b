"""Prints the account of all chaos runs at the end of the session."""

from __future__ import annotations

import pytest

from tests.chaos.report import REPORT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if REPORT.rows:
        terminalreporter.section("chaos")
        for line in REPORT.table():
            terminalreporter.line(line)
