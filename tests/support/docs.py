"""`make docs`: writes the generated tables of the documentation anew, from the code that they describe.

A page marks their places; what stands between the marks is generated, everything else is written by hand:

    <!-- generated: NAME -->
    <!-- end -->
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import click
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from app.cli import NOUNS, cli
from app.errors import FailureCode
from app.model.listing import ALIASES, FIELDS, SENT, YEAR_MIN, Field, Quality
from app.observability import metrics
from app.ops.topics import TopicFile, load_topics
from app.pipeline.schema import expected
from app.settings import PREFIX, PathsSettings, Settings
from tests.support import docs_formats
from tests.support.docs_codes import MEANINGS
from tests.support.failure_table import MEANING, ROWS, Answer

PROJECT = Path(__file__).resolve().parents[2]
PAGES = (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")))
_PLACE = re.compile(r"(<!-- generated: ([a-z:]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_DAY_MS = 86_400_000
_FLOW = (
    "listing-uploads",
    "listing-files",
    "listings",
    "listing-retry",
    "listing-dlq",
    "listing-outcomes",
    "listing-skips",
)
_SIZES = ((1024**3, "GiB"), (1024**2, "MiB"))

CODE_GROUPS = {
    "skipped": "skipped",
    "record": "rejected: the record on the topic",
    "file": "rejected: the file",
    "listing": "rejected: one listing",
    "transient": "transient",
    "outage": "outage",
    "operator": "operator",
}
"""Name of a table → the comment in `FailureCode` that begins its codes."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells are Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


# -- what producers send, and what is made of it ---------------------------------------------------------------------


def fields() -> str:
    """Every field that may be sent."""
    rows = []
    for field in SENT:
        short = " or ".join(f"`{alias}`" for alias, name in ALIASES.items() if name == field.name)
        rows.append((f"`{field.name}`" + (f", or {short}" if short else ""), _taken(field), field.doc))
    return table(("Field", "Takes", "Meaning"), rows)


def _taken(field: Field) -> str:
    """What the field takes; where a rule goes beyond the field itself, the rule."""
    if field.name in ("title", "description"):
        return f"text; what is beyond {field.longest:,} characters is cut off"
    if field.name in ("year", "build_year"):
        return f"an integer from {YEAR_MIN} to next year"
    return expected(field)


def added() -> str:
    """Every field of a document that is made here."""
    return table(("Field", "Meaning"), ((f"`{field.name}`", field.doc) for field in FIELDS if not field.sent))


def quality() -> str:
    """The quality flags, with the words that stand below each in the code."""
    docs = dict(_member_docs(Quality))
    return table(("Flag", "Meaning"), ((f"`{flag}`", docs.get(flag.name, _spoken(flag))) for flag in Quality))


def _spoken(name: str) -> str:
    return f"{name.replace('_', ' ').capitalize()}."


