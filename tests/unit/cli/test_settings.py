"""`listings settings show`."""

from __future__ import annotations

import json

import pytest

from app.settings import known_names
from tests.support.commands import Commands

SECRET = "hunter2"


def test_every_setting_is_shown_with_its_value_and_where_that_comes_from(
    run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTINGS_KAFKA__GROUP", "mine")
    monkeypatch.setenv("LISTINGS_S3__BUCKETS", "one,two")
    monkeypatch.setenv("LISTINGS_S3__REGION", "")
    code, out, _ = run("settings", "show", "--output", "json")
    assert code == 0
    shown = {row["name"]: row for row in json.loads(out)}
    assert list(shown) == list(known_names())
    assert (shown["LISTINGS_KAFKA__GROUP"]["value"], shown["LISTINGS_KAFKA__GROUP"]["set"]) == ("mine", True)
    assert shown["LISTINGS_S3__BUCKETS"]["value"] == "one,two"
    assert (shown["LISTINGS_S3__REGION"]["value"], shown["LISTINGS_S3__REGION"]["set"]) == ("us-east-1", False)
    assert shown["LISTINGS_S3__ACCESS_KEY_ID"]["value"] is None
    assert all(row["meaning"] for row in shown.values())


@pytest.mark.parametrize("output", ["table", "json"])
def test_secrets_are_masked(run: Commands, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    for name in known_names():
        if name.endswith(("PASSWORD", "SECRET_ACCESS_KEY")):
            monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("LISTINGS_OPENSEARCH__URL", f"https://admin:{SECRET}@search.example:9200/x")
    monkeypatch.setenv("LISTINGS_SCHEMA_REGISTRY__URL", f"HTTPS://admin:p@ss/{SECRET}@registry.example")
    code, out, err = run("settings", "show", "--output", output)
    assert code == 0
    assert SECRET not in out + err
    assert out.count("********") == 6
    assert "https://********@search.example:9200/x" in out


@pytest.mark.parametrize("output", ["table", "json"])
def test_unknown_names_are_told_after_the_known_ones(
    run: Commands, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.setenv("LISTINGS_KAFKA__GRUOP", SECRET)
    code, out, err = run("settings", "show", "--output", output)
    assert code == 1
    assert "LISTINGS_KAFKA__GROUP" in out
    assert err.startswith("setting_invalid: unknown setting LISTINGS_KAFKA__GRUOP")
    assert SECRET not in out + err


def test_a_wrong_value_is_told_by_its_variable(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTINGS_WORKER__HTTP_PORT", SECRET)
    code, _, err = run("settings", "show")
    assert code == 1
    assert err.startswith("setting_invalid: LISTINGS_WORKER__HTTP_PORT: ")
    assert SECRET not in err
