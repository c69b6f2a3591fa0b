"""Whether a platform works: publishes a suspicious payment and waits for its alert.

    python -m cardwatch_generator.smoke --bootstrap-servers HOST:PORT [--timeout-s 60]

The payment has a negative amount, which alerts by the defaults; a DetectorConfig that turns
`negativeAmount` off for bank `cardwatch-smoke` makes this fail.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, TopicPartition

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.kafka_clients import ClientErrors, client_properties, refusal_of
from cardwatch_contracts.kafka_settings import Kafka, kafka_at
from cardwatch_contracts.smoke import suspicious_payment
from cardwatch_contracts.topics import ALERTS
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.publish import KafkaSettings, KafkaSink, PublishError

_PATIENCE_S: Final = 0.5
_ASK_S: Final = 5.0


class NoAlertError(RuntimeError):
    """The payment was published, and its alert did not come in time."""


def check(kafka: Kafka, *, timeout_s: float) -> tuple[Alert, float]:
    """Publish a suspicious payment; return its alert and how long that took, seconds.

    Raises:
        PublishError: Kafka does not take the payment.
        NoAlertError: there is no alert after `timeout_s`.
    """
    name = f"smoke-{uuid4()}"
    consumer = _at_the_end_of_alerts(kafka, timeout_s)
    try:
        sink = KafkaSink(KafkaSettings(bootstrap_servers=kafka))
        payment = suspicious_payment(name, event_time=time.time_ns() // 1_000_000)
        began = time.monotonic()
        sink.send(TransactionBatch([payment], [_new_traceparent()]))
        sink.flush()
        sink.close()
        while time.monotonic() < began + timeout_s:
            message = consumer.poll(_PATIENCE_S)
            if message is None:
                continue
            if (error := message.error()) is not None:
                if refusal := refusal_of(error):
                    raise PublishError(f"cannot read topic {ALERTS.name} at {kafka}: {refusal}")
                continue
            value = message.value()
            alert = decode_alert(value.encode() if isinstance(value, str) else value)
            if alert.transaction.transaction_id == name:
                return alert, time.monotonic() - began
    finally:
        consumer.close()
    raise NoAlertError(
        f"payment {name} was published, and topic {ALERTS.name} has no alert on it after "
        f"{timeout_s:g} s: does the job run, and has no DetectorConfig turned negativeAmount off?"
    )


def _new_traceparent() -> str:
    """Return a W3C trace context of its own, sampled."""
    return f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"


def _at_the_end_of_alerts(kafka: Kafka, timeout_s: float) -> Consumer:
    errors = ClientErrors()
    consumer = Consumer(
        {
            **client_properties(kafka),
            "group.id": "cardwatch-smoke",  # required by the client, never joined
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "log_level": 0,
            "error_cb": errors,
        }
    )
    deadline = time.monotonic() + timeout_s
    try:
        # By number, before the payment is made: "the end" would be looked up after it.
        ends = [
            TopicPartition(ALERTS.name, partition, _end_of(consumer, partition, deadline, errors))
            for partition in range(ALERTS.partitions)
        ]
    except KafkaException as error:
        cause = errors.cause(error.args[0].str())
        consumer.close()
        raise PublishError(f"cannot read topic {ALERTS.name} at {kafka}: {cause}") from None
    consumer.assign(ends)
    return consumer


def _end_of(consumer: Consumer, partition: int, deadline: float, errors: ClientErrors) -> int:
    """Ask until the deadline: a topic that was just made has no leader for a moment."""
    while True:
        left_s = max(deadline - time.monotonic(), 0.1)
        try:
            _, end = consumer.get_watermark_offsets(
                TopicPartition(ALERTS.name, partition), timeout=min(left_s, _ASK_S)
            )
        except KafkaException as error:
            consumer.poll(0)  # lets it tell what happened on its connections
            errors(error.args[0])
            with suppress(KafkaException):  # for a topic that it may not see it is short of words
                topic = consumer.list_topics(ALERTS.name, timeout=_PATIENCE_S).topics[ALERTS.name]
                if topic.error is not None:
                    errors(topic.error)
            if errors.refusal or time.monotonic() > deadline:
                raise
            time.sleep(_PATIENCE_S)
        else:
            return int(end)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m cardwatch_generator.smoke",
        description="Publish a suspicious payment and wait for its alert.",
        allow_abbrev=False,
    )
    parser.add_argument("--bootstrap-servers", required=True, help="Kafka, host:port with commas")
    parser.add_argument("--timeout-s", type=float, default=60.0, help="longest wait (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        alert, seconds = check(kafka_at(options.bootstrap_servers), timeout_s=options.timeout_s)
    except (PublishError, NoAlertError, ValueError) as error:
        print(f"cardwatch_generator.smoke: {error}", file=sys.stderr)
        return 1
    print(
        f"alert {alert.alert_id} after {seconds:.1f} s: {alert.findings[0].reason} "
        f"(config {alert.config}, generation {alert.generation})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
