"""A queue and a broker in memory, which fail when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.adapters.kafka_confirmed import Send
from app.errors import Dependency, FailureCode, ListingsError, Outage
from app.model.queued import QueuedMessage

BROKER_AWAY = Outage(FailureCode.UNREACHABLE, Dependency.BROKER, "Kafka is away")
QUEUE_AWAY = Outage(FailureCode.UNREACHABLE, Dependency.UPLOAD_QUEUE, "the queue is away")


class MemoryBroker:
    """Confirms everything; `answer` may say otherwise, or raise as if the process was killed."""

    def __init__(self) -> None:
        self.sent: list[Send] = []
        self.answer: Callable[[Send], ListingsError | None] = lambda _: None
        self.calls = 0
        self.gave_up: list[bool] = []

    def send_all(self, sends: Sequence[Send], give_up: Callable[[], bool]) -> list[ListingsError | None]:
        self.calls += 1
        self.gave_up.append(give_up())
        results = [self.answer(send) for send in sends]
        self.sent += [send for send, error in zip(sends, results, strict=True) if error is None]
        return results

    @property
    def values(self) -> list[bytes]:
        return [send.value for send in self.sent]


class MemoryQueue:
    """Delivers what is visible, up to ten at once; `deliveries` counts how often each message was taken."""

    def __init__(self, *bodies: str) -> None:
        self.visible = [QueuedMessage(str(n), "", body) for n, body in enumerate(bodies)]
        self.taken: dict[str, QueuedMessage] = {}
        self.deliveries: dict[str, int] = {}
        self.held = 0
        self.down = 0
        """So many calls in a row fail."""
        self.keeps = False
        """Deletes nothing, and says so."""
        self.on_empty: Callable[[], None] = lambda: None

    def receive(self) -> list[QueuedMessage]:
        self._answer()
        if not self.visible:
            self.on_empty()
        batch, self.visible = self.visible[:10], self.visible[10:]
        delivered = []
        for message in batch:
            count = self.deliveries[message.message_id] = self.deliveries.get(message.message_id, 0) + 1
            receipt = f"{message.message_id}-{count}"
            self.taken[receipt] = message
            delivered.append(QueuedMessage(message.message_id, receipt, message.body))
        return delivered

    def delete(self, messages: Sequence[QueuedMessage]) -> int:
        self._answer()
        if self.keeps:
            return len(messages)
        for message in messages:
            del self.taken[message.receipt]
        return 0

    def hold(self, messages: Sequence[QueuedMessage]) -> None:
        self._answer()
        self.held += len(messages)

    def give_back(self, messages: Sequence[QueuedMessage]) -> None:
        self._answer()
        self.visible += [self.taken.pop(message.receipt) for message in messages]

    def time_is_over(self) -> None:
        """What was taken and not deleted is delivered again."""
        self.visible += self.taken.values()
        self.taken = {}

    @property
    def is_empty(self) -> bool:
        return not self.visible and not self.taken

    def _answer(self) -> None:
        if self.down:
            self.down -= 1
            raise QUEUE_AWAY
