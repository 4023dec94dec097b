"""Messages to chat, mail, webhooks and pagers by URL, with Apprise.

A receiver may be down, hang or answer nonsense: each has a thread of its own with a short queue, nobody waits for it,
and the process ends without it. Apprise's URLs hold tokens and passwords, in places that differ by service, so none is
ever shown or logged: a receiver is told by its number and its service.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import SecretStr

from app.errors import FailureCode, OperatorError
from app.observability import metrics
from app.observability.alerts.texts import Message

log = structlog.get_logger("listings.alerts")

_BETWEEN_URLS = re.compile(r"[,\s]*\s[,\s]*|,+(?=[A-Za-z0-9]{2,20}://)")
"""A comma may also be part of a URL; one beside a blank, or before a scheme, is not."""
_HOST_IS_NO_SECRET = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
_WAITING_MAX = 20
_TRIES = 3
_PAUSE_S = 2.0
_SILENT_LEVEL = logging.CRITICAL + 1
_OVERLONG_TITLE = 200


@dataclass(frozen=True, slots=True)
class Receiver:
    """One URL: `name` tells which without what is secret in it."""

    name: str
    box: Any
    """An `apprise.Apprise` of this URL alone."""

    def send(self, message: Message) -> bool:
        """Send and wait for the answer; False when it was not taken. Never raises."""
        from apprise import NotifyFormat, NotifyType

        level = NotifyType.SUCCESS if message.is_over else NotifyType.WARNING
        title = message.title[:_OVERLONG_TITLE]
        try:
            return bool(self.box.notify(message.body, title=title, notify_type=level, body_format=NotifyFormat.TEXT))
        except Exception:
            # Whatever a plugin does wrong. Its text is not shown: it may hold the URL.
            return False


def receivers(urls: SecretStr | None, timeout_s: float) -> list[Receiver]:
    """One for each URL; `OperatorError(SETTING_INVALID)` tells which of them can not be used, without showing it."""
    given = [] if urls is None else [url for url in _BETWEEN_URLS.split(urls.get_secret_value().strip(", \t\n")) if url]
    if not given:
        return []
    _silence()
    return [_receiver(url, number, len(given), timeout_s) for number, url in enumerate(given, 1)]


def _silence() -> None:
    """Apprise logs URLs, and urllib3 the paths asked for, where webhooks have their tokens."""
    for name in ("apprise", "urllib3", "requests"):
        logging.getLogger(name).setLevel(_SILENT_LEVEL)


def _receiver(url: str, number: int, of: int, timeout_s: float) -> Receiver:
    # Imported only when somebody is to be told: it loads a module for each of some 190 services.
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(app_id="listings", app_desc="Listings", app_url="", async_mode=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the services' libraries: nothing to be done here
        plugin = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is None:
        raise OperatorError(
            FailureCode.SETTING_INVALID,
            f"LISTINGS_ALERTS__URLS: number {number} of {of} is no address that Apprise can send to; expected one as "
            "in json://host/path or mailto://user:password@example.com (a comma or blank between two, special "
            "characters percent-encoded)",
        )
    plugin.socket_connect_timeout = min(float(plugin.socket_connect_timeout or timeout_s), timeout_s)
    plugin.socket_read_timeout = min(float(plugin.socket_read_timeout or timeout_s), timeout_s)
    box = Apprise(asset=asset)
    box.add(plugin)
    scheme = url.partition("://")[0].lower()
    where = f" at {plugin.host}" if scheme in _HOST_IS_NO_SECRET else ""
    return Receiver(f"{number} ({plugin.service_name}{where})", box)


class Notifier:
    """Sends each message to every receiver, in the background."""

    def __init__(self, to: Sequence[Receiver], tell_every_s: float) -> None:
        """What fails is logged once a receiver in `tell_every_s`."""
        self._desks = [_Desk(receiver, tell_every_s) for receiver in to]

    def send(self, message: Message) -> None:
        """Hand a message to the receivers' threads; returns at once, never raises."""
        for desk in self._desks:
            desk.put(message)

    def close(self) -> None:
        """Take no more, and give up what fails; what waits is still sent while the process lives."""
        for desk in self._desks:
            desk.close()

    @property
    def is_idle(self) -> bool:
        """Nothing waits and nothing is being sent."""
        return all(desk.is_idle for desk in self._desks)


class _Desk:
    """One receiver with its thread, which starts with the first message and keeps no process alive."""

    def __init__(self, receiver: Receiver, tell_every_s: float) -> None:
        self._receiver = receiver
        self._tell_every_s = tell_every_s
        self._waiting: queue.Queue[Message] = queue.Queue(_WAITING_MAX)
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._lost = 0
        self._told_at: float | None = None

    def put(self, message: Message) -> None:
        if self._closed.is_set():
            return
        if self._thread is None:
            name = f"alerts-{self._receiver.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            metrics.ALERT_SENDS.labels("dropped").inc()
            self._lose(message)

    def close(self) -> None:
        self._closed.set()

    @property
    def is_idle(self) -> bool:
        return self._waiting.unfinished_tasks == 0

    def _run(self) -> None:
        while True:
            message = self._waiting.get()
            try:
                self._deliver(message)
            finally:
                self._waiting.task_done()

    def _deliver(self, message: Message) -> None:
        for number in range(_TRIES):
            if number and self._closed.wait(_PAUSE_S * number):
                break
            if self._receiver.send(message):
                metrics.ALERT_SENDS.labels("sent").inc()
                return
        metrics.ALERT_SENDS.labels("failed").inc()
        self._lose(message)

    def _lose(self, message: Message) -> None:
        self._lost += 1
        now = time.monotonic()
        if self._told_at is None or now - self._told_at >= self._tell_every_s:
            log.error("alert_not_sent", receiver=self._receiver.name, kind=message.kind, messages=self._lost)
            self._told_at, self._lost = now, 0
