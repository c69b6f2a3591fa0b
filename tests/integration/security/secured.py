"""A real broker that wants TLS and a password, with the users and rights that the chart makes."""

import secrets
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
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
from cardwatch_local.kafka import KafkaBroker
from cardwatch_local.ports import LOOPBACK, free_ports
from cardwatch_local.settings import StackSettings

_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"
_RESOURCES: Final = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.BROKER,
    "transactionalId": ResourceType.TRANSACTIONAL_ID,
}
_OPERATIONS: Final = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}
_PATTERNS: Final = {
    "literal": ResourcePatternType.LITERAL,
    "prefix": ResourcePatternType.PREFIXED,
}


class Certificates:
    """An authority, a broker's certificate that it has signed, and an authority that has not."""

    def __init__(self, folder: Path) -> None:
        self.authority, key = self._authority(folder, "ca")
        self.stranger, _ = self._authority(folder, "stranger")
        _openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=broker"),
            *("-keyout", folder / "broker.key", "-out", folder / "broker.csr"),
        )
        (folder / "names").write_text(f"subjectAltName=IP:{LOOPBACK},DNS:localhost\n")
        _openssl(
            *("x509", "-req", "-days", "1", "-in", folder / "broker.csr"),
            *("-CA", self.authority, "-CAkey", key, "-CAcreateserial"),
            *("-extfile", folder / "names", "-out", folder / "broker.crt"),
        )
        self.keystore = folder / "broker.pem"
        """Key and certificate, as Kafka reads them."""
        parts = (folder / "broker.key", folder / "broker.crt")
        self.keystore.write_text("".join(part.read_text() for part in parts))

    @staticmethod
    def _authority(folder: Path, name: str) -> tuple[Path, Path]:
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", f"/CN={name}", "-keyout", key, "-out", certificate),
        )
        return certificate, key


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
        listener = "listener.name.secure"
        return plain | {
            "listeners": f"{plain['listeners']},SECURE://{self.secure_servers}",
            "advertised.listeners": (
                f"{plain['advertised.listeners']},SECURE://{self.secure_servers}"
            ),
            "listener.security.protocol.map": (
                f"{plain['listener.security.protocol.map']},SECURE:SASL_SSL"
            ),
            f"{listener}.ssl.keystore.type": "PEM",
            f"{listener}.ssl.keystore.location": str(self._certificates.keystore),
            f"{listener}.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            f"{listener}.scram-sha-512.sasl.jaas.config": f"{_SCRAM} required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }


class Users:
    """Those of the chart, made on a broker: passwords in files, as pods have them."""

    def __init__(self, broker: SecureBroker, certificates: Certificates, folder: Path) -> None:
        self._servers = broker.secure_servers
        self._certificates = certificates
        self._folder = folder
        self._admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
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
        strength = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        made: Mapping[Any, Any] = self._admin.alter_user_scram_credentials(
            [
                UserScramCredentialUpsertion(name, strength, password.encode())
                for name, password in passwords.items()
            ]
        )
        acls = [acl for each in resources for acl in acls_of(each)]
        made = {**made, **self._admin.create_acls(acls)}
        for future in made.values():
            future.result(timeout=20)
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


def acls_of(user: dict[str, Any]) -> list[AclBinding]:
    """Translate a KafkaUser's rules, as Strimzi's user operator does."""
    return [
        AclBinding(
            _RESOURCES[rule["resource"]["type"]],
            rule["resource"].get("name", "kafka-cluster"),
            _PATTERNS[rule["resource"].get("patternType", "literal")],
            f"User:{user['metadata']['name']}",
            "*",
            _OPERATIONS[operation],
            AclPermissionType.ALLOW,
        )
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
    ]


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
