from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from app.bridges.relay import to_send
from app.errors import Rejected
from app.pipeline.notification import parse_notification

RECORDED = Path(__file__).resolve().parents[2] / "contract" / "notifications"


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_a_notification_goes_on_byte_for_byte_under_the_key_of_its_object(path: Path) -> None:
    value = path.read_bytes()
    sent = to_send(value.decode())
    objects = {f"{event.bucket}/{event.key}".encode() for event in parse_notification(value).events}
    assert sent.value == value
    assert sent.key == (objects.pop() if len(objects) == 1 else None)


def test_an_odd_key_is_the_key_that_the_gate_uses() -> None:
    assert to_send((RECORDED / "aws-put.json").read_text(encoding="utf-8")).key == (
        "listings-uploads/dealer-7/a b+c%20ä.json".encode()
    )


@pytest.mark.parametrize("body", ["", "no JSON", "\ud800", "{}", "[" * 100_000, "\0"])
def test_what_nobody_can_read_goes_on_all_the_same(body: str) -> None:
    sent = to_send(body)
    assert (sent.key, sent.value) == (None, body.encode("utf-8", "surrogatepass"))
    with pytest.raises(Rejected):
        parse_notification(sent.value)


def test_what_is_about_several_objects_has_no_key() -> None:
    detail = [{"detail": {"bucket": {"name": "b"}, "object": {"key": key}}} for key in ("a.json", "b.json")]
    assert to_send(orjson.dumps(detail).decode()).key is None
    assert to_send(orjson.dumps(detail[:1] * 2).decode()).key == b"b/a.json"
