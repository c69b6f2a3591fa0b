"""How Kafka is spoken to, as the environment says it."""

from pathlib import Path

import pytest

from cardwatch_contracts.kafka_clients import (
    ClientErrors,
    client_properties,
    java_properties,
    refusal_of,
)
from cardwatch_contracts.kafka_settings import (
    CA_FILE,
    MECHANISM,
    PASSWORD_FILE,
    PROTOCOL,
    USERNAME,
    KafkaSettingsError,
    SecureKafka,
    kafka_at,
)

_SERVERS = "kafka:9093"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text("s3cret")
    (tmp_path / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----")
    return tmp_path


def _environment(folder: Path, **changes: str | None) -> dict[str, str]:
    given = {
        PROTOCOL: "SASL_SSL",
        USERNAME: "cardwatch-job",
        PASSWORD_FILE: str(folder / "password"),
        CA_FILE: str(folder / "ca.crt"),
    } | changes
    return {name: value for name, value in given.items() if value is not None}


def test_without_variables_kafka_wants_neither_tls_nor_a_password() -> None:
    kafka = kafka_at(_SERVERS, {})
    assert kafka == _SERVERS
    assert client_properties(kafka) == java_properties(kafka) == {"bootstrap.servers": _SERVERS}


def test_empty_variables_are_as_good_as_none(folder: Path) -> None:
    assert kafka_at(_SERVERS, dict.fromkeys(_environment(folder), "")) == _SERVERS


def test_a_client_of_c_gets_the_password_itself(folder: Path) -> None:
    assert client_properties(kafka_at(_SERVERS, _environment(folder))) == {
        "bootstrap.servers": _SERVERS,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(folder / "ca.crt"),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "cardwatch-job",
        "sasl.password": "s3cret",
    }


def test_a_client_of_java_gets_where_the_password_is(folder: Path) -> None:
    kafka = kafka_at(_SERVERS, _environment(folder))
    assert java_properties(kafka, package="shaded") == {
        "bootstrap.servers": _SERVERS,
        "security.protocol": "SASL_SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.crt"),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": (
            "shaded.common.security.scram.ScramLoginModule required "
            f'username="cardwatch-job" password="${{directory:{folder}:password}}";'
        ),
        "config.providers": "directory",
        "config.providers.directory.class": "shaded.common.config.provider.DirectoryConfigProvider",
        "config.providers.directory.param.allowed.paths": str(folder),
    }


def test_tls_alone_needs_no_user_and_no_certificates(folder: Path) -> None:
    kafka = kafka_at(_SERVERS, {PROTOCOL: "SSL"})
    assert client_properties(kafka) == {"bootstrap.servers": _SERVERS, "security.protocol": "SSL"}
    assert java_properties(kafka) == client_properties(kafka)


def test_a_users_name_is_quoted_for_java(folder: Path) -> None:
    kafka = kafka_at(_SERVERS, _environment(folder, **{USERNAME: 'a"b\\', MECHANISM: "PLAIN"}))
    assert java_properties(kafka)["sasl.jaas.config"].startswith(
        'org.apache.kafka.common.security.plain.PlainLoginModule required username="a\\"b\\\\" '
    )


def test_neither_its_text_nor_its_repr_has_the_password(folder: Path) -> None:
    kafka = kafka_at(_SERVERS, _environment(folder))
    assert isinstance(kafka, SecureKafka)
    assert str(kafka) == _SERVERS
    assert "s3cret" not in repr(kafka)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({PROTOCOL: "TLS"}, f"{PROTOCOL} is 'TLS': PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL"),
        ({MECHANISM: "GSSAPI"}, f"{MECHANISM} is 'GSSAPI': SCRAM-SHA-512, SCRAM-SHA-256 and PLAIN"),
        ({MECHANISM: "PLAIN", PROTOCOL: "SASL_PLAINTEXT", CA_FILE: None}, "SASL_SSL is allowed"),
        ({USERNAME: None}, f"{USERNAME} is missing: {PROTOCOL} SASL_SSL needs it"),
        ({PASSWORD_FILE: None}, f"{PASSWORD_FILE} is missing"),
        ({USERNAME: "a\nb"}, f"{USERNAME}: printable"),
        ({USERNAME: "${env:X}"}, f"{USERNAME}: printable"),
        ({PROTOCOL: None}, f"is set, and {PROTOCOL} is PLAINTEXT, which does not use it: SASL_"),
        ({PROTOCOL: "SSL"}, f"{USERNAME} is set, and {PROTOCOL} is SSL"),
        ({PROTOCOL: "SASL_PLAINTEXT"}, f"{CA_FILE} is set.*: SSL and SASL_SSL do"),
        ({PASSWORD_FILE: "/nowhere/at-all"}, f"{PASSWORD_FILE} is /nowhere/at-all: No such file"),
        ({CA_FILE: "/nowhere/at-all"}, f"{CA_FILE} is /nowhere/at-all: No such file"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    folder: Path, changes: dict[str, str | None], message: str
) -> None:
    with pytest.raises(KafkaSettingsError, match=message):
        kafka_at(_SERVERS, _environment(folder, **changes))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("password", b"", "password: it is empty"),
        ("password", b"s3cret\n", "password: it holds a line break"),
        ("password", b"\xff\xfe", "password: it is not text"),
        ("ca.crt", b"s3cret", "ca.crt: no certificate in PEM form"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_by_name_and_never_shown(
    folder: Path, file: str, content: bytes, message: str
) -> None:
    (folder / file).write_bytes(content)
    with pytest.raises(KafkaSettingsError, match=message) as refused:
        kafka_at(_SERVERS, _environment(folder))
    assert "s3cret" not in str(refused.value)


def test_a_password_that_java_would_misread_is_refused_for_java(folder: Path) -> None:
    (folder / "password").write_text('s3"cret')
    kafka = kafka_at(_SERVERS, _environment(folder))
    assert client_properties(kafka)["sasl.password"] == 's3"cret'
    with pytest.raises(KafkaSettingsError, match="for Java's clients the password may hold no qu"):
        java_properties(kafka)


class _Error:
    def __init__(self, code: int, text: str) -> None:
        self._code, self._text = code, text

    def code(self) -> int:
        return self._code

    def str(self) -> str:
        return self._text


_DOWN = _Error(-187, "1/1 brokers are down")
_AWAY = _Error(-195, "Connection refused")
_WRONG = _Error(-169, "invalid credentials")


def test_a_refusal_stands_out_of_what_may_pass() -> None:
    errors = ClientErrors()
    assert (errors.cause(), errors.has_any) == ("no answer", False)
    errors(_AWAY)
    errors(_DOWN)
    assert (errors.cause(), errors.refusal, errors.has_any) == ("Connection refused", None, True)
    errors(_WRONG)
    errors(_DOWN)
    assert errors.cause().startswith("invalid credentials: does Kafka have the user")
    errors.forget()
    assert (errors.cause(), errors.refusal) == ("no answer", None)


@pytest.mark.parametrize("code", [29, 30, 31, 53])
def test_what_the_user_may_not_use_is_a_refusal(code: int) -> None:
    assert refusal_of(_AWAY) is None
    assert "needs the right (ACL)" in (refusal_of(_Error(code, "not authorized")) or "")
