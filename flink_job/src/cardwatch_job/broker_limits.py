"""Asks the broker whether it allows the transaction timeout that is wanted."""

from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from cardwatch_contracts.kafka_clients import client_properties
from cardwatch_contracts.kafka_settings import Kafka

_OPTION: Final = "transaction.max.timeout.ms"
_TIMEOUT_S: Final = 10.0


class TimeoutNotAllowedError(Exception):
    """The broker's limit is lower; the text says which and what to do."""


def check_timeout(kafka: Kafka, wanted_ms: int) -> None:
    """Return if the broker allows transactions to be open for `wanted_ms`.

    Also where it does not tell its limit: then it refuses the sink's first transaction itself.

    Raises:
        TimeoutNotAllowedError: It does not.
    """
    limit_ms = _limit_ms(kafka)
    if limit_ms is not None and wanted_ms > limit_ms:
        raise TimeoutNotAllowedError(
            f"--transaction-timeout-ms is {wanted_ms}, and Kafka at {kafka} allows at "
            f"most {limit_ms}: raise {_OPTION} of its brokers, or give --transaction-timeout-ms "
            f"{limit_ms}; alerts are then lost if the job is down for longer at a bad moment"
        )


def _limit_ms(kafka: Kafka) -> int | None:
    admin = AdminClient({**client_properties(kafka), "log_level": 0})
    try:
        broker = min(admin.list_topics(timeout=_TIMEOUT_S).brokers)
        asked = ConfigResource(ResourceType.BROKER, str(broker))
        options = admin.describe_configs([asked], request_timeout=_TIMEOUT_S)[asked]
        return int(options.result(_TIMEOUT_S + 1)[_OPTION].value)
    except KafkaException:
        return None
