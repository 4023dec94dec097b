"""`listings alerts test`: who would be told, without a secret on the screen."""

from __future__ import annotations

import json

import pytest

from tests.support.commands import Commands
from tests.support.webhook import SECRET, nobody, webhook


def test_it_tells_which_took_the_message(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as hook, webhook() as other:
        monkeypatch.setenv("LISTINGS_ALERTS__URLS", f"{hook.json_url},{other.json_url}")
        code, out, err = run("alerts", "test", "--output", "json")
        assert (code, err) == (0, "")
        assert json.loads(out) == [{"receiver": f"{n} (JSON at 127.0.0.1)", "sent": True} for n in (1, 2)]
        (message,) = hook.messages
        assert message["title"] == "Test of the alerts"
        assert SECRET not in out


def test_one_that_fails_is_named_and_the_others_are_sent_all_the_same(
    run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook() as hook:
        monkeypatch.setenv("LISTINGS_ALERTS__URLS", f"json://127.0.0.1:{nobody()}/{SECRET} {hook.json_url}")
        code, out, err = run("alerts", "test")
        assert code == 1
        assert [line.split()[-1] for line in out.splitlines()[1:]] == ["failed", "sent"]
        assert "not taken by receiver 1 (JSON at 127.0.0.1)" in err
        assert SECRET not in out + err
        assert len(hook.messages) == 1


def test_without_addresses_it_says_so(run: Commands) -> None:
    code, _, err = run("alerts", "test")
    assert code == 1
    assert "LISTINGS_ALERTS__URLS is not set" in err


def test_a_bad_address_is_not_shown(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTINGS_ALERTS__URLS", f"slack://{SECRET}")
    code, out, err = run("alerts", "test")
    assert code == 1
    assert "number 1 of 1 is no address" in err
    assert SECRET not in out + err
    assert SECRET not in run("settings", "show").out
