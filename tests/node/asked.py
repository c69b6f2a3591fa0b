"""Sends a record to Kafka from within a component's pod, as its user or not quite as that.

The pod's own Python reads this file from its standard input: `python - ADDRESS TOPIC CHANGES`.
CHANGES are settings of librdkafka as JSON, in place of the component's own.
"""

import json
import sys
from typing import Any, Final

from confluent_kafka import KafkaError, Producer

from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import kafka_at

_WITHIN_S: Final = 10.0


def main(address: str, topic: str, changes: str) -> None:
    """Print what became of the record as JSON: `error`, its name, and `cause`, in words."""
    errors = ClientErrors()
    settings: dict[str, Any] = {
        **client_properties(kafka_at(address)),
        "message.timeout.ms": int(_WITHIN_S * 1000),
        "log_level": 0,
        "error_cb": errors,
        **json.loads(changes),
    }
    told: list[KafkaError | None] = []
    producer = Producer(settings)
    producer.produce(topic, b"asked", on_delivery=lambda error, _: told.append(error))
    producer.flush(_WITHIN_S + 5)
    (error,) = told
    answer = {"error": error.name() if error else None, "cause": errors.cause(otherwise="")}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
