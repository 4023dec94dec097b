"""`listings feeds list|check|guess`: offline, told to people and to scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.adapters.profile_files import load_profile, load_profiles, load_well_known
from tests.support.commands import DANGEROUS, Commands

PROJECT = Path(__file__).resolve().parents[3]
FEEDS = PROJECT / "connectors" / "feeds"
FIXTURES = PROJECT / "tests" / "fixtures" / "feeds"

PROFILE = """\
description: a test
source: acme
match: [{key: "acme/*"}]
defaults: {currency: EUR}
fields:
  source_listing_id: id
  make: make
  model: model
  year: year
  price_amount: price
"""
CSV = "id,make,model,year,price,colour\n1,Fiat,500,2019,9900,red\n2,Fiat,,2019,5000,blue\n\n"


@pytest.fixture
def profile(tmp_path: Path) -> str:
    path = tmp_path / "acme.yaml"
    path.write_text(PROFILE)
    return str(path)


def stock(folder: Path, text: str = CSV, name: str = "stock.csv") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


# -- list


def test_every_profile_and_format_is_listed(run: Commands) -> None:
    code, out, _ = run("feeds", "list", "--output", "json")
    assert code == 0
    told = json.loads(out)
    assert [one["name"] for one in told["profiles"]] == [profile.name for profile in load_profiles(FEEDS).all]
    assert [one["name"] for one in told["well_known"]] == [
        form.name for form in load_well_known(FEEDS / "well-known").all
    ]
    kavak = next(one for one in told["profiles"] if one["name"] == "kavak_mx")
    assert (kavak["source"], kavak["format"], kavak["delivery"]) == ("kavak-mx", "csv", "increment")
    assert {"bucket": "*", "key": "kavak-mx/*"} in kavak["match"]
    code, out, _ = run("feeds", "list")
    assert code == 0
    assert "kavak-mx/*" in out
    assert "schema_org" in out


def test_a_broken_profile_is_told_with_line_and_field(
    run: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(PROFILE.replace("make: make", "make: {from: make, values: 5, quite: true}"))
    (tmp_path / "b.yaml").write_text(PROFILE.replace("currency: EUR", "currency: Euro"))
    monkeypatch.setenv("LISTINGS_PATHS__FEEDS", str(tmp_path))
    for words in (["feeds", "list"], ["feeds", "check", str(tmp_path / "a.yaml"), stock(tmp_path)]):
        code, _, err = run(*words)
        assert code == 1
        assert err.startswith("declaration_invalid: ")
        assert "a.yaml:7: fields.make." in err
    assert "b.yaml:4: defaults.currency: expected an ISO 4217 code" in run("feeds", "list").err


# -- check


def test_what_becomes_of_a_file_is_told_in_full(run: Commands, tmp_path: Path, profile: str) -> None:
    code, out, _ = run("feeds", "check", profile, stock(tmp_path))
    assert code == 1  # a record is refused
    assert "read 2   would be indexed 1   rejected 1   blank 1   with a doubt 1" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "record 1, line 2" in lines
    assert "price_amount 9900.0 ← price: 9900" in lines
    assert "make Fiat ← make" in lines
    assert "record 2, line 3 (2) is refused" in lines
    assert "model: expected a value" in lines
    assert "colour 2 red | blue" in lines
    assert "1 missing_required model: expected a value record 2, line 3" in lines
    assert "\x1b" not in out


def test_a_clean_file_ends_with_0(run: Commands, tmp_path: Path, profile: str) -> None:
    code, out, _ = run("feeds", "check", profile, stock(tmp_path, CSV.replace("Fiat,,", "Fiat,Panda,")), "--limit", "0")
    assert code == 0
    assert "record 1" not in out
    assert "would be indexed 2" in out


def test_the_same_for_scripts(run: Commands, tmp_path: Path, profile: str) -> None:
    code, out, _ = run("feeds", "check", profile, stock(tmp_path), "--output", "json")
    assert code == 1
    told = json.loads(out)
    account = {name: told[name] for name in ("profile", "format", "read", "indexed", "rejected", "older", "blank")}
    assert account == {
        "profile": "acme", "format": "csv", "read": 2, "indexed": 1, "rejected": 1, "older": 0, "blank": 1,
    }  # fmt: skip
    (record,) = told["records"]
    assert record["fields"]["price_amount"] == {"value": 9900.0, "from": {"price": "9900"}}
    assert record["quality"] == ["currency_defaulted"]
    (reject,) = told["rejects"]
    assert (reject["record"], reject["line"], reject["problems"][0]["field"]) == (2, 3, "model")
    assert told["reasons"][0]["count"] == 1
    assert told["flags"] == {"currency_defaulted": 1}
    assert told["unused"] == [{"column": "colour", "records": 2, "examples": ["red", "blue"]}]
    assert told["failure"] is None


def test_a_file_that_can_not_be_read_ends_with_1(run: Commands, tmp_path: Path, profile: str) -> None:
    code, out, _ = run("feeds", "check", profile, stock(tmp_path, '[{"id": ', "x.json"))
    assert code == 1
    assert "The file is refused: file_broken: " in out


@pytest.mark.parametrize("name", ["kavak_mx", "google_vehicle_listings"])
def test_a_declared_profile_is_known_by_its_name(run: Commands, name: str) -> None:
    path = FIXTURES / "kavak_mx.csv" if name == "kavak_mx" else PROJECT / "tests/fixtures/well-known" / f"{name}.csv"
    code, out, _ = run("feeds", "check", name, str(path), "--output", "json")
    assert code == 0
    assert json.loads(out)["profile"] == name


def test_without_a_profile_a_file_is_read_as_one_that_none_matches(run: Commands, tmp_path: Path) -> None:
    path = PROJECT / "tests" / "fixtures" / "well-known" / "meta_automotive.csv"
    code, out, _ = run("feeds", "check", "none", str(path), "--output", "json")
    assert (code, json.loads(out)["profile"]) == (0, "meta_automotive")
    code, out, _ = run("feeds", "check", "none", stock(tmp_path), "--output", "json")
    assert (code, json.loads(out)["profile"]) == (1, None)


@pytest.mark.parametrize(
    ("profile_name", "file"),
    [("nobody", "kavak_mx.csv"), ("../feeds/kavak_mx", "kavak_mx.csv"), ("kavak_mx", "nothing.csv")],
)
def test_what_does_not_exist_is_a_usage_error(run: Commands, profile_name: str, file: str) -> None:
    code, out, err = run("feeds", "check", profile_name, str(FIXTURES / file))
    assert code == 2
    assert out == ""
    assert "Usage: " in err


@pytest.mark.parametrize("output", ["table", "json"])
def test_no_control_character_of_a_file_reaches_the_terminal(
    run: Commands, tmp_path: Path, profile: str, output: str
) -> None:
    nasty = "\x1b]0;x\x07\u202e\x9b31m"
    rows = [
        {"id": f"1{nasty}", "make": f"Fiat{nasty}", "model": nasty, "year": 2019, f"c{nasty}": nasty},
        {"id": f"2{nasty}", "make": "Fiat", "model": "500", "year": f"y{nasty}", "price": nasty},
    ]
    name = stock(tmp_path, "\n".join(map(json.dumps, rows)), "x.ndjson")
    _, out, err = run("feeds", "check", profile, name, "--output", output)
    assert not DANGEROUS & set(out + err)
    _, out, err = run("feeds", "guess", name)
    assert not DANGEROUS & set(out + err)


# -- guess


def test_a_guess_is_printed_and_can_be_used(run: Commands, tmp_path: Path) -> None:
    code, out, err = run("feeds", "guess", stock(tmp_path))
    assert (code, err) == (0, "")
    path = tmp_path / "guessed.yaml"
    path.write_text(out)
    assert load_profile(path).fields["make"].source == ("make",)
    code, out, _ = run("feeds", "check", str(path), stock(tmp_path), "--output", "json")
    assert (code, json.loads(out)["indexed"]) == (1, 1)


def test_a_guess_says_when_no_profile_is_needed(run: Commands, tmp_path: Path) -> None:
    path = PROJECT / "tests" / "fixtures" / "well-known" / "google_vehicle_ads.rss"
    assert run("feeds", "guess", str(path)).out.startswith(
        "# Without any profile it is recognised as google_vehicle_ads"
    )
    assert "Without any profile" not in run("feeds", "guess", stock(tmp_path)).out


def test_a_guess_is_written_but_never_over_a_file(run: Commands, tmp_path: Path) -> None:
    target = tmp_path / "new.yaml"
    code, out, _ = run("feeds", "guess", stock(tmp_path), "--write", str(target))
    assert code == 0
    assert f"listings feeds check {target}" in out
    before = target.read_text()
    assert load_profile(target)
    code, _, err = run("feeds", "guess", stock(tmp_path), "--write", str(target))
    assert (code, target.read_text()) == (1, before)
    assert "is there already" in err


def test_a_place_that_can_not_be_written_is_told(run: Commands, tmp_path: Path) -> None:
    code, _, err = run("feeds", "guess", stock(tmp_path), "--write", str(tmp_path / "none" / "x.yaml"))
    assert code == 1
    assert "can not be written" in err


def test_a_file_without_records_is_told(run: Commands, tmp_path: Path) -> None:
    code, out, err = run("feeds", "guess", stock(tmp_path, "", "empty.csv"))
    assert (code, out) == (1, "")
    assert err.startswith("object_empty: ")


def test_apply_is_one_of_them(run: Commands) -> None:
    code, out, _ = run("feeds", "apply", "--help")
    assert code == 0
    assert "BUCKET/KEY" in out
