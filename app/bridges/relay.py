"""What every bridge does with a notification: find its key, pass its bytes on."""

from __future__ import annotations

from app.adapters.kafka_confirmed import Send
from app.errors import Rejected
from app.pipeline.notification import parse_notification


def to_send(body: str) -> Send:
    """The record for one notification: its text in UTF-8, under the key of the object that it is about.

    `bucket/key` keeps the notifications of one object in their order. Without a key: what is about several objects, or
    can not be read (it is sent all the same).
    """
    value = body.encode("utf-8", "surrogatepass")
    return Send(_key(value), value)


def _key(value: bytes) -> bytes | None:
    try:
        events = parse_notification(value).events
    except Rejected:
        return None
    objects = {f"{event.bucket}/{event.key}" for event in events}
    return objects.pop().encode() if len(objects) == 1 else None
