"""Apicurio Registry, which speaks the API of Confluent's schema registry; schemas are kept in a file."""

from __future__ import annotations

from collections.abc import Mapping

from app.devstack.artifacts import ArtifactCache
from app.devstack.java import find_java
from app.devstack.ports import LOOPBACK
from app.devstack.server import Launch, Place, Tools, get

API = "/apis/ccompat/v7"
_JAR = "quarkus-run.jar"


class Registry:
    """Ids are in every message on Kafka, so they have to outlive a restart: H2 in a file, not in memory."""

    name = "registry"
    ports: Mapping[str, range] = {
        "registry.http": range(18081, 18181),
        "registry.management": range(18181, 18281),
    }
    patience_s = 10.0

    def launch(self, tools: Tools, place: Place) -> Launch:
        java = find_java()
        program = ArtifactCache(tools.cache / "jars").unpacked(self.name, tools.cancelled, tools.progress)
        place.folder.mkdir(parents=True, exist_ok=True)
        return Launch(
            [
                java,
                "-Xms64m",
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError",
                "-jar",
                program / _JAR,
            ],
            {
                "QUARKUS_HTTP_HOST": LOOPBACK,
                "QUARKUS_HTTP_PORT": str(place.ports["registry.http"]),
                "QUARKUS_MANAGEMENT_HOST": LOOPBACK,
                "QUARKUS_MANAGEMENT_PORT": str(place.ports["registry.management"]),
                "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
                "APICURIO_STORAGE_KIND": "sql",
                "APICURIO_STORAGE_SQL_KIND": "h2",
                # Without a delay a schema is on disk once it has an id, so that a kill cannot lose it.
                "APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{place.folder / 'data' / 'registry'};WRITE_DELAY=0",
                "APICURIO_DATASOURCE_JDBC_INITIAL_SIZE": "2",
                "APICURIO_DATASOURCE_JDBC_MIN_SIZE": "2",
            },
        )

    def is_ready(self, place: Place) -> bool:
        return get(place.ports["registry.http"], f"{API}/subjects")[0] == 200

    def address(self, place: Place) -> str:
        return f"http://{LOOPBACK}:{place.ports['registry.http']}{API}"
