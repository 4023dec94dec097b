"""`python -m app.devstack.lock`: resolve the coordinates of `versions.MAVEN` anew and write the lock.

Run by whoever changes a version. It downloads every artifact once, to learn its SHA-256.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from app.devstack.artifacts import LOCK, Coordinate, fetch_jgo, sha256
from app.devstack.versions import MAVEN


def resolve(coordinates: tuple[str, ...]) -> list[Coordinate]:
    """The coordinates and what they depend on at run time; where two want different versions the first wins.

    Each is resolved alone: jgo would let the parent of one decide on the other's dependencies.
    """
    import jgo

    found: dict[tuple[str, str, str], Coordinate] = {}
    for text in coordinates:
        first = Coordinate.parse(text)
        # An archive of everything has no dependencies that would have to stand beside it.
        artifacts = jgo.resolve(text) if first.packaging == "jar" else []
        rest = [Coordinate(a.groupId, a.artifactId, a.version, a.classifier, a.packaging) for a in artifacts]
        for one in [first, *rest]:
            found.setdefault((one.group, one.artifact, one.classifier), one)
    return list(found.values())


def main() -> None:
    lock: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as repository:
        for server, coordinates in MAVEN.items():
            resolved = resolve(coordinates)
            sys.stderr.write(f"{server}: {len(resolved)} artifacts\n")
            lock[server] = {str(c): sha256(fetch_jgo(c, Path(repository))) for c in resolved}
    LOCK.write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
