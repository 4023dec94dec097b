"""Fixtures for every kind of test; the real servers start only for a test that asks for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import hypothesis
import pytest

from tests.support.prepare import prepare
from tests.support.stack import RunningStack, embedded_stack
from tests.support.system import System

# A change is not refused for what a lucky guess finds in other code.
hypothesis.settings.register_profile("steady", derandomize=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_WITH_SERVERS_S = {"embedded": 240, "docker": 1800}
"""The first test that asks for the servers also waits for their start; Docker may pull and build before it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stack",
        choices=("embedded", "docker"),
        default="embedded",
        help="Where tests get their servers: child processes, or the images of docker-compose.yml.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    limit_s = _WITH_SERVERS_S[config.getoption("--stack")]
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(limit_s))


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Kafka, OpenSearch, S3 and the registry, one set for the whole session; a test undoes what it does to them.

    Topics, schemas and the index are not applied. Logs are kept when a test of the session failed.
    """
    root = tmp_path_factory.mktemp("stack")
    if request.config.getoption("--stack") == "docker":
        from tests.support.docker_stack import docker_stack

        running = docker_stack(root)
    else:
        running = embedded_stack(root)
    with running as ready:
        yield ready
    if not request.session.testsfailed:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def system(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The stack with everything declared applied: upload, publish, search; a test starts its own workers."""
    prepared = prepare(stack, tmp_path_factory.mktemp("system"))
    yield prepared
    prepared.close()


@pytest.fixture(autouse=True)
def _no_worker_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that fails leaves no worker of its own: it would take partitions from the workers of the next tests."""
    if "system" not in request.fixturenames:
        yield
        return
    prepared: System = request.getfixturevalue("system")
    with prepared.no_worker_left():
        yield
