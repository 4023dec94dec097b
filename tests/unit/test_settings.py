"""Settings: what a typo, a wrong value and a secret come to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import pytest
from pydantic import SecretStr

from app.errors import FailureCode, OperatorError
from app.settings import Settings, known_names, load_settings

SECRET = "hunter2"


def from_mapping(environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    return load_settings(environ)


def from_environment(environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.upper().startswith("LISTINGS_")]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return load_settings()


Load = Callable[[Mapping[str, str]], Settings]


@pytest.fixture(params=[from_mapping, from_environment])
def load(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Both ways in: the process's environment, and a mapping of the caller's."""
    read = request.param
    return lambda environ: read(environ, monkeypatch)


def complaint(load: Load, **environ: str) -> str:
    with pytest.raises(OperatorError) as caught:
        load(environ)
    assert caught.value.code is FailureCode.SETTING_INVALID
    return caught.value.message


def test_everything_has_a_default(load: Load) -> None:
    assert load({}).model_dump() == load_settings({}).model_dump()
    assert load({}).s3.buckets == ("listings-uploads",)


def test_a_variable_sets_what_it_names(load: Load) -> None:
    settings = load(
        {
            "LISTINGS_KAFKA__BOOTSTRAP_SERVERS": "a:1,b:2",
            "listings_kafka__session_timeout_s": "7.5",
            "LISTINGS_WORKER__HTTP_PORT": "0",
            "LISTINGS_SCHEMA_REGISTRY__URL": "http://registry",
            "OTHER_KAFKA__GROUP": "not ours",
        }
    )
    assert (settings.kafka.bootstrap_servers, settings.kafka.session_timeout_s) == ("a:1,b:2", 7.5)
    assert (settings.worker.http_port, settings.schema_registry.url) == (0, "http://registry")
    assert settings.kafka.group == "listings"


@pytest.mark.parametrize(
    "name",
    [
        "LISTINGS_KAFKA__GRUOP",
        "LISTINGS_KAFKA_GROUP",
        "LISTINGS_KAFKA",
        "LISTINGS_KAFKA__GROUP__X",
        "LISTINGS_S3__BUCKETS__0",
        "LISTINGS_X",
        "LISTINGS_",
        "listings_kafka__gruop",
    ],
)
def test_a_name_that_nobody_knows_stops_the_start(load: Load, name: str) -> None:
    message = complaint(load, **{name: SECRET})
    assert name in message
    assert SECRET not in message


def test_every_name_that_is_unknown_is_told(load: Load) -> None:
    message = complaint(load, LISTINGS_B="1", LISTINGS_KAFKA__GROUP="g", LISTINGS_A="2")
    assert "LISTINGS_A, LISTINGS_B" in message
    assert "LISTINGS_KAFKA__GROUP" not in message


def test_every_wrong_value_is_told_by_the_name_of_its_variable(load: Load) -> None:
    message = complaint(
        load,
        LISTINGS_KAFKA__SESSION_TIMEOUT_S="soon",
        LISTINGS_WORKER__HTTP_PORT="70000",
        LISTINGS_SCHEMA_REGISTRY__TIMEOUT_S="-1",
        LISTINGS_WORKER__LOG_LEVEL="loud",
    )
    for name in (
        "LISTINGS_KAFKA__SESSION_TIMEOUT_S",
        "LISTINGS_WORKER__HTTP_PORT",
        "LISTINGS_SCHEMA_REGISTRY__TIMEOUT_S",
        "LISTINGS_WORKER__LOG_LEVEL",
    ):
        assert f"{name}: " in message


def test_a_wrong_value_is_not_repeated(load: Load) -> None:
    message = complaint(load, LISTINGS_KAFKA__SASL_PASSWORD=SECRET, LISTINGS_KAFKA__SECURITY_PROTOCOL=SECRET)
    assert SECRET not in message


def test_secrets_are_not_printed(load: Load) -> None:
    names = [
        "LISTINGS_KAFKA__SASL_PASSWORD",
        "LISTINGS_S3__SECRET_ACCESS_KEY",
        "LISTINGS_OPENSEARCH__PASSWORD",
        "LISTINGS_SCHEMA_REGISTRY__PASSWORD",
    ]
    settings = load(dict.fromkeys(names, SECRET))
    for text in (str(settings), repr(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert SECRET not in text
    assert settings.kafka.sasl_password == SecretStr(SECRET)


@pytest.mark.parametrize(
    "name", [n for n in known_names() if n.endswith(("PASSWORD", "SECRET", "ACCESS_KEY", "TOKEN"))]
)
def test_whatever_sounds_like_a_secret_is_one(name: str) -> None:
    group, _, field = name.removeprefix("LISTINGS_").lower().partition("__")
    assert isinstance(getattr(getattr(load_settings({name: SECRET}), group), field), SecretStr)


@pytest.mark.parametrize(
    ("value", "buckets"),
    [("one", ("one",)), ("one,two", ("one", "two")), (" one , two ,", ("one", "two")), ("", ("listings-uploads",))],
)
def test_a_list_is_written_with_commas(load: Load, value: str, buckets: tuple[str, ...]) -> None:
    assert load({"LISTINGS_S3__BUCKETS": value}).s3.buckets == buckets


@pytest.mark.parametrize("value", [",", '["one","two"]', "one two", "one;two", "s3://one"])
def test_a_list_that_allows_no_bucket_that_can_be_stops_the_start(load: Load, value: str) -> None:
    assert complaint(load, LISTINGS_S3__BUCKETS=value).startswith("LISTINGS_S3__BUCKETS: ")


def test_an_empty_variable_counts_as_not_set(load: Load) -> None:
    settings = load({"LISTINGS_KAFKA__GROUP": "", "LISTINGS_S3__ACCESS_KEY_ID": ""})
    assert (settings.kafka.group, settings.s3.access_key_id) == ("listings", None)


def test_what_is_handed_in_is_all_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTINGS_KAFKA__GROUP", "of-this-process")
    monkeypatch.setenv("LISTINGS_X", "unknown")
    settings = load_settings({"LISTINGS_S3__REGION": "mars"})
    assert (settings.kafka.group, settings.s3.region) == ("listings", "mars")


def test_nothing_can_be_changed_afterwards(load: Load) -> None:
    settings = load({})
    with pytest.raises(ValueError, match="frozen"):
        settings.kafka.group = "other"  # type: ignore[misc]


def test_no_file_decides_what_a_worker_does(
    load: Load, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    (folder / ".env").write_text("LISTINGS_KAFKA__GROUP=from-a-file\n")
    monkeypatch.chdir(folder)
    assert load({}).kafka.group == "listings"
