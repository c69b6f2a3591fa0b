import pytest

from cardwatch_contracts.kafka_settings import PROTOCOL
from cardwatch_operator.settings import OperatorSettings, SettingsError

KAFKA = {"CARDWATCH_BOOTSTRAP_SERVERS": "kafka:9092"}


def test_the_address_of_kafka_is_enough() -> None:
    assert OperatorSettings.from_environment(KAFKA) == OperatorSettings(
        bootstrap_servers="kafka:9092"
    )


def test_each_setting_is_read_as_what_it_is() -> None:
    settings = OperatorSettings.from_environment(
        KAFKA
        | {
            "CARDWATCH_NAMESPACE": "fraud",
            "CARDWATCH_IDENTITY": "operator-1",
            "CARDWATCH_ACK_TIMEOUT_S": "2.5",
            "CARDWATCH_HEALTH_PORT": "8081",
            "OTHERS": "are left alone",
        }
    )
    assert (settings.namespace, settings.identity) == ("fraud", "operator-1")
    assert (settings.ack_timeout_s, settings.health_port) == (2.5, 8081)


@pytest.mark.parametrize("environment", [{}, {"CARDWATCH_BOOTSTRAP_SERVERS": ""}])
def test_without_kafka_it_says_what_is_missing(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="CARDWATCH_BOOTSTRAP_SERVERS is missing"):
        OperatorSettings.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("ACK_TIMEOUT_S", "soon", "a number"),
        ("ACK_TIMEOUT_S", "0", "0.1 to 3600"),
        ("ACK_TIMEOUT_S", "nan", "0.1 to 3600"),
        ("RESYNC_S", "3601", "0.1 to 3600"),
        ("HEALTH_PORT", "0", "1 to 65535"),
        ("METRICS_PORT", "65536", "1 to 65535"),
        ("METRICS_PORT", "90.5", "a number"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError, match=f"CARDWATCH_{name} is to be {allowed}"):
        OperatorSettings.from_environment(KAFKA | {f"CARDWATCH_{name}": value})


def test_how_kafka_is_spoken_to_is_checked() -> None:
    with pytest.raises(SettingsError, match=f"{PROTOCOL} is 'TLS': PLAINTEXT, SSL"):
        OperatorSettings.from_environment(KAFKA | {PROTOCOL: "TLS"})