def _member_docs(enum: type[StrEnum]) -> Iterator[tuple[str, str]]:
    """(name, text) of each member that is followed by a text."""
    (tree,) = ast.parse(inspect.getsource(enum)).body
    assert isinstance(tree, ast.ClassDef)
    for member, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(member, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            assert isinstance(member.targets[0], ast.Name)
            yield member.targets[0].id, " ".join(str(after.value.value).split())


def code_groups() -> dict[str, list[FailureCode]]:
    """The codes by the comment that stands above them in the code."""
    groups: dict[str, list[FailureCode]] = {}
    comment = ""
    for line in inspect.getsource(FailureCode).splitlines():
        if found := re.fullmatch(r"\s+# (.+)", line):
            comment = found[1]
        elif found := re.match(r"\s+([A-Z_]+) = ", line):
            groups.setdefault(comment, []).append(FailureCode[found[1]])
    return groups


def codes(name: str) -> str:
    """The codes of one group."""
    rows = ((f"`{code}`", *MEANINGS[code]) for code in code_groups()[CODE_GROUPS[name]])
    return table(("Code", "What happened", "What to do"), rows)


# -- what operators set, see and call --------------------------------------------------------------------------------


def settings() -> str:
    """Every variable, group by group."""
    rows: list[tuple[str, ...]] = []
    for group, declared in Settings.model_fields.items():
        model = declared.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for name, field in model.model_fields.items():
            variable = f"`{PREFIX}{group.upper()}__{name.upper()}`"
            rows.append((variable, _default(name, field), _takes(name, field), field.description or ""))
    return table(("Variable", "Default", "Takes", "Meaning"), rows)


def _default(name: str, field: FieldInfo) -> str:
    value: Any = field.default
    if value is None or value == "":
        return "–"
    if isinstance(value, Path):
        return f"`{value.relative_to(PROJECT) if value.is_absolute() else value}`"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    size = next(
        (f" ({value // unit} {word})" for unit, word in _SIZES if name.endswith("_bytes") and value >= unit), ""
    )
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`{size}"


def _takes(name: str, field: FieldInfo) -> str:
    bounds: dict[str, Any] = {}
    for rule in field.metadata:
        bounds |= {
            key: found for key in ("gt", "ge", "le", "pattern") if (found := getattr(rule, key, None)) is not None
        }
    if "pattern" in bounds:
        return ", ".join(f"`{choice}`" for choice in bounds["pattern"].strip("^$()").split("|"))
    marks = (("gt", ">"), ("ge", "≥"), ("le", "≤"))
    limits = ", ".join(f"{mark} {bounds[key]:g}" for key, mark in marks if key in bounds)
    return f"{_kind(name, field)} {limits}".rstrip()


def _kind(name: str, field: FieldInfo) -> str:
    kinds = str(field.annotation)
    if SecretStr.__name__ in kinds:
        return "secret text"
    if "Path" in kinds:
        return "path"
    if field.annotation is float:
        return "seconds" if name.endswith("_s") else "number"
    if field.annotation is int:
        return "bytes" if name.endswith("_bytes") else "whole number"
    return "text, comma separated" if isinstance(field.default, tuple) else "text"


def metric_table() -> str:
    """Every metric of `/metrics`."""
    rows = []
    for metric in declared_metrics():
        (family,) = metric.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "–"
        rows.append((f"`{name}`", family.type, labels, f"{family.documentation}."))
    return table(("Metric", "Type", "Labels", "Meaning"), rows)


def declared_metrics() -> list[MetricWrapperBase]:
    """The metrics in order of declaration."""
    return [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


def failures() -> str:
    """What is done about each fault; every row is provoked by a test."""
    rows = []
    for row in ROWS:
        code = "–" if row.seen.code is None else f"`{row.seen.code}`"
        rows.append((row.server, row.fault, _ANSWERS[row.seen.answer], code))
    return table(("Server", "What goes wrong", "What is done", "Code"), rows)


def answers() -> str:
    """What the answers of that table mean."""
    return table(("What is done", "That is"), ((_ANSWERS[answer], MEANING[answer]) for answer in Answer))


_ANSWERS = {
    Answer.SKIP: "skip",
    Answer.REJECT: "reject",
    Answer.RETRY: "retry",
    Answer.PAUSE: "pause",
    Answer.DONE: "done",
    Answer.AGAIN: "send again",
}


def topics() -> str:
    """The topics as declared."""
    return table(
        ("Topic", "Key", "Value", "What is on it", "Kept"),
        map(
            _topic_row, sorted(load_topics(PathsSettings().topics), key=lambda topic: _FLOW.index(topic.metadata.name))
        ),
    )


def _topic_row(topic: TopicFile) -> tuple[str, ...]:
    name = topic.metadata.name
    subject = f"{name}-value"
    value = topic.annotation("schema").replace(subject, f"[{subject}](schemas/avro/{subject}.avsc)")
    kept = f"{int(topic.spec.config['retention.ms']) // _DAY_MS} days"
    return (f"`{name}`", topic.annotation("key"), value, topic.annotation("purpose"), kept)


def commands() -> str:
    """Every command, with the first sentence of its help."""
    return table(("Command", "What it does"), _command_rows())


def _command_rows() -> Iterator[tuple[str, str]]:
    context = click.Context(cli)
    for noun in NOUNS:
        command = cli.get_command(context, noun)
        assert command is not None
        if isinstance(command, click.Group):
            for verb, inner in command.commands.items():
                yield f"`listings {noun} {verb}`", inner.get_short_help_str(400)
        else:
            yield f"`listings {noun}`", command.get_short_help_str(400)


BLOCKS: dict[str, Callable[[], str]] = {
    "fields": fields,
    "added": added,
    "quality": quality,
    "settings": settings,
    "metrics": metric_table,
    "topics": topics,
    "failures": failures,
    "answers": answers,
    "commands": commands,
    "shapes": lambda: table(*docs_formats.shapes()),
    "quirks": lambda: table(*docs_formats.quirks()),
    "packed": lambda: table(*docs_formats.packed()),
    "senders": lambda: table(*docs_formats.senders()),
    **{f"codes:{name}": lambda name=name: codes(name) for name in CODE_GROUPS},  # type: ignore[misc]
}


def render(text: str) -> str:
    """A page with its generated parts as they should be; KeyError for a name that nobody generates."""
    return _PLACE.sub(lambda place: f"{place[1]}{BLOCKS[place[2]]()}{place[3]}", text)


def main() -> None:
    """Rewrite the pages whose generated parts are not as they should be."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if (new := render(text)) != text:
            page.write_text(new, encoding="utf-8")
            sys.stderr.write(f"written: {page.relative_to(PROJECT)}\n")


if __name__ == "__main__":
    main()
