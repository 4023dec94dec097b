"""Batches of records byte by byte, with every lie a producer can tell, and a way to send them as they are."""

from __future__ import annotations

import asyncio
import struct
import time
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
PACK = {
    0: bytes,
    GZIP: gzip_encode,
    SNAPPY: snappy_encode,
    LZ4: lz4_encode,
    ZSTD: zstd_encode,
}
NOW_MS = 1_772_359_380_000


def varint(number: int) -> bytes:
    """As Kafka writes it: zigzag, seven bits a byte."""
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(0x80 | number & 0x7F)
        number >>= 7
    out.append(number)
    return bytes(out)


def part(content: bytes | None, says: int | None = None) -> bytes:
    """A length and as many bytes; `says` is another length."""
    size = -1 if content is None else len(content)
    return varint(size if says is None else says) + (content or b"")


def record(
    value: bytes | None = b"v",
    key: bytes | None = b"k",
    headers: Sequence[tuple[bytes, bytes | None]] = (),
    *,
    delta: int = 0,
    time_delta: int = 0,
    value_says: int | None = None,
    headers_say: int | None = None,
    says: int | None = None,
) -> bytes:
    """One record of format 2, its length in front."""
    named = b"".join(part(name) + part(content) for name, content in headers)
    count = varint(len(headers) if headers_say is None else headers_say)
    body = b"\0" + varint(time_delta) + varint(delta) + part(key) + part(value, value_says) + count + named
    return varint(len(body) if says is None else says) + body


def batch(
    records: Iterable[bytes],
    codec: int = 0,
    *,
    base: int = 0,
    count: int | None = None,
    last: int | None = None,
    attributes: int = 0,
    first_ms: int = NOW_MS,
    most_ms: int = NOW_MS,
    producer: int = -1,
    magic: int = 2,
    crc: int | None = None,
    length: int | None = None,
    packed: bytes | None = None,
) -> bytes:
    """One batch of format 2; `last` is the delta of its last offset, `packed` stands for the packed records."""
    records = list(records)
    plain = b"".join(records)
    count = len(records) if count is None else count
    last = count - 1 if last is None else last
    covered = struct.pack(
        ">hiqqqhii", attributes | codec, last, first_ms, most_ms, producer, 0 if producer >= 0 else -1, 0, count
    ) + (bytes(PACK[codec](plain)) if packed is None else packed)
    crc = calc_crc32c(covered) if crc is None else crc
    return struct.pack(">qiibI", base, len(covered) + 9 if length is None else length, 0, magic, crc) + covered


def message(value: bytes, magic: int, offset: int, codec: int = 0, crc: int | None = None) -> bytes:
    """One message of format 0 or 1."""
    body = struct.pack(">bb", magic, codec) + (struct.pack(">q", 1000) if magic else b"")
    body += struct.pack(">i", -1) + struct.pack(">i", len(value)) + value
    crc = zlib.crc32(body) if crc is None else crc
    return struct.pack(">qiI", offset, len(body) + 4, crc) + body


def numbered(values: Iterable[bytes], **more: Any) -> list[bytes]:
    """Sound records, each with its place in the batch."""
    return [record(value, delta=delta, **more) for delta, value in enumerate(values)]


def bomb(size: int, codec: int = ZSTD) -> bytes:
    """A batch with one record of `size` zeros."""
    return batch([record(bytes(size))], codec, first_ms=int(time.time() * 1000), most_ms=int(time.time() * 1000))


def now(records: Iterable[bytes], codec: int = 0, **more: Any) -> bytes:
    """A batch of this moment: a broker refuses those of another time."""
    stamp = int(time.time() * 1000)
    return batch(records, codec, first_ms=stamp, most_ms=stamp, **more)


def publish(servers: str, topic: str, data: bytes, partition: int = 0) -> int:
    """Send a batch as it is; its offset. Raises AssertionError when the broker refuses it."""
    return asyncio.run(_publish(servers, topic, data, partition))


async def _publish(servers: str, topic: str, data: bytes, partition: int) -> int:
    client = AIOKafkaClient(bootstrap_servers=servers)
    await client.bootstrap()
    try:
        await client._wait_on_metadata(topic)
        node = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(None, -1, 30_000, [(topic, [(partition, data)])])
        response = await client.send(node, request)
        _, ((_, code, offset, *_more),) = response.topics[0]
        assert code == 0, f"the broker refuses it: error {code}"
        return int(offset)
    finally:
        await client.close()
