"""The documentation says what the code does: generated tables are current, and every name in it exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from app.cli import NOUNS, cli
from app.devstack.versions import GO_AT_LEAST, JAVA_AT_LEAST
from app.errors import FailureCode
from app.failures.headers import STORY_HEADERS
from app.model.topics import SKIPS_TOPIC
from app.ops.topics import load_topics
from app.settings import LimitsSettings, PathsSettings, Settings, known_names
from tests.support.docs import BLOCKS, CODE_GROUPS, PAGES, PROJECT, code_groups, declared_metrics, render
from tests.support.docs_codes import MEANINGS, RESERVED
from tests.support.docs_read import all_pages, anchors, calls, links, name_of, words

TEXTS = {name_of(page): page.read_text(encoding="utf-8") for page in all_pages()}
OURS = [name_of(page) for page in PAGES]
SOURCES = {path: path.read_text(encoding="utf-8") for path in (PROJECT / "app").rglob("*.py")}
TOPICS = load_topics(PathsSettings().topics)

_KINDS = {
    "Skipped": {"skipped"},
    "FileRejected": {"rejected: the file"},
    "Rejected": {"rejected: the record on the topic", "rejected: the file", "rejected: one listing"},
    "Problem": {"rejected: one listing"},
    "Transient": {"transient"},
    "Outage": {"outage"},
    "OperatorError": {"operator"},
}
"""What an error class means for the code that it is raised with."""
_EXCEPTIONS = {
    ("Rejected", FailureCode.BUCKET_NOT_ALLOWED),
    ("Outage", FailureCode.SCHEMA_UNKNOWN),
    ("Transient", FailureCode.OBJECT_MISSING),
    ("Transient", FailureCode.SCHEMA_UNKNOWN),
    ("Transient", FailureCode.SOURCE_NOT_ALLOWED),
    ("FileRejected", FailureCode.SOURCE_NOT_ALLOWED),
}
"""Told in the tables: a file of such a bucket that is queued already; a registry without our schema, or one that may
learn of a schema late; an object that may be known to be removed a moment later; a removal of a listing never seen; a
full feed for such a source."""
_LOG_CALL = re.compile(r'\blog\.(debug|info|warning|error|critical)\(\s*"(\w+)"(?: if \w+ else "(\w+)")?')


@pytest.mark.parametrize("page", OURS)
def test_the_generated_tables_are_current(page: str) -> None:
    assert render(TEXTS[page]) == TEXTS[page], f"{page} is stale: run `make docs`"


def test_every_table_is_used_and_no_mark_is_misspelt() -> None:
    opened = [name for page in OURS for name in re.findall(r"<!-- generated: (.*?) -->", TEXTS[page])]
    assert sorted(opened) == sorted(BLOCKS)
    assert sum(TEXTS[page].count("<!-- ") for page in OURS) == 2 * len(opened)


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page: str) -> None:
    for link in links(TEXTS[page]):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (PROJECT / page).parent / path if path else PROJECT / page
        assert target.exists(), f"{page}: {link}"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{page}: {link}"


@pytest.mark.parametrize("page", OURS)
def test_every_page_can_be_reached_from_the_readme(page: str) -> None:
    assert page == "README.md" or page in links(TEXTS["README.md"])


# -- commands


def command_of(call: list[str]) -> tuple[list[str], click.Command]:
    """The noun and verb of a call, and the command behind them; fails when there is none."""
    context = click.Context(cli)
    command = cli.get_command(context, call[0])
    assert command is not None, f"there is no `listings {call[0]}`"
    if not isinstance(command, click.Group) or len(call) == 1:
        return call[:1], command
    inner = command.get_command(context, call[1])
    assert inner is not None, f"there is no `listings {call[0]} {call[1]}`"
    return call[:2], inner


@pytest.mark.parametrize("page", OURS)
def test_every_command_exists_with_its_options(page: str) -> None:
    for call in calls(TEXTS[page]):
        names, command = command_of(call)
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in call if word.startswith("--")} <= options, f"{page}: listings {' '.join(call)}"
        assert CliRunner().invoke(cli, [*names, "--help"]).exit_code == 0


def test_a_command_that_does_not_exist_is_noticed() -> None:
    (call,) = calls("Then `listings stars count --all`.")
    with pytest.raises(AssertionError, match="no `listings stars`"):
        command_of(call)


def test_the_readme_calls_what_users_need_first() -> None:
    called = {call[0] for call in calls(TEXTS["README.md"])}
    assert called >= {"stack", "upload", "search", "status", "worker", "topics", "schemas", "index", "outcomes", "dlq"}
    assert called <= set(NOUNS)


def test_every_folder_that_the_readme_names_exists() -> None:
    folders = set(re.findall(r"`([a-z][a-z/]*/)`", TEXTS["README.md"]))
    assert folders >= {"app/", "topics/", "schemas/", "connectors/", "tests/", "docs/"}
    assert all((PROJECT / folder).is_dir() for folder in folders)


@pytest.mark.parametrize("page", OURS)
def test_every_make_target_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXTS[page], re.MULTILINE))
    assert named <= targets


# -- names


@pytest.mark.parametrize("page", TEXTS)
def test_every_setting_that_is_named_exists(page: str) -> None:
    assert words(TEXTS[page], "LISTINGS_[A-Z0-9_]+") <= set(known_names())


def test_every_setting_is_explained() -> None:
    groups = [field.annotation for field in Settings.model_fields.values()]
    fields = [field for group in groups if isinstance(group, type) for field in group.model_fields.values()]
    assert len(fields) == len(list(known_names()))
    assert all(field.description for field in fields)


@pytest.mark.parametrize("page", OURS)
def test_every_topic_that_is_named_exists(page: str) -> None:
    topics = {topic.metadata.name for topic in TOPICS}
    subjects = {path.stem for path in (PROJECT / "schemas" / "avro").glob("*.avsc")}
    known = topics | subjects | STORY_HEADERS
    assert words(TEXTS[page], r"listing-[a-z]+(?:-[a-z]+)*") <= known


def test_every_metric_that_is_named_exists() -> None:
    known = {sample.name for metric in declared_metrics() for sample in metric.describe()}
    named = {name.removesuffix("_total") for page in OURS for name in words(TEXTS[page], r"listings_[a-z_]+")}
    assert named == known


def test_the_table_of_headers_is_complete() -> None:
    rows = re.findall(r"^\| (`failure-.*?|`retry-.*?|`listing-(?:file|record)`) \|", TEXTS["docs/OPERATIONS.md"], re.M)
    assert sorted(re.findall(r"`([a-z-]+)`", " ".join(rows))) == sorted(STORY_HEADERS)


def test_the_table_of_log_events_is_complete() -> None:
    section = TEXTS["docs/OPERATIONS.md"].partition("## Log events")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| (\w+) \|", section, re.MULTILINE)
    told = {(name, level) for cell, level in rows for name in re.findall(r"`(\w+)`", cell)}
    logged = [found for text in SOURCES.values() for found in _LOG_CALL.findall(text)]
    assert told == {(name, level) for level, *names in logged for name in names if name}


# -- failure codes


def test_every_code_is_explained_in_the_order_of_the_code() -> None:
    assert list(MEANINGS) == list(FailureCode)
    assert set(code_groups()) == set(CODE_GROUPS.values())


def test_a_code_that_nothing_reports_is_called_reserved() -> None:
    used = {name for text in SOURCES.values() for name in re.findall(r"FailureCode\.([A-Z_]+)", text)}
    reserved = {code for code in FailureCode if MEANINGS[code][0] == RESERVED}
    assert reserved == {code for code in FailureCode if code.name not in used}


def test_what_is_raised_with_a_code_is_what_its_table_says() -> None:
    group_of = {code: group for group, codes in code_groups().items() for code in codes}
    raised = {found for text in SOURCES.values() for found in raises(text)}
    assert raised
    assert {(kind, code) for kind, code in raised if group_of[code] not in _KINDS[kind]} == _EXCEPTIONS


def raises(source: str) -> Iterator[tuple[str, FailureCode]]:
    """(class, code) of every error that is made with a code as its first argument."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS and node.args:
            found = re.fullmatch(r"FailureCode\.([A-Z_]+)", ast.unparse(node.args[0]))
            if found:
                yield node.func.id, FailureCode[found[1]]


