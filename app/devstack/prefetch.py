"""`python -m app.devstack.prefetch [SERVER …]`: fetch and build what servers and tests need, without starting any.

With `s3` alone it needs nothing but Python and Go, so that it can run while packages are being installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from app.devstack.artifacts import ArtifactCache
from app.devstack.go_programs import FAULTS, GATEWAY, build
from app.devstack.java import find_java
from app.errors import OperatorError

SERVERS = ("s3", "kafka", "opensearch", "registry", "toxiproxy")
_BUILT = {"s3": GATEWAY, "toxiproxy": FAULTS}
_CACHE = Path(__file__).resolve().parents[2] / ".cache"


def prefetch(server: str, cache: Path, cancelled: Event, say: Callable[[str], None]) -> None:
    """Make what one server needs available below `cache`; errors as for the server's start."""
    if server in _BUILT:
        build(_BUILT[server], cache, cancelled, say)
        return
    find_java()
    jars = ArtifactCache(cache / "jars")
    if server == "registry":
        jars.unpacked(server, cancelled, say)
    else:
        jars.fetch(server, cancelled, say)


def main(servers: list[str]) -> int:
    """Exit code 1 with one sentence when something is missing."""
    cancelled = Event()

    def one(server: str) -> None:
        prefetch(server, _CACHE, cancelled, lambda what: _say(server, what))

    with ThreadPoolExecutor(len(SERVERS)) as pool:
        jobs = [pool.submit(one, server) for server in servers or SERVERS]
        try:
            for job in jobs:
                job.result()
        except OperatorError as error:
            cancelled.set()
            sys.stderr.write(f"{error.message}\n")
            return 1
        except KeyboardInterrupt:
            cancelled.set()
            return 130
    return 0


def _say(server: str, what: str) -> None:
    done, _, of = what.removeprefix("fetched ").partition("/")
    if done == of or "/" not in what:
        sys.stderr.write(f"{server}: {what}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
