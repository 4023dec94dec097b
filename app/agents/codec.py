"""Avro for the agents: as fast as it can be once schemas are known, patient while the registry is away."""

from __future__ import annotations

from collections.abc import Mapping

from app.agents.outages import Outages
from app.errors import Outage
from app.ports import Codec


class Encoder:
    """Waits out an outage of the registry instead of failing the record."""

    def __init__(self, codec: Codec, outages: Outages) -> None:
        self._codec = codec
        self._outages = outages

    async def encode(self, subject: str, value: Mapping[str, object]) -> bytes:
        while True:
            try:
                return await self._codec.encode(subject, value)
            except Outage as outage:
                await self._outages.wait_over(outage)

    async def decode(self, payload: bytes) -> Mapping[str, object]:
        """Raises `Rejected` for what can not be decoded."""
        while True:
            try:
                return await self._codec.decode(payload)
            except Outage as outage:
                await self._outages.wait_over(outage)
