"""The lock file: every jar of the embedded servers by coordinate, size and SHA-256."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

LOCK_NAME: Final = "jars.lock.json"

ROOTS: Final = {
    "kafka": (
        "org.apache.kafka:kafka_2.13:4.3.1",
        # The broker logs through slf4j and ships no binding of its own.
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
    ),
    "flink": ("org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",),
    # For the job's image: checkpoints in S3 and what speaks like it. Of 2.2.1 none was published.
    "flink-s3": ("org.apache.flink:flink-s3-fs-presto:2.2.0",),
}
"""What each server asks for; the lock holds these and all they need at run time."""

LOCAL_SERVERS: Final = ("kafka", "flink")
"""Those of the embedded stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedJar:
    """One jar exactly as it must be."""

    server: str
    """A key of `ROOTS`: whose classpath it belongs to."""
    coordinate: str
    """`group:artifact:version`."""
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hexadecimal."""

    @property
    def path(self) -> Path:
        """Path below a repository, as Maven lays it out."""
        group, artifact, version = self.coordinate.split(":")
        return Path(*group.split("."), artifact, version, f"{artifact}-{version}.jar")


def read_lock(servers: Sequence[str] = LOCAL_SERVERS) -> tuple[LockedJar, ...]:
    """Return the jars that the lock file in this package has for `servers`, in classpath order."""
    text = resources.files("cardwatch_local").joinpath(LOCK_NAME).read_text("utf-8")
    jars = (LockedJar(**entry) for entry in json.loads(text)["jars"])
    return tuple(jar for jar in jars if jar.server in servers)


def write_lock(path: Path, jars: Sequence[LockedJar]) -> None:
    """Write `jars` to `path` so that a change of one jar is a change of one line."""
    lines = ",\n".join(f"  {json.dumps(asdict(jar))}" for jar in jars)
    path.write_text(f'{{"jars": [\n{lines}\n]}}\n', encoding="utf-8")


def resolve_coordinates(context: Any, roots: Sequence[str]) -> list[str]:
    """Return the coordinates `roots` need at run time, themselves included.

    Args:
        context: A `jgo.maven.MavenContext`; POMs are fetched into its `repo_cache`.
        roots: `group:artifact:version`, each; where two need different versions of a jar,
            the earlier root's stands.
    """
    chosen: dict[tuple[str, str], str] = {}
    for root in roots:
        # One at a time: jgo lets the version management of any root reach into the others,
        # and Log4j's would turn Kafka's own client into an older one.
        dependency = context.create_dependency(root)
        dependency.scope = "compile"
        inputs, transitive = context.resolver.resolve([dependency])
        needed = [entry for entry in transitive if entry.scope in ("compile", "runtime")]
        for entry in inputs + needed:
            chosen.setdefault((entry.groupId, entry.artifactId), entry.version)
    return [f"{group}:{artifact}:{version}" for (group, artifact), version in chosen.items()]
