"""`listings upload` on a real gateway; what becomes of a file is tested end to end."""

from __future__ import annotations

import secrets
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from app.cli import cli
from tests.support.stack import RunningStack

pytestmark = pytest.mark.integration


@pytest.fixture
def files(tmp_path: Path, stack: RunningStack, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for name, value in stack.env().items():
        monkeypatch.setenv(name, value)
    for name in ("a.json", "b c.csv"):
        (tmp_path / name).write_text("[]")
    return [str(tmp_path / name) for name in ("a.json", "b c.csv")]


def test_files_are_uploaded_and_told_as_json(files: list[str]) -> None:
    prefix = f"test-{secrets.token_hex(4)}/"
    result = CliRunner().invoke(cli, ["upload", *files, "--prefix", prefix, "--output", "json"])
    assert result.exit_code == 0
    told = orjson.loads(result.stdout)
    assert [(item["key"], item["result"], item["error"]) for item in told] == [
        (f"{prefix}a.json", "uploaded", None),
        (f"{prefix}b c.csv", "uploaded", None),
    ]


def test_a_bucket_that_is_not_ours_is_refused(files: list[str]) -> None:
    result = CliRunner().invoke(cli, ["upload", *files, "--bucket", "secrets", "--output", "json"])
    assert result.exit_code == 1
    assert all("LISTINGS_S3__BUCKETS" in item["error"] for item in orjson.loads(result.stdout))


def test_a_file_that_is_not_there_is_a_mistake_in_the_command(files: list[str]) -> None:
    assert CliRunner().invoke(cli, ["upload", "nowhere.json"]).exit_code == 2
