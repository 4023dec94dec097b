"""Who may speak for which source."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.adapters.source_file import load_sources
from app.errors import FailureCode, OperatorError
from app.pipeline.sources import SourceRules, Sources
from app.settings import PathsSettings

RULES = Sources(
    SourceRules.model_validate(
        {
            "uploads": [
                {"prefix": "acme/", "sources": ["acme"]},
                {"bucket": "hub", "prefix": "", "sources": ["autohub", "autohub-*"]},
                {"bucket": "hub", "prefix": "ours/", "sources": ["*"]},
                {"prefix": "acme/guests/", "sources": ["guest"]},
                {"prefix": "mute/", "sources": []},
            ],
            "topic": {"sources": ["motorhaus"]},
        }
    )
)


def may(bucket: str, key: str, source: str) -> bool:
    speaker = RULES.at(bucket, key)
    assert speaker is not None
    return speaker.may(source)


@pytest.mark.parametrize(
    ("bucket", "key", "source", "allowed"),
    [
        ("cars", "acme/stock.csv", "acme", True),
        ("cars", "acme/deep/er/stock.csv", "acme", True),
        ("cars", "acme/stock.csv", "other", False),
        ("cars", "acme/stock.csv", "acme2", False),
        ("cars", "evil/stock.csv", "acme", False),
        ("cars", "evil/stock.csv", "ACME", False),
        ("cars", "evil/stock.csv", " acme ", False),
        ("cars", "evil/acme/stock.csv", "acme", False),
        ("cars", "acme-evil/stock.csv", "acme", False),
        ("cars", "/acme/stock.csv", "acme", False),
        ("cars", "Acme/stock.csv", "acme", False),
        ("cars", "evil/stock.csv", "motorhaus", False),
        ("cars", "evil/stock.csv", "autohub-7", False),
        ("cars", "evil/stock.csv", "evil", True),
        ("cars", "stock.csv", "nobody-declared", True),
        ("cars", "acme/guests/x.csv", "guest", True),
        ("cars", "acme/guests/x.csv", "acme", False),
        ("cars", "mute/x.csv", "mute", False),
        ("hub", "x.csv", "autohub-7", True),
        ("hub", "x.csv", "autohub", True),
        ("hub", "x.csv", "autohubbub", False),
        ("hub", "x.csv", "acme", False),
        ("hub", "acme/x.csv", "acme", True),
        ("hub", "ours/x.csv", "acme", True),
    ],
)
def test_a_place_speaks_for_its_own_and_a_declared_source_comes_from_its_own_place(
    bucket: str, key: str, source: str, allowed: bool
) -> None:
    assert may(bucket, key, source) is allowed


def test_what_was_allowed_last_opens_the_door_for_nobody_else() -> None:
    speaker = RULES.at("cars", "acme/x.csv")
    assert speaker is not None
    assert [speaker.may(source) for source in ("acme", "evil", "acme", "evil")] == [True, False, True, False]


def test_the_topic_speaks_for_what_is_declared_for_it() -> None:
    speaker = RULES.on_topic("listings")
    assert speaker is not None
    assert [speaker.may(source) for source in ("motorhaus", "acme", "free")] == [True, False, False]
    free = Sources(SourceRules.model_validate({"uploads": [{"prefix": "acme/", "sources": ["acme"]}]}))
    topic = free.on_topic("listings")
    assert topic is not None
    assert [topic.may(source) for source in ("motorhaus", "acme")] == [True, False]


def test_without_rules_nobody_is_asked() -> None:
    assert (Sources().declared, Sources().at("b", "k"), Sources().on_topic("listings")) == (False, None, None)


def test_a_refusal_names_the_place_and_what_it_may_say() -> None:
    speaker = RULES.at("cars", "acme/x.csv")
    assert speaker is not None
    problem = speaker.refusal("x" * 500)
    assert (problem.code, problem.field) == (FailureCode.SOURCE_NOT_ALLOWED, "source")
    assert "cars/acme/" in problem.expected
    assert "(acme;" in problem.expected
    assert len(str(problem)) < 400


def test_no_file_declares_nothing_and_the_example_is_read(tmp_path: Path) -> None:
    assert not load_sources(tmp_path / "sources.yaml").declared
    example = load_sources(PathsSettings().sources.with_name("sources.example.yaml"))
    speaker = example.at("listings-uploads", "autohub/x.csv")
    assert speaker is not None
    assert speaker.may("autohub-berlin")
    assert not PathsSettings().sources.exists(), "nothing is declared as shipped"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("uploads:\n  - prefix: acme\n    sources: [acme]\n", ":2: uploads.0.prefix: expected a / at the end"),
        ("uploads:\n  - prefix: acme/\n", ":2: uploads.0.sources"),
        ("uploads: []\nuploads: []\n", ":2: uploads: stands twice"),
        ("upload: []\n", ":1: upload: Extra"),
        ("uploads:\n  - prefix: a/\n    sources: ['*a*']\n", "with a * at its end at most, got *a*"),
        (
            "uploads:\n  - {prefix: a/, sources: [a]}\n  - {prefix: a/, sources: [b]}\n",
            "bucket *, prefix a/: stands twice",
        ),
        ("topic: {}\n", "topic.sources"),
        ("- a\n", ":1: expected a mapping"),
        ("uploads: [\n", "expected YAML"),
        ("", ":1: expected a mapping"),
    ],
)
def test_every_mistake_stops_the_start_and_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    with pytest.raises(OperatorError) as caught:
        load_sources(path)
    assert caught.value.code is FailureCode.DECLARATION_INVALID
    assert told in caught.value.message
