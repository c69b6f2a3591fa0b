"""One broker that wants TLS and a password, for all tests of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.security.secured import (
    Certificates,
    SecureBroker,
    Users,
    running_broker,
)

from cardwatch_local.jar_lock import read_lock
from cardwatch_local.settings import StackSettings


@dataclass(frozen=True)
class Secured:
    """The broker, who may use it, and what a Flink cluster beside it needs."""

    broker: SecureBroker
    users: Users
    certificates: Certificates
    settings: StackSettings

    @property
    def servers(self) -> str:
        """Where users connect."""
        return self.broker.secure_servers

    def jars(self, server: str) -> list[Path]:
        """Return a server's classpath."""
        folder = self.settings.jars_dir.resolve()
        return [folder / jar.path for jar in read_lock([server])]


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory, fetched_jars: Path) -> Iterator[Secured]:
    home = tmp_path_factory.mktemp("secured")
    (home / "jars").symlink_to(fetched_jars)
    settings = StackSettings(home=home, name="secured", checkpoint_interval_ms=500)
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    with running_broker(settings, fetched_jars, certificates) as broker:
        users = Users(broker, certificates, tmp_path_factory.mktemp("users"))
        yield Secured(broker, users, certificates, settings)
