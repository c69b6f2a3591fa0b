"""How the job reaches Kafka: by Flink's connector, and by clients of its own before it starts."""

import time
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties, java_properties
from cardwatch_contracts.kafka_settings import Kafka

_SHADED: Final = "org.apache.flink.kafka.shaded.org.apache.kafka"
"""Where the connector has Kafka's client."""
_TIMEOUT_S: Final = 10.0
_ASK_S: Final = 1.0


class KafkaRefusedError(Exception):
    """Kafka does not let this job's user in; the text says what to look at."""


def check_user(kafka: Kafka) -> None:
    """Return unless Kafka refuses the job's user.

    Also where it does not answer within ten seconds: that may pass, and is for the caller.

    Raises:
        KafkaRefusedError: It does. Flink would try again for ever.
    """
    if isinstance(kafka, str):
        return
    errors = ClientErrors()
    config: dict[str, Any] = {**client_properties(kafka), "log_level": 0, "error_cb": errors}
    admin = AdminClient(config)
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            admin.list_topics(timeout=_ASK_S)
            return
        except KafkaException:
            admin.poll(0)
        if errors.refusal:
            raise KafkaRefusedError(f"Kafka at {kafka}: {errors.refusal}")


def connector_properties(kafka: Kafka) -> dict[str, str]:
    """Return what Flink's Kafka connector needs, by its client's names."""
    return java_properties(kafka, package=_SHADED)


def connector_options(kafka: Kafka) -> dict[str, str]:
    """Return the same as options of a table, by the connector's names."""
    return {f"properties.{name}": value for name, value in connector_properties(kafka).items()}


def in_sql(options: dict[str, str]) -> str:
    """Write a table's options as SQL does, between `WITH (` and `)`."""
    return ", ".join(f"{_text(name)} = {_text(value)}" for name, value in options.items())


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
