"""A worker does not start where a failed record could not be handed on."""

from __future__ import annotations

import pytest

from app.errors import FailureCode, OperatorError
from app.ops.message_sizes import check_sizes
from app.ops.topics import load_topics
from app.settings import PathsSettings, Settings

SOURCES, HANDED_TO = ("listing-files", "listings"), ("listing-retry", "listing-dlq")
MIB = 1024 * 1024
FITS = {"listing-files": MIB, "listings": MIB, "listing-retry": MIB + 65_536, "listing-dlq": MIB + 65_536}


def test_what_is_declared_fits() -> None:
    declared = {t.metadata.name: int(t.spec.config["max.message.bytes"]) for t in load_topics(PathsSettings().topics)}
    check_sizes(declared, ("listing-uploads", *SOURCES), HANDED_TO, Settings().kafka.max_message_bytes)


@pytest.mark.parametrize("topic", HANDED_TO)
def test_a_topic_that_takes_less_than_a_source_and_its_headers(topic: str) -> None:
    with pytest.raises(OperatorError) as refused:
        check_sizes({**FITS, topic: MIB + 65_535}, SOURCES, HANDED_TO, MIB)
    assert refused.value.code == FailureCode.DECLARATION_INVALID
    assert f"topic {topic} takes 1,114,111 bytes, and needs 1,114,112" in refused.value.message
    assert "listings topics apply" in refused.value.message


def test_a_source_that_was_raised_alone() -> None:
    with pytest.raises(OperatorError, match=r"listing-dlq takes .*; topic listing-retry .*MAX_MESSAGE_BYTES is"):
        check_sizes({**FITS, "listings": 2 * MIB}, SOURCES, HANDED_TO, MIB)


def test_what_is_not_known_is_not_judged() -> None:
    check_sizes({}, SOURCES, HANDED_TO, 1)
    check_sizes({"listings": MIB}, SOURCES, HANDED_TO, MIB)
    check_sizes({"listing-dlq": 1}, SOURCES, HANDED_TO, 1)
