"""What Kafka's clients of C and of Java need to reach it, and what those of C say of it."""

from typing import Final, Protocol

from cardwatch_contracts.kafka_settings import (
    PASSWORD_FILE,
    USERNAME,
    Kafka,
    KafkaSettingsError,
    SecureKafka,
)

_ALL_BROKERS_DOWN: Final = -187
_WRONG_LOGIN: Final = frozenset({-169, 33, 34, 58})
"""librdkafka's `_AUTHENTICATION`; Kafka's codes for a mechanism, a state or a password refused."""
_NOT_ALLOWED: Final = frozenset({29, 30, 31, 53})
"""Kafka's codes for what a user may not use: topic, group, cluster, transactional id."""


def client_properties(kafka: Kafka) -> dict[str, str]:
    """Return what a client of librdkafka needs to reach Kafka, the password among it.

    Raises:
        KafkaSettingsError: a file is not there, or not what it should be.
    """
    properties = {"bootstrap.servers": str(kafka)}
    if isinstance(kafka, str):
        return properties
    properties["security.protocol"] = kafka.protocol
    kafka.check_files()
    if kafka.ca_file:
        properties["ssl.ca.location"] = str(kafka.ca_file)
    if kafka.has_user:
        properties |= {
            "sasl.mechanism": kafka.mechanism,
            "sasl.username": kafka.username,
            "sasl.password": kafka.password(),
        }
    return properties


def java_properties(kafka: Kafka, *, package: str = "org.apache.kafka") -> dict[str, str]:
    """Return what a Java client needs to reach Kafka: of the password, where its file is.

    The client reads the file itself, so it must be there, at the same path, wherever one is made.

    Args:
        kafka: which Kafka.
        package: where the client's classes are; other than usual where a jar holds them shaded.

    Raises:
        KafkaSettingsError: a file is not there, or not what it should be.
    """
    properties = {"bootstrap.servers": str(kafka)}
    if isinstance(kafka, str):
        return properties
    properties["security.protocol"] = kafka.protocol
    kafka.check_files()
    if kafka.ca_file:
        properties |= {
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(kafka.ca_file),
        }
    return properties | (_java_login(kafka, package) if kafka.has_user else {})


def _java_login(kafka: SecureKafka, package: str) -> dict[str, str]:
    assert kafka.password_file is not None, "checked when built"
    file = kafka.password_file.absolute()
    if {'"', "\\"} & set(kafka.password()) or {":", "}"} & set(str(file)):
        raise KafkaSettingsError(
            f"{PASSWORD_FILE} is {file}: for Java's clients the password may hold no quote and no "
            "backslash, and the file's path no colon and no brace"
        )
    kind = "plain.Plain" if kafka.mechanism == "PLAIN" else "scram.Scram"
    username = kafka.username.replace("\\", "\\\\").replace('"', '\\"')
    return {
        "sasl.mechanism": kafka.mechanism,
        "sasl.jaas.config": (
            f'{package}.common.security.{kind}LoginModule required username="{username}" '
            f'password="${{directory:{file.parent}:{file.name}}}";'
        ),
        "config.providers": "directory",
        "config.providers.directory.class": (
            f"{package}.common.config.provider.DirectoryConfigProvider"
        ),
        "config.providers.directory.param.allowed.paths": str(file.parent),
    }


_Text = str


class ClientError(Protocol):
    """An error as librdkafka's Python client gives it."""

    def code(self) -> int:
        """Return its number."""

    def str(self) -> _Text:
        """Return it in words."""


class ClientErrors:
    """Remembers what a librdkafka client says of its connections; made to be its `error_cb`.

    The client itself tries again, for ever, whatever it was.
    """

    def __init__(self) -> None:
        self.refusal: str | None = None
        """What trying again does not mend: the user is refused; None: none was."""
        self._last: str | None = None

    def __call__(self, error: ClientError) -> None:
        """Take notice of an error."""
        if error.code() in _WRONG_LOGIN | _NOT_ALLOWED:
            self.refusal = refusal_of(error)
        # That all are down comes after why the last of them is.
        if error.code() != _ALL_BROKERS_DOWN or self._last is None:
            self._last = error.str()

    @property
    def has_any(self) -> bool:
        """Whether something was said since the client last got through."""
        return self._last is not None

    def forget(self) -> None:
        """Take notice that the client got through."""
        self.refusal = self._last = None

    def cause(self, otherwise: str = "no answer") -> str:
        """Return why there is no answer, as far as it is known."""
        return self.refusal or self._last or otherwise


def refusal_of(error: ClientError) -> str | None:
    """Return what Kafka refuses its user, and what to look at; None for any other error."""
    said = error.str().rstrip(".")
    if error.code() in _WRONG_LOGIN:
        return (
            f"{said}: does Kafka have the user that {USERNAME} names, and is that user's "
            f"password in the file that {PASSWORD_FILE} names?"
        )
    if error.code() in _NOT_ALLOWED:
        return f"{said}: the user that {USERNAME} names needs the right (ACL) to it"
    return None
