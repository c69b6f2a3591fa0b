"""A real broker that wants TLS and a password, with the users and rights that the chart makes."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from tests.cluster.standins.certificates import Authority
from tests.cluster.standins.kafka_security import (
    RIGHTS,
    SCRAM,
    listener_properties,
    protocol_of,
)
from tests.cluster.standins.users import Users as UsersInKafka
from tests.cluster.standins.users import acls_of
from tests.integration.job.feed import wait_until
from tests.unit.charts.rendering import SECURED, render

from cardwatch_contracts.kafka_clients import client_properties
from cardwatch_contracts.kafka_settings import (
    CA_FILE,
    PASSWORD_FILE,
    PROTOCOL,
    USERNAME,
    Kafka,
    kafka_at,
)
from cardwatch_local.jar_lock import read_lock
from cardwatch_local.kafka import KafkaBroker
from cardwatch_local.ports import LOOPBACK, free_ports
from cardwatch_local.settings import StackSettings
from cardwatch_local.topics import create_topics

_LISTENER: Final = {"name": "SECURE", "tls": True, "authentication": {"type": SCRAM}}


class Certificates:
    """An authority, a broker's certificate that it has signed, and an authority that has not."""

    def __init__(self, folder: Path) -> None:
        authority = Authority.new("/CN=ca")
        self.authority = folder / "ca.crt"
        self.authority.write_text(authority.certificate)
        self.stranger = folder / "stranger.crt"
        self.stranger.write_text(Authority.new("/CN=stranger").certificate)
        self.keystore = folder / "broker.pem"
        """Key and certificate, as Kafka reads them."""
        names = [f"IP:{LOOPBACK}", "DNS:localhost"]
        self.keystore.write_text(authority.server("/CN=broker", names))


class SecureBroker(KafkaBroker):
    """A broker with a second listener, for users by TLS; who comes by the first may do all."""

    def __init__(
        self, settings: StackSettings, jars: Sequence[Path], certificates: Certificates
    ) -> None:
        super().__init__(settings, jars)
        (self._secure_port,) = free_ports(1)
        self._certificates = certificates

    @property
    def secure_servers(self) -> str:
        """Address for users, `host:port`."""
        return f"{LOOPBACK}:{self._secure_port}"

    def _properties(self) -> dict[str, str | int]:
        plain = super()._properties()
        return (
            plain
            | {
                "listeners": f"{plain['listeners']},SECURE://{self.secure_servers}",
                "advertised.listeners": (
                    f"{plain['advertised.listeners']},SECURE://{self.secure_servers}"
                ),
                "listener.security.protocol.map": (
                    f"{plain['listener.security.protocol.map']},SECURE:{protocol_of(_LISTENER)}"
                ),
            }
            | listener_properties(_LISTENER, str(self._certificates.keystore))
            | RIGHTS
        )


@contextmanager
def running_broker(
    settings: StackSettings, jars: Path, certificates: Certificates
) -> Iterator[SecureBroker]:
    """Run a broker, with all topics, while the block lasts; `jars` is where Kafka's are."""
    classpath = [jars / jar.path for jar in read_lock(["kafka"])]
    broker = SecureBroker(settings, classpath, certificates)
    try:
        broker.start()
        broker.wait_ready()
        create_topics(broker.bootstrap_servers)
        yield broker
    finally:
        broker.stop()


class Users:
    """Those of the chart, made on a broker: passwords in files, as pods have them."""

    def __init__(self, broker: SecureBroker, certificates: Certificates, folder: Path) -> None:
        self._servers = broker.secure_servers
        self._certificates = certificates
        self._folder = folder
        self._in_kafka = UsersInKafka(broker.bootstrap_servers)
        self.passwords: dict[str, str] = {}
        self._make([each for each in render(*SECURED) if each["kind"] == "KafkaUser"])

    def add(self, name: str, rights: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Make one more: what it may do by kind and name of what it may do it with."""
        acls = [
            {"resource": {"type": kind, "name": of}, "operations": list(operations)}
            for (kind, of), operations in rights.items()
        ]
        self._make([{"metadata": {"name": name}, "spec": {"authorization": {"acls": acls}}}])

    def _make(self, resources: Sequence[dict[str, Any]]) -> None:
        names = [each["metadata"]["name"] for each in resources]
        passwords = {name: secrets.token_urlsafe(24) for name in names}
        self.passwords |= passwords
        for name, password in passwords.items():
            (self._folder / name).mkdir()
            (self._folder / name / "password").write_text(password)
        for resource in resources:
            name = resource["metadata"]["name"]
            self._in_kafka.set_password(name, passwords[name])
            self._in_kafka.set_rights(name, acls_of(resource))
        for name in names:
            wait_until(partial(self._is_known, name), f"the broker to know {name}")

    def _is_known(self, name: str) -> bool:
        """Whether the broker has heard of a user, and of what that may see."""
        admin = AdminClient(dict[str, Any](client_properties(self.kafka(name))) | {"log_level": 0})
        try:
            return bool(admin.list_topics(timeout=1).topics)
        except KafkaException:
            return False

    def environment(self, name: str, **changes: str) -> dict[str, str]:
        """Return the variables of a user's process."""
        return {
            PROTOCOL: "SASL_SSL",
            USERNAME: name,
            PASSWORD_FILE: str(self._folder / name / "password"),
            CA_FILE: str(self._certificates.authority),
        } | changes

    def kafka(self, name: str, **changes: str) -> Kafka:
        """Return Kafka as that process reaches it."""
        return kafka_at(self._servers, self.environment(name, **changes))
