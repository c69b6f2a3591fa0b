"""How components speak to Kafka: encrypted or not, and as which user.

Passwords are in files alone: no variable, command line, log or job graph has one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]

PROTOCOL: Final = "CARDWATCH_KAFKA_SECURITY_PROTOCOL"
MECHANISM: Final = "CARDWATCH_KAFKA_SASL_MECHANISM"
USERNAME: Final = "CARDWATCH_KAFKA_USERNAME"
PASSWORD_FILE: Final = "CARDWATCH_KAFKA_PASSWORD_FILE"
CA_FILE: Final = "CARDWATCH_KAFKA_CA_FILE"
_OF_SASL: Final = (USERNAME, PASSWORD_FILE, MECHANISM)
VARIABLES: Final = (PROTOCOL, *_OF_SASL, CA_FILE)


class KafkaSettingsError(ValueError):
    """A variable or a file is missing or not allowed; the message names it, never a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureKafka:
    """A Kafka that wants TLS, a password or both. As text: its addresses.

    Raises:
        KafkaSettingsError: the settings do not fit together.
    """

    bootstrap_servers: str
    """`host:port`, several separated by commas."""

    protocol: Protocol
    """`SSL` is TLS alone, `SASL_PLAINTEXT` a password alone, `SASL_SSL` both."""

    mechanism: Mechanism = "SCRAM-SHA-512"
    """How the password is proved. `PLAIN` sends it as it is, so it needs `SASL_SSL`."""

    username: str = ""
    """Whose password; with SASL only."""

    password_file: Path | None = None
    """The password, with nothing behind it; with SASL only. Read whenever a client is made."""

    ca_file: Path | None = None
    """PEM certificates that sign the brokers'; with TLS only. None: those the system trusts."""

    def __post_init__(self) -> None:
        if self.mechanism not in get_args(Mechanism):
            raise KafkaSettingsError(
                f"{MECHANISM} is {self.mechanism!r}: {_names(get_args(Mechanism))} are allowed"
            )
        if self.has_user and not (self.username and self.password_file):
            missing = PASSWORD_FILE if self.username else USERNAME
            raise KafkaSettingsError(f"{missing} is missing: {PROTOCOL} {self.protocol} needs it")
        if self.mechanism == "PLAIN" and self.protocol == "SASL_PLAINTEXT":
            raise KafkaSettingsError(
                f"{MECHANISM} PLAIN sends the password as it is: {PROTOCOL} SASL_SSL is allowed "
                "with it"
            )
        if not self.username.isprintable() or "${" in self.username:
            raise KafkaSettingsError(f"{USERNAME}: printable characters are allowed, ${{ is not")

    def __str__(self) -> str:
        return self.bootstrap_servers

    @property
    def has_user(self) -> bool:
        """Whether it wants a user's password."""
        return self.protocol.startswith("SASL")

    def password(self) -> str:
        """Read the password.

        Raises:
            KafkaSettingsError: the file cannot be read, is empty or has a line break.
        """
        assert self.password_file is not None, "checked when built"
        password = _read(PASSWORD_FILE, self.password_file)
        if not password:
            raise KafkaSettingsError(f"{PASSWORD_FILE} is {self.password_file}: it is empty")
        if not password.isprintable():
            # Java would take it for a part of the password, and a shell's `echo` writes one.
            raise KafkaSettingsError(
                f"{PASSWORD_FILE} is {self.password_file}: it holds a line break or another "
                "control character; allowed is the password and nothing behind it, as "
                "`printf %s` writes it"
            )
        return password

    def check_files(self) -> None:
        """Look whether the files are there, and are what they should be.

        Raises:
            KafkaSettingsError: one is not.
        """
        if self.has_user:
            self.password()
        if self.ca_file and "-----BEGIN CERTIFICATE-----" not in _read(CA_FILE, self.ca_file):
            raise KafkaSettingsError(f"{CA_FILE} is {self.ca_file}: no certificate in PEM form")


Kafka = str | SecureKafka
"""Where Kafka is. Plain addresses, `host:port` with commas between, are those of a Kafka that
wants neither TLS nor a password."""


def kafka_at(bootstrap_servers: str, environment: Mapping[str, str] = os.environ) -> Kafka:
    """Return the Kafka at some addresses, as the environment says it is to be spoken to.

    Raises:
        KafkaSettingsError: a variable is missing or not allowed, or a file it names is not there
            or not what it should be.
    """
    given = {name: value for name in VARIABLES[1:] if (value := environment.get(name))}
    protocol = environment.get(PROTOCOL) or "PLAINTEXT"
    if protocol not in get_args(Protocol):
        raise KafkaSettingsError(
            f"{PROTOCOL} is {protocol!r}: {_names(get_args(Protocol))} are allowed"
        )
    # What is given for nothing was meant to be used: better no start than an open connection.
    for variable in given:
        part = "SSL" if variable == CA_FILE else "SASL_"
        if part not in protocol:
            raise KafkaSettingsError(
                f"{variable} is set, and {PROTOCOL} is {protocol}, which does not use it: "
                f"{_names([each for each in get_args(Protocol) if part in each])} do"
            )
    if protocol == "PLAINTEXT":
        return bootstrap_servers
    password_file, ca_file = given.get(PASSWORD_FILE), given.get(CA_FILE)
    kafka = SecureKafka(
        bootstrap_servers=bootstrap_servers,
        protocol=protocol,  # type: ignore[arg-type] # one of them, as just checked
        mechanism=given.get(MECHANISM, "SCRAM-SHA-512"),  # type: ignore[arg-type] # it checks it
        username=given.get(USERNAME, ""),
        password_file=Path(password_file) if password_file else None,
        ca_file=Path(ca_file) if ca_file else None,
    )
    kafka.check_files()
    return kafka


def _read(variable: str, file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise KafkaSettingsError(f"{variable} is {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KafkaSettingsError(f"{variable} is {file}: it is not text in UTF-8") from None


def _names(allowed: tuple[str, ...] | list[str]) -> str:
    return f"{', '.join(allowed[:-1])} and {allowed[-1]}"
