"""What another store's records do to the product: SeaweedFS, which tells of its internal paths, and of removed files by
the key of the record alone."""

from __future__ import annotations

import pytest

from app.model.topics import FILES_TOPIC, UPLOADS_TOPIC
from tests.support.attacked import Attacked
from tests.support.waiting import until

pytestmark = [pytest.mark.attack, pytest.mark.timeout(300)]
VERSION, MARKER = b"6713dcd4b171a38b247c6f2439e7e99e", b"6713dcd46e58be53d0d957816ee34e6c"


def part(number: int, value: bytes) -> bytes:
    """A field of a protobuf message: text, or a message."""
    assert len(value) < 128 * 128
    length = bytes([len(value)]) if len(value) < 128 else bytes([len(value) & 127 | 128, len(value) >> 7])
    return bytes([number << 3 | 2]) + length + value


def entry(name: bytes, **extended: bytes) -> bytes:
    told = [part(1, f"Seaweed-X-Amz-{what.replace('_', '-')}".encode()) + part(2, to) for what, to in extended.items()]
    return part(1, name) + b"".join(part(5, pair) for pair in told)


def test_versions_are_their_object_and_removals_are_found_by_the_key_of_their_record(attacked: Attacked) -> None:
    system = attacked.system
    folder = f"/buckets/{system.bucket}/sea".encode()
    system.upload("sea/a.json", b'[{"source_listing_id":"1","make":"Volkswagen","model":"Golf","year":2019}]')
    until("the listing", lambda: system.count_of_key("sea/a.json") == 1)

    versions = folder + b"/a.json.versions"
    for new in (
        entry(b"v_" + VERSION, Version_Id=VERSION),
        entry(b"v_" + MARKER, Version_Id=MARKER, Delete_Marker=b"true"),
    ):
        name = b"v_" + (MARKER if b"Delete-Marker" in new else VERSION)
        system.publish(UPLOADS_TOPIC, part(2, new) + part(4, versions), key=versions + b"/" + name)
    system.publish(UPLOADS_TOPIC, part(1, entry(b"gone.json")), key=folder + b"/gone.json")
    for number in range(200):  # a folder of parts, of another bucket, and keys that are about something else
        hidden = f"/buckets/{system.bucket}/.uploads/{number}".encode()
        system.publish(UPLOADS_TOPIC, part(1, entry(b"0001.part")), key=hidden + b"/0001.part")
        system.publish(UPLOADS_TOPIC, part(1, entry(b"a.json")), key=b"/buckets/" + b"x" * 70_000)

    def queued() -> set[bytes | None]:
        return {record.key for record in system.records(FILES_TOPIC)}

    until("the removal to be queued", lambda: f"{system.bucket}/sea/gone.json".encode() in queued())
    system.wait_no_lag(UPLOADS_TOPIC, FILES_TOPIC)
    assert not any(b".versions" in (key or b"") or b".uploads" in (key or b"") for key in queued())
    assert system.dead_letters("sea/") == []
    assert system.count_of_key("sea/a.json") == 1, "the marker was told of an object that is there"
