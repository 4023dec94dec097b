"""`listings dlq`: look at dead letters; what is done about them is in modules of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import click
import orjson

from app.adapters.kafka_reader import KafkaReader
from app.cli.decoded import decoded
from app.cli.dlq_purge import command as purge
from app.cli.dlq_redrive import command as redrive
from app.cli.moment import MOMENT
from app.cli.output import brief, console, output_option, print_fields, print_json, print_table, to_the_second
from app.cli.place import PLACE, file_option, ranges_of
from app.errors import FailureCode, OperatorError, Rejected
from app.failures.headers import STORY_HEADERS, story_of
from app.model.source_record import SourceRecord
from app.model.topics import DEAD_LETTER_TOPIC
from app.ops.redrive import Choice
from app.settings import load_settings

_PREVIEW_BYTES = 300
_LOOKED_THROUGH = 10_000
"""Newest dead letters that are searched for those asked for; one flood must not hide the others."""


@click.group("dlq")
def command() -> None:
    """Dead letters: records that failed for good, with their bytes unchanged and their story in the headers."""


@command.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="The newest N.")
@click.option("--code", metavar="CODE", type=click.Choice(list(map(str, FailureCode))), help="Only this failure code.")
@file_option
@click.option("--since", type=MOMENT, help="Only those dead-lettered at this time or later (2026-11-24T10:00Z, 6h).")
@output_option
def list_dead_letters(
    limit: int, code: str | None, file_prefix: str | None, since: datetime | None, output: str
) -> None:
    """The newest dead letters, newest first."""
    choice = Choice(None if code is None else FailureCode(code), file_prefix, since)
    filtered = choice != Choice()
    with KafkaReader(load_settings().kafka) as reader:
        newest = reader.newest(
            DEAD_LETTER_TOPIC,
            max(limit, _LOOKED_THROUGH) if filtered else limit,
            lambda record: describe(record) if choice.holds(record) else None,
        )
    letters = [letter for letter in newest if letter is not None][:limit]
    if output == "json":
        print_json(letters)
        return
    if not letters:
        console().print(f"None of the newest {len(newest):,} dead letters matches." if filtered else "No dead letters.")
        return
    columns = ["place", "at", "code", "attempts", "file", "record", "reason"]
    rows = [[brief(letter[c]) if c == "reason" else letter[c] for c in columns] for letter in letters]
    print_table(columns, rows, right=["attempts", "record"])
    console().print(f"\nLook closer: listings dlq show {letters[0]['place']}", style="dim")


@command.command("show")
@click.argument("place", metavar="PARTITION/OFFSET", type=PLACE)
@output_option
def show(place: tuple[int, int], output: str) -> None:
    """One dead letter: where it came from, why it failed, what it holds."""
    settings = load_settings()
    with KafkaReader(settings.kafka) as reader:
        (span,) = ranges_of([place], reader.watermarks(DEAD_LETTER_TOPIC))
        record = next(reader.read(DEAD_LETTER_TOPIC, span), None)
    if record is None:
        raise OperatorError(FailureCode.COMMAND_FAILED, f"there is no dead letter {place[0]}/{place[1]} any more")
    letter = describe(record)
    headers = _other_headers(record, all_of_them="stage" not in letter)
    told = decoded(settings, record.value)
    if output == "json":
        print_json(letter | {"producer_headers": headers, "value": _preview(record.value), "decoded": told})
        return
    shown = ", ".join(f"{name}={value}" for name, value in headers.items())
    fields = letter | {"producer_headers": shown or None}
    if told is None or isinstance(told, str):
        fields["value"] = _preview(record.value)
    if told is not None:
        fields["decoded"] = told if isinstance(told, str) else _as_text(told)
    print_fields(fields)


def describe(record: SourceRecord) -> dict[str, object]:
    """A dead letter as plain values; one without readable headers is shown all the same."""
    letter: dict[str, object] = {"place": f"{record.partition}/{record.offset}", "at": _time(record.timestamp_ms)}
    content = {
        "key": None if record.key is None else record.key.decode(errors="replace"),
        "bytes": len(record.value or b""),
    }
    try:
        story = story_of(record)
    except Rejected as error:
        unknown = {"code": error.code, "attempts": None, "file": None, "record": None, "reason": error.message}
        return letter | unknown | content
    told = {
        "code": story.code,
        "kind": story.kind,
        "stage": story.stage,
        "attempts": story.attempts,
        "file": story.listing_file,
        "record": story.listing_record,
        "reason": story.message,
        "exception": story.exception,
        "origin": f"{story.origin.topic}/{story.origin.partition}/{story.origin.offset}",
        "first_failed_at": story.first_at.isoformat(),
        "last_failed_at": story.last_at.isoformat(),
    }
    return letter | told | content


def _time(timestamp_ms: int) -> str | None:
    """None for a timestamp that is none: whoever writes the record sets it."""
    try:
        return to_the_second(datetime.fromtimestamp(timestamp_ms / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _other_headers(record: SourceRecord, all_of_them: bool) -> dict[str, str]:
    """The producer's headers; all of them when the story they should tell can not be read."""
    return {
        name.encode(errors="surrogateescape").decode(errors="backslashreplace"): value.decode(errors="replace")
        for name, value in record.headers.items()
        if all_of_them or name not in STORY_HEADERS
    }


def _as_text(record: Mapping[str, object]) -> str:
    """The fields that say something, on one line."""
    told = {name: value for name, value in record.items() if value is not None}
    return orjson.dumps(told, default=str, option=orjson.OPT_UTC_Z).decode()


def _preview(value: bytes | None) -> str | None:
    if value is None:
        return None
    shown = value[:_PREVIEW_BYTES].decode(errors="backslashreplace")
    printable = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in shown)
    return printable + (" …" if len(value) > _PREVIEW_BYTES else "")


command.add_command(redrive)
command.add_command(purge)
