"""DetectorConfigs to and from Kafka."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from confluent_kafka import KafkaException, Producer, TopicPartition

from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    decode_config_ack,
    decode_config_record,
)
from cardwatch_contracts.topics import CONFIG_ACKS, DETECTOR_CONFIGS
from cardwatch_local.configs.plan import Acknowledgements, KnownConfig
from cardwatch_local.errors import StackError
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import RETRY_S, follow_topic, key_of, read_topic, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a config that was published."""

    record: ConfigRecord
    acknowledgements: Acknowledgements
    seconds: float
    """From publishing to the last acknowledgement that came."""


def known_configs(bootstrap_servers: str) -> dict[str, KnownConfig]:
    """Return every config the topic holds, by name.

    Raises:
        StackError: The broker does not answer.
    """
    known: dict[str, KnownConfig] = {}
    for message in read_topic(bootstrap_servers, DETECTOR_CONFIGS):
        name = (key_of(message) or b"").decode(errors="replace")
        highest = known[name].generation if name in known else 0
        value = value_of(message)
        if value is None:
            known[name] = KnownConfig(current=None, generation=highest)
            continue
        with suppress(InvalidRecordError):  # the job passes it over too
            record = decode_config_record(value)
            if record.generation >= highest:
                known[record.name] = KnownConfig(current=record, generation=record.generation)
    return known


def configs_in_force(bootstrap_servers: str) -> list[ConfigRecord]:
    """Return the configs in force, by name.

    Raises:
        StackError: The broker does not answer.
    """
    known = known_configs(bootstrap_servers)
    return [entry.current for _, entry in sorted(known.items()) if entry.current is not None]


def publish_and_wait(
    bootstrap_servers: str, records: Sequence[ConfigRecord], *, timeout_s: float
) -> list[Applied]:
    """Publish configs and wait until every subtask has acknowledged each, or time is up.

    Raises:
        StackError: The broker does not answer or did not take the configs.
    """
    ends = OffsetReader(bootstrap_servers).ends([CONFIG_ACKS])
    start = [TopicPartition(topic, number, end) for (topic, number), end in ends.items()]
    _publish(bootstrap_servers, records)
    began = time.monotonic()
    waiting = {record.name: Acknowledgements(record) for record in records}
    took_s = dict.fromkeys(waiting, 0.0)

    def done() -> bool:
        return time.monotonic() - began > timeout_s or all(
            acknowledgements.complete for acknowledgements in waiting.values()
        )

    for message in follow_topic(
        bootstrap_servers, CONFIG_ACKS, isolation="read_uncommitted", start=start, stopped=done
    ):
        with suppress(InvalidRecordError):
            ack = decode_config_ack(value_of(message))
            if ack.name in waiting:
                waiting[ack.name].add(ack)
                took_s[ack.name] = time.monotonic() - began
    return [
        Applied(record=r, acknowledgements=waiting[r.name], seconds=took_s[r.name]) for r in records
    ]


def _publish(bootstrap_servers: str, records: Sequence[ConfigRecord]) -> None:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "enable.idempotence": True,
            "delivery.timeout.ms": int(RETRY_S * 1000),
            "log_level": 0,
        }
    )
    failed: list[str] = []

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            failed.append(str(error))

    try:
        for record in records:
            producer.produce(
                DETECTOR_CONFIGS.name,
                key=record.name.encode(),
                value=encode(record),
                on_delivery=delivered,
            )
        left = producer.flush(RETRY_S + 1)
    except KafkaException as error:
        raise StackError(f"Kafka did not take the configs: {error.args[0].str()}") from None
    if failed or left:
        raise StackError(f"Kafka did not take {len(failed) or left} of the configs: {failed}")
