"""What receivers get from us over HTTP, and what a dead one does to us: nothing. No secret shows up anywhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from app.adapters.notifier import Notifier, receivers
from app.errors import FailureCode, OperatorError
from app.observability import metrics
from app.observability.alerts.texts import Message
from tests.support.waiting import until
from tests.support.webhook import SECRET, nobody, webhook

MESSAGE = Message(
    "outage", "Down: search_index", "search_index has been down for 2 min\nLook closer:\n  listings status"
)
OVER = Message("outage", "Up again: search_index", "over", is_over=True)


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[list[MutableMapping[str, Any]]]:
    """What we log; and of what any library logs at any level, that our secret is not in it."""
    caplog.set_level(1)
    with capture_logs() as logs:
        yield logs
    assert SECRET not in caplog.text
    assert SECRET not in str(logs)


@pytest.fixture(autouse=True)
def quick_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.adapters.notifier._PAUSE_S", 0.01)


def notifier(*urls: str, timeout_s: float = 2.0) -> Notifier:
    return Notifier(receivers(SecretStr(" ".join(urls)), timeout_s), tell_every_s=300)


def sends(outcome: str) -> float:
    return float(metrics.ALERT_SENDS.labels(outcome)._value.get())


def not_sent(logs: list[MutableMapping[str, Any]]) -> list[str]:
    """The receivers of which it was logged."""
    return [entry["receiver"] for entry in logs if entry["event"] == "alert_not_sent"]


def test_each_receiver_gets_title_text_and_kind() -> None:
    with webhook() as hook:
        told = notifier(hook.json_url, hook.xml_url)
        told.send(MESSAGE)
        told.send(OVER)
        until("the messages", lambda: len(hook.bodies) == 4)
        assert [(m["title"], m["message"], m["type"]) for m in hook.messages] == [
            (MESSAGE.title, MESSAGE.body, "warning"),
            (OVER.title, OVER.body, "success"),
        ]
        (first, _) = [body.decode() for body in hook.bodies if body.startswith(b"<")]
        assert "<Subject>Down: search_index</Subject>" in first


@pytest.mark.parametrize("between", [",", " ", ", ", "\n"])
def test_addresses_stand_one_behind_the_other(between: str) -> None:
    urls = SecretStr(between.join(("json://h/a?+x=1,2", "mailto://u:p@example.com?to=a@example.com", "xml://h/b")))
    assert [receiver.name for receiver in receivers(urls, 5)] == ["1 (JSON at h)", "2 (E-Mail)", "3 (XML at h)"]


def test_without_addresses_nobody_is_told() -> None:
    assert receivers(None, 5) == []
    assert receivers(SecretStr(" , "), 5) == []
    Notifier([], 300).send(MESSAGE)


@pytest.mark.parametrize(
    "bad", [SECRET, f"nosuch://{SECRET}/x", f"slack://{SECRET}", f"https://{SECRET}@", f"json:/{SECRET}"]
)
def test_a_bad_address_is_told_by_its_number_alone(bad: str) -> None:
    with pytest.raises(OperatorError) as refused:
        receivers(SecretStr(f"json://h/a {bad}"), 5)
    assert refused.value.code == FailureCode.SETTING_INVALID
    assert "LISTINGS_ALERTS__URLS: number" in refused.value.message
    assert SECRET not in refused.value.message


def test_no_name_shows_what_is_secret() -> None:
    tokens = f"slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ tgram://123456789:{'A' * 35}/12315544/"
    with webhook() as hook:
        names = [receiver.name for receiver in receivers(SecretStr(f"{tokens} {hook.json_url}"), 5)]
    assert names == ["1 (Slack)", "2 (Telegram)", "3 (JSON at 127.0.0.1)"]


@pytest.mark.parametrize("status", [None, 404, 500])
def test_a_dead_receiver_is_tried_again_counted_and_logged_once(
    logs: list[MutableMapping[str, Any]], status: int | None
) -> None:
    with webhook() as hook, webhook() as alive:
        hook.status = status or 200
        url = hook.json_url if status else f"json://127.0.0.1:{nobody()}/{SECRET}"
        before, sent = sends("failed"), sends("sent")
        told = notifier(url, alive.json_url)
        for _ in range(3):
            told.send(MESSAGE)
        until("all to be given up", lambda: sends("failed") == before + 3)
        assert len(hook.bodies) == (9 if status else 0)
        until("the other one to have them", lambda: sends("sent") == sent + 3)
        assert not_sent(logs) == ["1 (JSON at 127.0.0.1)"]


def test_one_that_is_back_after_a_moment_gets_its_message() -> None:
    with webhook() as hook:
        hook.status = 503
        told = notifier(hook.json_url)
        told.send(MESSAGE)
        until("the first try", lambda: hook.bodies)
        hook.status = 200
        until("it to be sent", lambda: told.is_idle)
        assert 2 <= len(hook.bodies) <= 3


def test_one_that_hangs_holds_up_nobody(logs: list[MutableMapping[str, Any]]) -> None:
    """Not who sends, not the other receiver, and not the end of the process: its thread is a daemon."""
    with webhook(hangs=True) as hook, webhook() as alive:
        told = notifier(hook.json_url, alive.json_url, timeout_s=30)
        began = time.monotonic()
        for _ in range(100):
            told.send(MESSAGE)
        assert time.monotonic() - began < 1.0
        until("the hanging one to be asked", lambda: hook.bodies)
        until("the other one to have some", lambda: len(alive.bodies) > 10)
        assert not told.is_idle
        assert sends("dropped") >= 79
        assert not_sent(logs).count("1 (JSON at 127.0.0.1)") == 1
        told.close()
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("alerts-")]
        assert threads
        assert all(thread.daemon for thread in threads)


def test_one_that_hangs_is_given_up_after_the_time_out() -> None:
    with webhook(hangs=True) as hook:
        told = notifier(hook.json_url, timeout_s=0.1)
        told.send(MESSAGE)
        until("it to be given up", lambda: told.is_idle, 20)
        assert len(hook.bodies) == 3


def test_hostile_text_stays_text_in_html() -> None:
    with webhook() as hook:
        told = notifier(hook.xml_url)
        told.send(Message("outage", "a & b", "x < y & </Message><Evil/>"))
        until("the message", lambda: hook.bodies)
        assert b"<Evil/>" not in hook.bodies[0]


def test_libraries_that_log_addresses_are_silent() -> None:
    notifier(f"json://127.0.0.1:{nobody()}/{SECRET}")
    for name in ("apprise", "urllib3", "urllib3.connectionpool"):
        assert not logging.getLogger(name).isEnabledFor(logging.CRITICAL), name
