"""Everything that can go wrong with a server, by name: enter it, and it is wrong until the block ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.support.faulty_store import Faults, faulty_store
from tests.support.stack import RunningStack
from tests.support.system import System
from tests.support.toxiproxy import (
    FaultProxies,
    bandwidth,
    fault_proxies,
    latency,
    limit_data,
    reset_peer,
    slicer,
    timeout,
)

_TOO_MANY = (429, b'{"error":{"type":"circuit_breaking_exception","reason":"too many requests"},"status":429}')
_SLOW_DOWN = (503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")


@dataclass
class Servers:
    """The servers of a stack with everything before them that makes them fail; `env` leads a worker there."""

    system: System
    stack: RunningStack
    proxies: FaultProxies
    env: dict[str, str]
    store_answers: Faults = field(default_factory=Faults)
    index_answers: Faults = field(default_factory=Faults)


@contextmanager
def servers_that_fail(system: System, stack: RunningStack) -> Iterator[Servers]:
    """A worker knows the servers by their proxies alone; producers and the audit go straight to them."""
    with fault_proxies(stack) as proxies:
        servers = Servers(system, stack, proxies, proxies.env())
        with (
            faulty_store(servers.env["LISTINGS_S3__ENDPOINT_URL"], servers.store_answers) as store,
            faulty_store(servers.env["LISTINGS_OPENSEARCH__URL"], servers.index_answers) as index,
        ):
            servers.env |= {"LISTINGS_S3__ENDPOINT_URL": store, "LISTINGS_OPENSEARCH__URL": index}
            yield servers


Fault = Callable[[Servers], AbstractContextManager[object]]


def both(*parts: Fault) -> Fault:
    @contextmanager
    def together(servers: Servers) -> Iterator[None]:
        with ExitStack() as stack:
            for part in parts:
                stack.enter_context(part(servers))
            yield

    return together


def answering(faults: Callable[[Servers], Faults], path: str, answer: tuple[int, bytes]) -> Fault:
    @contextmanager
    def refusing(servers: Servers) -> Iterator[None]:
        faults(servers).refuse[path] = answer
        try:
            yield
        finally:
            del faults(servers).refuse[path]

    return refusing


@contextmanager
def full_disk(servers: Servers) -> Iterator[None]:
    """What the index does to itself when the disk is over its flood stage."""
    servers.system.set_index({"index.blocks.read_only_allow_delete": True})
    try:
        yield
    finally:
        servers.system.set_index({"index.blocks.read_only_allow_delete": None})


@contextmanager
def gateway_killed(servers: Servers) -> Iterator[None]:
    servers.stack.server("s3").kill()
    try:
        yield
    finally:
        servers.stack.server("s3").start()


FAULTS: dict[str, Fault] = {
    "store: connections refused": lambda s: s.proxies.store.down(),
    "store: 1 s late": lambda s: s.proxies.store.having(latency(1.0, jitter_s=0.5)),
    "store: cut off mid-body": lambda s: s.proxies.store.having(limit_data(4000)),
    "store: 1 KB/s": lambda s: s.proxies.store.having(bandwidth(1)),
    "store: silent": lambda s: s.proxies.store.having(timeout()),
    "store: 503 SlowDown": answering(lambda s: s.store_answers, "/", _SLOW_DOWN),
    "store: killed": gateway_killed,
    "index: connections refused": lambda s: s.proxies.index.down(),
    "index: 1 s late": lambda s: s.proxies.index.having(latency(1.0, jitter_s=0.5)),
    "index: 1 KB/s": lambda s: s.proxies.index.having(bandwidth(1), stream="upstream"),
    "index: 429 to every request": answering(lambda s: s.index_answers, "_bulk", _TOO_MANY),
    "index: disk full": full_disk,
    "registry: connections refused": lambda s: s.proxies.registry.down(),
    "broker: connections cut": lambda s: s.proxies.broker.down() if s.proxies.broker else ExitStack(),
    "broker: 0.5 s late": lambda s: s.proxies.broker.having(latency(0.5)) if s.proxies.broker else ExitStack(),
    # Lost packets show above TCP as stalls, pieces and now and then a reset.
    "every line lossy": both(
        lambda s: s.proxies.store.having(latency(0.2, jitter_s=0.2), slicer(500, 0.02)),
        lambda s: s.proxies.store.having(reset_peer(0.3), share=0.2),
        lambda s: s.proxies.index.having(latency(0.2, jitter_s=0.2)),
        lambda s: s.proxies.index.having(reset_peer(0.5), share=0.2),
    ),
}
