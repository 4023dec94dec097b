"""How `listings feeds check` shows what a profile makes of a file."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.output import console, print_fields, print_table
from app.errors import Problem
from app.observability.terminal import plain
from app.ops.feeds_check import Check, CheckedField, CheckedRecord, Reason

_EXAMPLE_LENGTH = 60
_VALUE_LENGTH = 160
_SENT_LENGTH = 40
_UNUSED_SHOWN = 40


def show_check(check: Check, name: str) -> None:
    """The account, the first records field by field, what was refused and why, flags, and unused columns."""
    print_fields({"file": name, "format": check.format, "profile": check.profile or "none: our own field names"})
    out = console()
    out.print(_account(check))
    for record in check.records:
        _show_record(out, record)
    for record in check.rejects:
        _show_reject(out, record)
    _show_reasons(out, check)
    _show_flags(out, check)
    _show_unused(out, check)
    if check.failure is not None:
        out.print()
        out.print(Text(f"The file is refused: {check.failure.code}: {plain(check.failure.message)}", style="bold red"))


def _account(check: Check) -> Text:
    parts = [
        (f"read {check.read:,}", "bold"),
        (f"would be indexed {check.indexed:,}", "green" if check.indexed else ""),
        (f"rejected {check.rejected:,}", "bold red" if check.rejected else ""),
        (f"older than another of the file {check.older:,}" if check.older else "", ""),
        (f"blank {check.blank:,}" if check.blank else "", "dim"),
        (f"with a doubt {check.flagged:,}" if check.flagged else "", "yellow"),
    ]
    return Text("\n").append_text(Text("   ").join(Text(text, style=style) for text, style in parts if text))


def _place(record: CheckedRecord | Reason) -> str:
    number = record.number if isinstance(record, CheckedRecord) else record.record
    return f"record {number:,}" if record.line is None else f"record {number:,}, line {record.line:,}"


def _show_record(out: Console, record: CheckedRecord) -> None:
    out.print(Text(f"\n{_place(record)}", style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    table.add_column(overflow="fold", style="dim", ratio=1)
    for found in record.fields:
        table.add_row(Text(found.name), Text(_shown(found.value), style="green"), Text(_origin(found)))
    if record.quality:
        table.add_row(Text("quality"), Text(", ".join(record.quality), style="yellow"), Text(""))
    out.print(table)


def _shown(value: object) -> str:
    text = plain(", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return text if len(text) <= _VALUE_LENGTH else f"{text[:_VALUE_LENGTH]} … ({len(text):,} characters)"


def _origin(found: CheckedField) -> str:
    told = [f"{name}: {_cut(text)}" if text != str(found.value) else name for name, text in found.made_from[:4]]
    more = len(found.made_from) - len(told)
    return plain("← " + ", ".join(told) + (f" and {more} more" if more else "")) if told else ""


def _cut(text: str) -> str:
    return text if len(text) <= _SENT_LENGTH else f"{text[:_SENT_LENGTH]}…"


def _show_reject(out: Console, record: CheckedRecord) -> None:
    named = f" ({plain(record.source_listing_id)})" if record.source_listing_id else ""
    out.print(Text(f"\n{_place(record)}{named} is refused", style="bold red"))
    for problem in record.problems:
        out.print(Text(f"  {plain(str(problem))}"))


def _show_reasons(out: Console, check: Check) -> None:
    if not check.reasons:
        return
    out.print(Text("\nWhy records are refused\n", style="bold"))
    reasons = sorted(check.reasons.values(), key=lambda reason: -reason.count)
    rows = [(r.count, r.problem.code, r.problem, _place(r)) for r in reasons[:20]]
    print_table(("records", "code", "reason", "first at"), rows, right=["records"])


def _show_flags(out: Console, check: Check) -> None:
    if check.flags:
        out.print(Text("\nDoubts\n", style="bold"))
        print_table(
            ("listings", "flag"), [(count, flag) for flag, count in check.flags.most_common()], right=["listings"]
        )


def _show_unused(out: Console, check: Check) -> None:
    if not check.unused:
        return
    out.print(Text("\nColumns that nobody uses\n", style="bold"))
    rows = [(seen.path, seen.filled, _short(seen.examples)) for seen in check.unused[:_UNUSED_SHOWN]]
    print_table(("column", "records", "for example"), rows, right=["records"])
    if len(check.unused) > _UNUSED_SHOWN:
        out.print(f"… and {len(check.unused) - _UNUSED_SHOWN:,} more; --output json has them all", style="dim")


def _short(examples: Sequence[str]) -> str:
    text = " | ".join(" ".join(example.split()) for example in examples)
    return text if len(text) <= _EXAMPLE_LENGTH else text[:_EXAMPLE_LENGTH] + "…"


def check_json(check: Check) -> dict[str, object]:
    """All of it as plain values."""
    failure = check.failure
    return {
        "profile": check.profile,
        "format": check.format,
        "read": check.read,
        "indexed": check.indexed,
        "rejected": check.rejected,
        "older": check.older,
        "blank": check.blank,
        "flagged": check.flagged,
        "failure": None if failure is None else {"code": failure.code, "message": failure.message},
        "records": list(map(_record_json, check.records)),
        "rejects": list(map(_record_json, check.rejects)),
        "reasons": [
            {"count": r.count, **_problem_json(r.problem), "first_record": r.record, "first_line": r.line}
            for r in check.reasons.values()
        ],
        "flags": dict(check.flags),
        "unused": [{"column": u.path, "records": u.filled, "examples": u.examples} for u in check.unused],
    }


def _record_json(record: CheckedRecord) -> dict[str, object]:
    place: dict[str, object] = {"record": record.number, "line": record.line}
    if record.problems:
        problems = list(map(_problem_json, record.problems))
        return place | {"source_listing_id": record.source_listing_id, "problems": problems}
    fields = {f.name: {"value": f.value, "from": dict(f.made_from)} for f in record.fields}
    return place | {"fields": fields, "quality": list(record.quality)}


def _problem_json(problem: Problem) -> dict[str, object]:
    return {"code": problem.code, "field": problem.field, "expected": problem.expected, "got": problem.got}
