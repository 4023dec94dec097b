"""What log lines hold, and what they must never hold."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from app.errors import FailureCode, Transient
from app.observability.logs import configure_logs

SECRET = "hunter2"
PAYLOAD = "WVWZZZ1JZXW000001"
APP = Path(__file__).parents[3] / "app"


class Lines:
    """What was written to standard error so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._read = ""

    def text(self) -> str:
        self._read += self._capsys.readouterr().err
        return self._read

    def as_json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """Logging is as it was afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield Lines(capsys)
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def fail() -> None:
    password, listing = SECRET, {"vin": PAYLOAD}
    try:
        int(listing["vin"])
    except ValueError as error:
        error.add_note(f"of {PAYLOAD}")
        raise RuntimeError(f"while handling {listing} with {password}") from error


def log_a_failure(logger: str) -> None:
    try:
        fail()
    except RuntimeError as error:
        structlog.get_logger(logger).error("unexpected_failure", record="listing-files/3/41", exc_info=error)
        logging.getLogger("aiokafka").error("library failed", exc_info=error)


def test_an_event_is_one_line_of_json_with_its_fields(lines: Lines) -> None:
    configure_logs("json", "info")
    structlog.get_logger("listings.one").info("file_processed", listing_file="b/ä\n.csv", code=FailureCode.FILE_BROKEN)
    (line,) = lines.as_json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert line == {
        "event": "file_processed",
        "logger": "listings.one",
        "level": "info",
        "listing_file": "b/ä\n.csv",
        "code": "file_broken",
    }


def test_a_traceback_says_where_and_nothing_of_what(lines: Lines) -> None:
    configure_logs("json", "info")
    log_a_failure("listings.two")
    assert SECRET not in lines.text()
    assert PAYLOAD not in lines.text()
    for line in lines.as_json():
        outer, inner = line["exception"]
        assert (outer["type"], inner["type"]) == ("RuntimeError", "ValueError")
        assert (outer["message"], inner["message"]) == (None, None)
        assert outer["frames"][-1].endswith(" fail")


def test_a_traceback_on_a_terminal_does_not_say_more(lines: Lines) -> None:
    configure_logs("console", "info")
    log_a_failure("listings.three")
    assert SECRET not in lines.text()
    assert PAYLOAD not in lines.text()
    assert "RuntimeError" in lines.text()
    assert "caused by ValueError" in lines.text()
    assert "test_logs.py" in lines.text()


def test_our_own_errors_and_those_of_the_system_are_told(lines: Lines) -> None:
    configure_logs("json", "info")
    try:
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as error:
            raise Transient(FailureCode.FETCH_FAILED, "the store refused") from error
    except Transient as error:
        structlog.get_logger("listings.four").error("file_failed", exc_info=error)
    (line,) = lines.as_json()
    assert [part["message"] for part in line["exception"]] == ["the store refused", "[Errno 111] Connection refused"]


def test_a_chain_that_bites_its_tail_ends(lines: Lines) -> None:
    configure_logs("json", "info")
    first, second = KeyError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    structlog.get_logger("listings.five").error("unexpected_failure", exc_info=first)
    (line,) = lines.as_json()
    assert [part["type"] for part in line["exception"]] == ["KeyError", "ValueError"]


def test_no_escape_sequence_of_a_field_reaches_the_terminal(lines: Lines) -> None:
    configure_logs("console", "info")
    structlog.get_logger("listings.six").error(
        "dead_letter", reason="\x1b[2J\x9b31m\r\nfaked line", file="a\x1b]0;x\x07b"
    )
    assert not set("\x1b\x9b\r\x07") & set(lines.text())
    assert len(lines.text().splitlines()) == 1


def test_libraries_are_heard_from_a_warning_on(lines: Lines) -> None:
    configure_logs("json", "info")
    for name in ("aiokafka.consumer", "mode.worker", "faust.app", "opensearch"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble")
    assert [line["event"] for line in lines.as_json()] == ["trouble"] * 4


@pytest.mark.parametrize(("level", "events"), [("debug", ["a", "b"]), ("info", ["b"]), ("error", [])])
def test_the_level_is_the_one_that_was_set(lines: Lines, level: str, events: list[str]) -> None:
    configure_logs("json", level)
    log = structlog.get_logger(f"listings.level.{level}")
    log.debug("a")
    log.info("b")
    assert [line["event"] for line in lines.as_json()] == events


def test_without_a_terminal_lines_are_json(lines: Lines) -> None:
    configure_logs("auto", "info")
    structlog.get_logger("listings.seven").info("worker_started")
    assert [line["event"] for line in lines.as_json()] == ["worker_started"]


def test_every_event_has_a_static_name_in_snake_case() -> None:
    calls = [call for path in sorted(APP.rglob("*.py")) for call in _log_calls(path)]
    assert len(calls) > 10
    for place, first in calls:
        # One of two names is as good as one.
        names = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
        for name in names:
            assert isinstance(name, ast.Constant), f"{place}: the event is made at run time"
            assert re.fullmatch(r"[a-z]+(_[a-z]+)+", str(name.value)), f"{place}: {name.value!r}"


def _log_calls(path: Path) -> Iterator[tuple[str, ast.expr | None]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "log"
            and node.func.attr in ("debug", "info", "warning", "error", "critical", "exception")
        ):
            yield f"{path.name}:{node.lineno}", node.args[0] if node.args else None
