"""What people do to an index: it refuses, or scatters, the documents of everybody, and nothing of that is lost."""

from __future__ import annotations

import copy
from typing import Any

import httpx2 as httpx
import pytest
from click.testing import CliRunner

from app.cli import cli
from tests.support.attacked import Attacked
from tests.support.system import System, Worker
from tests.support.waiting import until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(300)]
ROW = b"source_listing_id,make,model,year,drivetrain\n1,Volkswagen,Golf,2019,fwd\n"


def test_an_index_older_than_the_release_loses_nothing_and_goes_on_after_apply(attacked: Attacked) -> None:
    system, worker = attacked.system, attacked.worker
    system.move_alias(_index(system, "older", without="drivetrain"))
    for number in range(20):
        system.upload(f"older/{number}.csv", ROW.replace(b"\n1,", b"\n%d," % (number + 1)))
    reasons = until("not ready", lambda: _reasons(worker), 30)
    assert all(word in reasons for word in ("older than this release", "drivetrain", "listings index apply"))
    second = system.start_worker()
    until("a worker that starts meanwhile to say so", lambda: "drivetrain" in _reasons(second), 60)
    _apply(system)
    for ready in (worker, second):
        system.wait_ready(ready, 10)
    until("every listing", lambda: system.count({"prefix": {"origin.key": "older/"}}) == 20, 30)
    assert system.dead_letters("older/") == []
    assert {system.wait_outcome(f"older/{number}.csv")["status"] for number in range(20)} == {"indexed"}
    second.terminate()


def test_a_second_index_behind_the_alias_leaves_no_old_copy_on_sale(attacked: Attacked) -> None:
    system, worker = attacked.system, attacked.worker
    first = _index(system, "000001")
    system.move_alias(first)
    system.upload("twice/1.csv", ROW)
    system.wait_outcome("twice/1.csv")
    alias = system.settings.opensearch.alias
    rolled = _call(system, "POST", f"/{alias}/_rollover").json()["new_index"]
    system.upload("twice/1.csv", ROW.replace(b"Golf", b"Polo"))
    reasons = until("not ready", lambda: _reasons(worker), 30)
    assert all(word in reasons for word in ("2 indices", first, rolled))
    system.publish("listings", None, key=b"tests/never-was")
    actions: list[dict[str, Any]] = [{"remove_index": {"index": rolled}}]
    actions.append({"add": {"index": first, "alias": alias, "is_write_index": True}})
    _call(system, "POST", "/_aliases", json={"actions": actions})
    system.wait_ready(worker, 10)
    until("the newer one", lambda: system.count({"term": {"model_key": "polo"}}) == 1, 30)
    assert system.count({"term": {"model_key": "golf"}}) == 0
    assert [s.code for _, s in system.dead_letters("twice/")] == []


def test_a_field_of_another_type_is_an_outage_and_a_block_is_one_before_anything_is_uploaded(
    attacked: Attacked,
) -> None:
    system, worker = attacked.system, attacked.worker
    good = _index(system, "good")
    system.move_alias(_index(system, "typed", year="date", mileage_km="ip"))
    reasons = until("not ready, with nothing uploaded", lambda: _reasons(worker), 30)
    assert "year is date, declared short" in reasons
    system.upload("typed/1.csv", ROW)
    system.move_alias(good)
    system.wait_ready(worker, 10)
    system.wait_outcome("typed/1.csv")
    assert system.dead_letters("typed/") == []
    system.set_index({"index.blocks.write": True})
    assert "index.blocks.write" in until("not ready", lambda: _reasons(worker), 30)
    system.set_index({"index.blocks.write": None})
    system.wait_ready(worker, 10)


def _index(system: System, name: str, without: str | None = None, **types: str) -> str:
    """An index for the listings whose mapping lacks a field, or has some of another type."""
    alias = system.settings.opensearch.alias
    template = _call(system, "GET", f"/_index_template/{alias}").json()["index_templates"][0]["index_template"]
    body: dict[str, Any] = copy.deepcopy(template["template"])
    fields = body["mappings"]["properties"]
    fields.pop(without, None)
    fields.update({field: {"type": kind} for field, kind in types.items()})
    index = f"by-hand-{name}"
    _call(system, "DELETE", f"/{index}", params={"ignore_unavailable": "true"})
    _call(system, "PUT", f"/{index}", json={"settings": body["settings"], "mappings": body["mappings"]})
    return index


def _apply(system: System) -> None:
    result = CliRunner().invoke(cli, ["index", "apply"], env=system.env)
    assert result.exit_code == 0, result.output


def _reasons(worker: Worker) -> str:
    try:
        answer = httpx.get(f"http://127.0.0.1:{worker.port}/readyz", timeout=5)
    except httpx.HTTPError:
        return ""
    reasons = " ".join(answer.json()["reasons"]) if answer.status_code == 503 else ""
    return reasons if "search_index" in reasons else ""


def _call(system: System, method: str, path: str, **named: Any) -> httpx.Response:
    return httpx.request(method, system.settings.opensearch.url + path, timeout=30, **named).raise_for_status()
