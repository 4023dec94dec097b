"""Docker gets the same servers, settings and pins as the embedded stack, and nothing is reachable from elsewhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml

from app.devstack import kafka, registry, s3
from app.devstack.server import Place, Tools
from app.devstack.versions import IMAGES
from app.model.topics import UPLOADS_TOPIC
from app.settings import PathsSettings, load_settings

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE: Mapping[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
LASTING = [name for name in SERVICES if name != "setup"]
PORTS = {"kafka.client": 1, "kafka.controller": 2}
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
_PIN = re.compile(r"^([a-z0-9-]+)==([^ ]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Package and version of a requirements file."""
    return dict(_PIN.findall((PROJECT / name).read_text(encoding="utf-8")))


def filled(text: str) -> str:
    """A value of the compose file with the defaults of its variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


@pytest.mark.parametrize("server", IMAGES)
def test_the_image_is_the_version_of_the_embedded_server(server: str) -> None:
    assert SERVICES[server]["image"] == IMAGES[server]


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_comes_from_docker_hub_or_from_here(service: str) -> None:
    image = SERVICES[service]["image"]
    assert "." not in image.split("/")[0].split(":")[0]
    assert image == "listings:local" or image in IMAGES.values()


@pytest.mark.parametrize("service", SERVICES)
def test_every_port_is_published_on_this_machine_only(service: str) -> None:
    for port in SERVICES[service].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:(\$\{[A-Z0-9_]+:-\d+\})?:\d+", port)


def test_workers_can_be_scaled() -> None:
    """A fixed port of the machine, or a fixed name, could be had by one of them only."""
    assert all(port.startswith("127.0.0.1::") for port in SERVICES["worker"]["ports"])
    assert "container_name" not in SERVICES["worker"]


@pytest.mark.parametrize("service", LASTING)
def test_what_ends_comes_back_by_itself(service: str) -> None:
    """After `docker compose restart`, which heeds no order, or a crash."""
    assert SERVICES[service]["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", LASTING)
def test_a_slow_first_start_is_no_failure(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["start_period"] == "300s"


def test_the_health_of_kafka_is_asked_without_a_jvm() -> None:
    test = SERVICES["kafka"]["healthcheck"]["test"]
    assert test[:5] == ["CMD", "timeout", "5", "bash", "-c"]
    assert not any(".sh" in part or "java" in part for part in test)


def test_profiles_are_mounted_where_the_worker_reads_them() -> None:
    inside = Path("/app/connectors/feeds")
    assert SERVICES["worker"]["volumes"] == [f"./connectors/feeds:{inside}:ro"]
    assert PathsSettings().feeds.relative_to(PROJECT) == inside.relative_to("/app")


@pytest.mark.parametrize("service", LASTING)
def test_every_lasting_service_tells_its_health(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"]


def test_topics_schemas_and_index_are_applied_before_anything_uses_them() -> None:
    (command,) = SERVICES["setup"]["command"]
    assert command.split(" && ") == ["listings topics apply", "listings schemas register", "listings index apply"]
    for user in ("s3", "worker"):
        assert SERVICES[user]["depends_on"]["setup"]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("service", ["setup", "worker"])
def test_the_settings_are_known_ones(service: str) -> None:
    environment = {name: filled(value) for name, value in SERVICES[service]["environment"].items()}
    settings = load_settings(environment)
    assert settings.schema_registry.url.endswith(registry.API)
    secret = settings.s3.secret_access_key
    assert secret is not None
    assert secret.get_secret_value() == filled(SERVICES["s3"]["environment"]["ROOT_SECRET_KEY"])
    assert settings.s3.buckets == ("listings-uploads",)


def test_kafka_is_set_as_the_embedded_one(tmp_path: Path) -> None:
    own = {"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"}
    own |= {"listener.security.protocol.map", "controller.listener.names"}
    environment = SERVICES["kafka"]["environment"]
    for name, value in kafka.properties(Place(tmp_path, PORTS, {}, ())).items():
        variable = f"KAFKA_{name.replace('.', '_').upper()}"
        assert name in own or str(environment[variable]) == str(value), name


def test_the_gateway_is_told_the_same_as_the_embedded_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES["s3"]
    assert f"--event-kafka-topic {UPLOADS_TOPIC} " in service["command"][0]
    place = Place(tmp_path, {"s3.http": 7070, "kafka.client": 1}, {"s3.access_key": "", "s3.secret_key": ""}, ())
    monkeypatch.setattr(s3, "build", lambda *_: tmp_path / "versitygw")
    embedded = s3.S3Gateway().launch(Tools(tmp_path, Event(), lambda _: None), place).command
    flags = {str(part) for part in embedded if str(part).startswith("--")} - {"--sidecar"}
    _, _, told = service["command"][0].partition(" exec versitygw ")
    assert flags == set(re.findall(r"--[a-z-]+", told))
    (mounted,) = [volume for volume in service["volumes"] if volume.endswith(":/events.json:ro")]
    assert (PROJECT / mounted.split(":")[0]).resolve() == s3.EVENTS


def test_the_image_has_what_its_commands_need() -> None:
    """All but the embedded servers, which Docker has itself."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = {re.split(r"[<>=]", name)[0] for name in project["optional-dependencies"]["aws"]}
    assert extra <= set(pins("requirements.txt"))


def test_the_image_can_be_read_by_its_user_whatever_the_modes_of_the_checkout() -> None:
    steps = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    assert "chmod -R a+rX /app" in steps.partition("USER listings")[0].rpartition("COPY")[2]


def test_nobody_is_told_to_install_a_package_of_our_name_from_an_index() -> None:
    """No such package of ours is there: whoever registered the name would get those installs."""
    pages = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("connectors/**/*.md")]
    for page in [*pages, *PROJECT.glob("app/**/*.py")]:
        assert not re.search(r"pip install (-\S+ )*'?listings\b", page.read_text(encoding="utf-8")), page


def test_the_worker_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\w+)$", (PROJECT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert users == ["listings"]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_package_is_pinned_by_hash_and_no_address_is_named(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(name))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "//" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_worker_runs_with_the_packages_it_was_tested_with() -> None:
    tested = pins("requirements-dev.txt")
    assert pins("requirements.txt").items() <= tested.items()


def test_what_the_project_asks_for_is_pinned() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    for wanted, pinned in (
        (project["dependencies"], pins("requirements.txt")),
        (extras, pins("requirements-dev.txt")),
    ):
        names = {re.split(r"[\[<>=!~ ]", name)[0].lower().replace("_", "-") for name in wanted}
        assert names <= set(pinned)