# -- figures that prose repeats


def test_the_figures_in_the_text_are_those_of_the_code() -> None:
    limits, gib, mib = LimitsSettings(), 1024**3, 1024**2
    told = (
        f"{limits.file_max_bytes // gib} GiB as stored, {limits.decompressed_max_bytes // gib} GiB unpacked, "
        f"{limits.record_max_bytes // mib} MiB a record, {limits.record_max_depth} levels of nesting, "
        f"{limits.file_max_records:,} records"
    )
    assert told in TEXTS["docs/PRODUCERS.md"]
    assert f"the first {limits.outcome_max_rejects} are told" in TEXTS["docs/PRODUCERS.md"]
    (partitions,) = {topic.spec.partitions for topic in TOPICS if topic.metadata.name != SKIPS_TOPIC}
    assert f"each topic has {partitions} partitions" in TEXTS["docs/OPERATIONS.md"]
    assert f"of the topics ({partitions})" in TEXTS["README.md"]
    assert f"port {Settings().worker.http_port} on loopback" in TEXTS["README.md"]
    assert Settings().retry.attempts == 3, "the pages say three tries"
    go = ".".join(map(str, GO_AT_LEAST))
    assert f"Java {JAVA_AT_LEAST} or newer and Go {go} or newer" in TEXTS["README.md"]
