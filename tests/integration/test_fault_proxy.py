"""The fault proxy does what its names say; every chaos run stands on it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.toxiproxy import (
    Proxy,
    Toxic,
    bandwidth,
    fault_proxy,
    latency,
    limit_data,
    reset_peer,
    slicer,
    slow_close,
    timeout,
)
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
BODY = b"0123456789" * 2000


@contextmanager
def server() -> Iterator[str]:
    """Answers anything with 20 kB and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(100)
                connection.sendall(BODY)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with server() as upstream, fault_proxy(upstream) as made:
        yield made


def ask(proxy: Proxy, patience_s: float = 10.0) -> bytes:
    host, _, port = proxy.address.partition(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=patience_s) as connection:
        connection.sendall(b"?")
        while piece := connection.recv(65_536):
            received += piece
    return received


def took_s(proxy: Proxy) -> float:
    started = time.monotonic()
    assert ask(proxy) == BODY
    return time.monotonic() - started


def test_without_a_fault_everything_comes_through(proxy: Proxy) -> None:
    assert ask(proxy) == BODY


@pytest.mark.parametrize(
    ("toxic", "at_least_s"),
    [
        (latency(0.4), 0.4),
        (bandwidth(20), 0.5),
        (slicer(1000, delay_s=0.02), 0.2),
        (slow_close(0.4), 0.4),
    ],
    ids=lambda value: value.type if isinstance(value, Toxic) else "",
)
def test_it_comes_late_and_whole(proxy: Proxy, toxic: Toxic, at_least_s: float) -> None:
    with proxy.having(toxic):
        assert took_s(proxy) >= at_least_s
    assert ask(proxy) == BODY


def test_the_rest_is_cut_off(proxy: Proxy) -> None:
    with proxy.having(limit_data(5000)):
        assert ask(proxy) == BODY[:5000]
    assert ask(proxy) == BODY


def test_the_connection_is_reset(proxy: Proxy) -> None:
    with proxy.having(reset_peer()), pytest.raises(ConnectionResetError):
        ask(proxy)
    assert ask(proxy) == BODY


def test_nothing_comes_at_all(proxy: Proxy) -> None:
    with proxy.having(timeout(), stream="upstream"), pytest.raises(TimeoutError):
        ask(proxy, patience_s=0.5)
    assert ask(proxy) == BODY


def test_it_is_down_and_up_again_at_the_same_address(proxy: Proxy) -> None:
    with proxy.down(), pytest.raises(ConnectionError):
        until("a refusal", lambda: ask(proxy) is None)
    assert ask(proxy) == BODY


def test_only_a_share_of_the_connections_is_hit(proxy: Proxy) -> None:
    with proxy.having(limit_data(10), share=0.5):
        sizes = {len(ask(proxy)) for _ in range(60)}
    assert sizes == {10, len(BODY)}
