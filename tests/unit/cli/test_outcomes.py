"""`listings outcomes`, over outcomes as the index gives them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.adapters.opensearch.outcomes import OutcomeReader
from app.model.outcome import FileStatus
from tests.support.commands import DANGEROUS, Commands

ESCAPES = "\x1b[2J\x9b31m\r\n\u202e"
REJECTS = [
    {
        "record": 2,
        "line": 3,
        "source_listing_id": "id-2[red]",
        "problems": [
            {"code": "field_invalid", "field": "year", "expected": "a year", "got": "soon" + ESCAPES},
            {"code": "missing_required", "field": "make", "expected": "a value", "got": None},
        ],
    }
]


def outcome(**changed: Any) -> dict[str, Any]:
    return {
        "bucket": "cars",
        "key": "dealer/a.csv",
        "etag": "e",
        "size": 12_345,
        "uploaded_at": "2026-03-01T10:03:00Z",
        "processed_at": "2026-03-01T10:03:01.250000Z",
        "status": "indexed",
        "format": "csv",
        "profile": None,
        "read": 1500,
        "indexed": 1500,
        "stale": 0,
        "rejected": 0,
        "blank": 0,
        "flagged": 0,
        "bytes_read": 12_345,
        "attempts": 1,
        "failure_code": None,
        "failure_message": None,
        **changed,
    }


PARTLY = outcome(key="dealer/b.csv", status="partly_indexed", indexed=1400, rejected=100, rejects=REJECTS)
BROKEN = outcome(
    key="dealer/c" + ESCAPES + ".csv",
    status="rejected",
    failure_code="file_broken",
    failure_message="expected a comma [red](line 7)" + ESCAPES,
)


class Index:
    def __init__(self) -> None:
        self.holds = [BROKEN, PARTLY, outcome()]
        self.asked: list[tuple[object, ...]] = []


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Index:
    index = Index()

    async def list_outcomes(
        self: OutcomeReader, status: FileStatus | None = None, prefix: str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        index.asked.append((status, prefix, limit))
        return [{name: value for name, value in found.items() if name != "rejects"} for found in index.holds]

    async def get_outcome(self: OutcomeReader, bucket: str, key: str) -> dict[str, Any] | None:
        index.asked.append((bucket, key))
        return next((dict(found) for found in index.holds if (found["bucket"], found["key"]) == (bucket, key)), None)

    monkeypatch.setattr(OutcomeReader, "list_outcomes", list_outcomes)
    monkeypatch.setattr(OutcomeReader, "get_outcome", get_outcome)
    return index


@pytest.mark.usefixtures("index")
def test_the_list_is_a_line_a_file(run: Commands) -> None:
    code, out, _ = run("outcomes", "list")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["processed_at", "status", "read", "indexed", "stale", "rejected", "file", "why"]
    assert lines[3].split() == [
        "2026-03-01T10:03:01Z", "indexed", "1,500", "1,500", "0", "0", "cars/dealer/a.csv", "–",
    ]  # fmt: skip
    assert "outcomes show BUCKET/KEY" in lines[-1]


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("output", ["table", "json"])
def test_what_senders_wrote_is_shown_and_not_obeyed(run: Commands, output: str) -> None:
    texts = [
        run("outcomes", "list", "--output", output).out,
        run("outcomes", "show", f"cars/{BROKEN['key']}", "--output", output).out,
        run("outcomes", "show", "cars/dealer/b.csv", "--output", output).out,
    ]
    for text in texts:
        assert not DANGEROUS & set(text)
    assert "expected a comma [red](line 7)" in texts[1]
    assert "id-2[red]" in texts[2]


def test_options_become_the_question(run: Commands, index: Index) -> None:
    for name in ("--file", "--prefix"):
        run("outcomes", "list", "--status", "rejected", name, "dealer/", "--limit", "7")
    assert index.asked == [(FileStatus.REJECTED, "dealer/", 7)] * 2
    assert run("outcomes", "list", "--status", "fine").exit_code == 2


def test_none_is_said_as_such(run: Commands, index: Index) -> None:
    index.holds = []
    assert run("outcomes", "list").out.strip() == "No outcomes yet."
    assert run("outcomes", "list", "--prefix", "x").out.strip() == "No outcomes match."
    assert json.loads(run("outcomes", "list", "--output", "json").out) == []


@pytest.mark.usefixtures("index")
def test_one_file_is_shown_with_every_reason_of_its_rejects(run: Commands) -> None:
    code, out, _ = run("outcomes", "show", "cars/dealer/b.csv")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["indexed", "1,400"] in lines
    assert ["size", "12,345"] in lines
    header = lines.index(["record", "line", "listing", "field", "expected", "got"])
    assert lines[header + 1][:6] == ["2", "3", "id-2[red]", "year", "a", "year"]
    assert lines[header + 2] == ["2", "3", "id-2[red]", "make", "a", "value", "–"]
    assert "… and 99 more rejects" in out
    found = json.loads(run("outcomes", "show", "cars/dealer/b.csv", "--output", "json").out)
    assert found == PARTLY


def test_the_same_trouble_of_many_records_is_one_line(run: Commands, index: Index) -> None:
    rejects = [
        {
            "record": number,
            "line": number + 1,
            "source_listing_id": f"id-{number}",
            "problems": [{"field": field, "expected": "a value", "got": None} for field in ("make", "year")],
        }
        for number in range(1, 31)
    ]
    index.holds = [outcome(key="dealer/c.csv", rejected=30, rejects=rejects)]
    out = run("outcomes", "show", "cars/dealer/c.csv").out
    lines = [line for line in out.splitlines() if "a value" in line]
    assert [line.split("  ")[0] for line in lines] == ["1 and 29 more"] * 2
    assert len(json.loads(run("outcomes", "show", "cars/dealer/c.csv", "--output", "json").out)["rejects"]) == 30


def test_a_long_reason_is_shortened_in_the_list_and_whole_elsewhere(run: Commands, index: Index) -> None:
    reason = "expected " + "a comma " * 120
    index.holds = [outcome(key="dealer/c.csv", failure_message=reason)]
    (line,) = [line for line in run("outcomes", "list").out.splitlines() if "cars/dealer/c.csv" in line]
    assert line.endswith("…")
    assert len(line) < 300
    assert reason.strip() in run("outcomes", "show", "cars/dealer/c.csv").out
    assert json.loads(run("outcomes", "list", "--output", "json").out)[0]["failure_message"] == reason


@pytest.mark.usefixtures("index")
def test_a_file_without_an_outcome_is_told_with_what_to_look_at(run: Commands) -> None:
    code, out, err = run("outcomes", "show", "cars/dealer/none.csv")
    assert (code, out) == (1, "")
    assert "there is no outcome of cars/dealer/none.csv" in err
    assert "listings status" in err


def test_a_name_without_a_key_is_a_usage_error(run: Commands, index: Index) -> None:
    assert run("outcomes", "show", "cars").exit_code == 2
    assert run("outcomes", "show", "cars/").exit_code == 2
    assert index.asked == []


def test_flags_are_told_by_count_and_by_record(run: Commands, index: Index) -> None:
    unread = {"flag": "value_unread", "field": "price_amount", "got": "zwölftausend" + ESCAPES}
    told = [unread, {"flag": "vin_invalid", "field": "vin", "got": None}]
    record = {"record": 3, "line": 4, "source_listing_id": "id-3", "flags": told}
    index.holds = [outcome(flagged=7, flag_counts={"vin_invalid": 2, "value_unread": 7}, flags=[record])]
    out = run("outcomes", "show", "cars/dealer/a.csv").out
    assert not DANGEROUS & set(out)
    lines = [line.split() for line in out.splitlines()]
    counts = lines.index(["flag", "listings"])
    assert lines[counts + 1 : counts + 3] == [["value_unread", "7"], ["vin_invalid", "2"]]
    header = lines.index(["record", "line", "listing", "flag", "field", "got"])
    assert lines[header + 1][:5] == ["3", "4", "id-3", "value_unread", "price_amount"]
    assert lines[header + 2] == ["3", "4", "id-3", "vin_invalid", "vin", "–"]
    assert "… and 6 more flagged listings" in out
