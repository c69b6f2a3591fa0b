"""KafkaUsers on a broker: what Strimzi's user operator does to passwords and rights."""

import re
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from tests.cluster.standins.kubernetes import Document

_TIMEOUT_S: Final = 5.0
_STRENGTH: Final = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
_RESOURCES: Final = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.BROKER,
    "transactionalId": ResourceType.TRANSACTIONAL_ID,
}
_PATTERNS: Final = {
    "literal": ResourcePatternType.LITERAL,
    "prefix": ResourcePatternType.PREFIXED,
}
_THE_CLUSTER: Final = "kafka-cluster"


class Users:
    """The users of one Kafka cluster, by somebody who may do everything there."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})

    def names(self) -> set[str]:
        """Return who has a password.

        Raises:
            KafkaException: Kafka does not answer, or refuses; so with all methods.
        """
        asked = self._admin.describe_user_scram_credentials(request_timeout=_TIMEOUT_S)
        assert isinstance(asked, Future), "of all users there is one answer"
        return set(_result(asked))

    def set_password(self, name: str, password: str) -> None:
        """Give a user a password, in place of the one before."""
        self._alter(UserScramCredentialUpsertion(name, _STRENGTH, password.encode()))

    def remove_password(self, name: str) -> None:
        """Take the password from a user who has one. Who is connected stays so."""
        self._alter(UserScramCredentialDeletion(name, _STRENGTH.mechanism))

    def rights_of(self, name: str) -> set[AclBinding]:
        """Return what a user may do, and may not."""
        return set(_result(self._admin.describe_acls(_all_of(name), request_timeout=_TIMEOUT_S)))

    def set_rights(self, name: str, wanted: Collection[AclBinding]) -> bool:
        """Let a user do exactly this; return whether that is another than before."""
        there = self.rights_of(name)
        missing, excess = set(wanted) - there, there - set(wanted)
        if missing:
            _wait(self._admin.create_acls(list(missing), request_timeout=_TIMEOUT_S).values())
        if excess:
            filters = [_exactly(binding) for binding in excess]
            _wait(self._admin.delete_acls(filters, request_timeout=_TIMEOUT_S).values())
        return bool(missing or excess)

    def _alter(self, alteration: UserScramCredentialAlteration) -> None:
        asked = self._admin.alter_user_scram_credentials([alteration], request_timeout=_TIMEOUT_S)
        _wait(asked.values())


def acls_of(user: Document) -> list[AclBinding]:
    """Translate a KafkaUser's rules, one for each operation, to Kafka's."""
    authorization = user["spec"].get("authorization") or {"acls": []}
    return [
        AclBinding(
            _RESOURCES[rule["resource"]["type"]],
            rule["resource"].get("name", _THE_CLUSTER),
            _PATTERNS[rule["resource"].get("patternType", "literal")],
            _principal(user["metadata"]["name"]),
            rule.get("host", "*"),
            AclOperation[_in_capitals(operation)],
            AclPermissionType[rule.get("type", "allow").upper()],
        )
        for rule in authorization["acls"]
        for operation in rule["operations"]
    ]


def _in_capitals(operation: str) -> str:
    """Return Kafka's name of an operation such as DescribeConfigs."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()


def _principal(name: str) -> str:
    return f"User:{name}"


def _all_of(name: str) -> AclBindingFilter:
    return AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type] # any name, as it is documented
        ResourcePatternType.ANY,
        _principal(name),
        None,  # type: ignore[arg-type] # any host
        AclOperation.ANY,
        AclPermissionType.ANY,
    )


def _exactly(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


def _result(future: "Future[Any]") -> Any:
    return future.result(timeout=_TIMEOUT_S + 1)


def _wait(futures: "Iterable[Future[Any]]") -> None:
    for future in futures:
        _result(future)
