"""Records handled again by the operator's command: nothing lost, nothing twice, never under a running worker."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from click.testing import CliRunner, Result

from app.cli import cli
from app.devstack.samples import as_json, listings
from tests.support.system import System
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
FILES = 5


def command(system: System, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--output", "json"], env=system.env)


def test_files_are_handled_again_since_a_time(system: System) -> None:
    since = datetime.now(UTC).isoformat()
    replay = ("replay", "listing-files", "--since", since)
    keys = [f"replay/{number}.json" for number in range(FILES)]
    with system.worker():
        for number, key in enumerate(keys):
            system.upload(key, as_json(listings(4, source="replay", prefix=f"r{number}")))
        for key in keys:
            system.wait_outcome(key)
        until("everything to be acknowledged", lambda: system.lag("listing-files") == 0)
        tried = command(system, *replay, "--dry-run")
        assert tried.exit_code == 0, tried.output
        assert sum(row["again"] for row in orjson.loads(tried.stdout)) == FILES
        refused = command(system, *replay)
        assert refused.exit_code == 1
        assert "workers are running" in str(refused.exception)
        assert system.lag("listing-files") == 0

    def replayed() -> Result | None:
        """The broker takes a moment to see that the worker has left."""
        done = command(system, *replay)
        return done if done.exit_code == 0 else None

    assert until("the replay", replayed).exit_code == 0
    assert system.lag("listing-files") == FILES
    with system.worker() as worker:
        until("the files to be handled again", lambda: system.lag("listing-files") == 0)
        files = sum(system.metric(worker, "listings_files_total", status=status) for status in ("indexed", "unchanged"))
        assert files == FILES
    system.refresh()
    found = system.listings_of("replay")
    assert len(found) == len({listing["source_listing_id"] for listing in found}) == 4 * FILES
    assert system.dead_letters("replay/") == []
