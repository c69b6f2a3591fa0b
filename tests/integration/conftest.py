"""Real servers for the integration tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cardwatch_local.endpoints import Endpoints
from cardwatch_local.jar_lock import read_lock
from cardwatch_local.jars import JarStore
from cardwatch_local.kafka import KafkaBroker
from cardwatch_local.settings import StackSettings
from cardwatch_local.topics import create_topics
from cardwatch_local.valkey import ValkeyServer


def fetch_jars() -> Path:
    """Return a folder with every locked jar: the user's own, fetched once a machine."""
    settings = StackSettings()
    JarStore(settings.jars_dir, repository=settings.maven_repository).fetch(read_lock())
    return settings.jars_dir


@pytest.fixture(scope="session")
def fetched_jars() -> Path:
    return fetch_jars()


@pytest.fixture(scope="session")
def stack_without_job(
    tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path
) -> Iterator[Endpoints]:
    """A running Kafka broker with the contract's topics and a running, empty Valkey.

    Both serve all tests of the session, so a test uses keys and consumer groups of its own and
    does not expect empty topics. They stop at the session's end, and end by themselves if the
    test process is killed.
    """
    home = tmp_path_factory.mktemp("stack-home")
    (home / "jars").symlink_to(fetched_jars)
    settings = StackSettings(home=home, name="tests")
    jars = [fetched_jars / jar.path for jar in read_lock(["kafka"])]
    kafka, valkey = KafkaBroker(settings, jars), ValkeyServer(settings)
    try:
        kafka.start()
        valkey.start()
        valkey.wait_ready()
        kafka.wait_ready()
        create_topics(kafka.bootstrap_servers)
        yield Endpoints(bootstrap_servers=kafka.bootstrap_servers, valkey_url=valkey.url)
    finally:
        valkey.stop()
        kafka.stop()
