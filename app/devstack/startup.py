"""Starting the servers beside each other, as far as they let themselves be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event

from app.devstack.kafka import ensure_topic
from app.devstack.locks import SetUpCancelled
from app.devstack.running import Server
from app.model.topics import UPLOADS_TOPIC

Progress = Callable[[str], None]
"""Gets lines "server: what", from several threads."""
KafkaHook = Callable[[str], None]
"""Gets the bootstrap servers as soon as Kafka answers."""


@dataclass(frozen=True, slots=True)
class StartUp:
    """One attempt to start what does not run; after an error, what was begun is left to the caller."""

    servers: Mapping[str, Server]
    say: Progress
    on_kafka_ready: KafkaHook | None
    cancelled: Event

    def run(self) -> None:
        """Return when all servers answer; the first error cancels the others and is raised in the end."""
        with ThreadPoolExecutor(len(self.servers)) as pool:
            kafka = pool.submit(self._start, self.servers["kafka"])
            others = [pool.submit(self._start, self.servers[name]) for name in ("opensearch", "registry")]
            jobs = [kafka, *others, pool.submit(self._start_s3, self.servers["s3"], kafka)]
            try:
                wait(jobs, return_when=FIRST_EXCEPTION)
            finally:  # also for Ctrl-C, which arrives while waiting
                if any(not job.done() or job.exception() for job in jobs):
                    self.cancelled.set()
        _raise_first(jobs)

    def _start(self, server: Server) -> None:
        launch = server.prepare(self.cancelled, lambda what: self.say(f"{server.name}: {what}"))
        self.say(f"{server.name}: " + ("starting" if server.pid is None else "runs already"))
        server.launch(launch, self.cancelled)
        self.say(f"{server.name}: ready at {server.address}")

    def _start_s3(self, server: Server, kafka: Future[None]) -> None:
        """Its build may take a minute, beside Kafka's start; the gateway itself needs Kafka and the topic."""
        launch = server.prepare(self.cancelled, lambda what: self.say(f"s3: {what}"))
        wait([kafka])
        if kafka.exception():
            raise SetUpCancelled
        bootstrap = self.servers["kafka"].address
        if self.on_kafka_ready:
            self.on_kafka_ready(bootstrap)
        ensure_topic(bootstrap, UPLOADS_TOPIC)
        self.say("s3: " + ("starting" if server.pid is None else "runs already"))
        server.launch(launch, self.cancelled)
        self.say(f"s3: ready at {server.address}")


def _raise_first(jobs: Sequence[Future[None]]) -> None:
    """The cause, rather than a cancellation that followed from it."""
    errors = [error for job in jobs if (error := job.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, SetUpCancelled)):
        raise error
