"""OpenSearch: one node, through the codelibs runner, which starts it in its own JVM."""

from __future__ import annotations

from collections.abc import Mapping

from app.devstack.artifacts import ArtifactCache
from app.devstack.java import find_java
from app.devstack.ports import LOOPBACK
from app.devstack.server import Launch, Place, Tools, get, get_json

_SETTINGS = f"""\
network.host: {LOOPBACK}
# A developer's disk is often fuller than 85 %; a node that turns read-only for it helps nobody here.
cluster.routing.allocation.disk.threshold_enabled: false
"""


class OpenSearch:
    """The runner listens on the base port + 1, or on a later one when that is taken: the name is checked."""

    name = "opensearch"
    ports: Mapping[str, range] = {"opensearch.http": range(9201, 9300)}
    patience_s = 20.0

    def launch(self, tools: Tools, place: Place) -> Launch:
        java = find_java()
        jars = ArtifactCache(tools.cache / "jars").fetch(self.name, tools.cancelled, tools.progress)
        settings = place.folder / "node_1" / "config"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "opensearch.yml").write_text(_SETTINGS, encoding="utf-8")
        return Launch(
            [
                java,
                "-Xms512m",
                "-Xmx1g",
                "-XX:+ExitOnOutOfMemoryError",
                "-Djava.awt.headless=true",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                ":".join(map(str, jars)),
                "org.codelibs.opensearch.runner.OpenSearchRunner",
                *("-basePath", place.folder),
                *("-numOfNode", "1"),
                *("-clusterName", _cluster(place)),
                *("-baseHttpPort", str(place.ports["opensearch.http"] - 1)),
                "-printOnFailure",
            ]
        )

    def is_ready(self, place: Place) -> bool:
        port = place.ports["opensearch.http"]
        if get_json(port, "/").get("cluster_name") != _cluster(place):
            return False
        return get(port, "/_cluster/health?wait_for_status=yellow&timeout=2s")[0] == 200

    def address(self, place: Place) -> str:
        return f"http://{LOOPBACK}:{place.ports['opensearch.http']}"


def _cluster(place: Place) -> str:
    """A name of this stack alone, also beside another clone's stack of the same name."""
    return f"listings-{place.secrets['id']}"
