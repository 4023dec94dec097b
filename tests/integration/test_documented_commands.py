"""What the pages and the compose file tell people and machines to run, run as it is written."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

import pytest
import yaml

from tests.support.docs import PROJECT
from tests.support.docs_read import blocks
from tests.support.system import System

pytestmark = pytest.mark.integration
PRODUCERS = (PROJECT / "docs" / "PRODUCERS.md").read_text(encoding="utf-8")
KAFKA = "LISTINGS_KAFKA__BOOTSTRAP_SERVERS"
NOBODY = "127.0.0.1:9"


def run_sample(**env: str) -> subprocess.CompletedProcess[str]:
    """Run the program that publishes a single listing."""
    (script,) = [body for body in blocks(PRODUCERS, "sh") if "producer.produce" in body]
    program = script.partition("<<'END'\n")[2].rpartition("END")[0]
    quick = program.replace("15000", "1000")  # until an unanswered send counts as failed
    rest = {name: value for name, value in os.environ.items() if name != KAFKA}
    return subprocess.run(
        [sys.executable, "-"], input=quick, env=rest | env, text=True, capture_output=True, timeout=60
    )


def test_the_sample_of_a_single_listing_publishes_and_reports_it(system: System) -> None:
    done = run_sample(**{KAFKA: system.settings.kafka.bootstrap_servers})
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"delivered: listings, partition \d, offset \d+\n", done.stdout)


def test_the_sample_reports_a_listing_that_was_not_delivered() -> None:
    done = run_sample(**{KAFKA: NOBODY})
    assert done.returncode == 1
    assert f"not delivered to {NOBODY}: " in done.stderr


def health_of_kafka(port: str) -> list[str]:
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
    _, *command = compose["services"]["kafka"]["healthcheck"]["test"]
    return [part.replace("29092", port).replace("$$", "$") for part in command]


def test_the_health_check_of_kafka_passes_when_it_answers(system: System) -> None:
    port = system.settings.kafka.bootstrap_servers.rpartition(":")[2]
    assert subprocess.run(health_of_kafka(port), timeout=10).returncode == 0


def test_the_health_check_of_kafka_fails_when_it_does_not_answer() -> None:
    """As a broker that takes connections and hangs."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        assert subprocess.run(health_of_kafka(port), timeout=30).returncode != 0
