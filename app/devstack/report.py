"""What a stack tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class StackEnv:
    """Where the servers of a stack are, for whoever wants to use them."""

    kafka: str
    """host:port"""
    opensearch: str
    s3: str
    s3_access_key: str
    s3_secret_key: str
    buckets: tuple[str, ...]
    registry: str
    worker_data: Path
    worker_port: int

    def variables(self) -> dict[str, str]:
        """As the variables of `app.settings`."""
        return {
            "LISTINGS_KAFKA__BOOTSTRAP_SERVERS": self.kafka,
            "LISTINGS_OPENSEARCH__URL": self.opensearch,
            "LISTINGS_S3__ENDPOINT_URL": self.s3,
            "LISTINGS_S3__ACCESS_KEY_ID": self.s3_access_key,
            "LISTINGS_S3__SECRET_ACCESS_KEY": self.s3_secret_key,
            "LISTINGS_S3__BUCKETS": ",".join(self.buckets),
            "LISTINGS_SCHEMA_REGISTRY__URL": self.registry,
            "LISTINGS_WORKER__DATA_DIR": str(self.worker_data),
            "LISTINGS_WORKER__HTTP_PORT": str(self.worker_port),
        }


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One line of `status`."""

    name: str
    state: Literal["running", "not answering", "stopped"]
    pid: int | None
    address: str | None
    """None for a process that is no server."""
    memory_bytes: int | None
    log: Path | None
