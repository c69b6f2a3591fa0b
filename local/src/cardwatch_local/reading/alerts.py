"""Alerts from Kafka, past and coming."""

import sys
from collections import deque
from collections.abc import Iterator

from confluent_kafka import TopicPartition

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import ALERTS
from cardwatch_local.reading.alert_filter import AlertFilter
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import beginnings, follow_topic, read_topic, value_of


def starting_at(bootstrap_servers: Kafka, since_ms: int | None) -> list[TopicPartition]:
    """Return where in `alerts` to begin: at a time (epoch ms), or with the first for None.

    Raises:
        StackError: The broker does not answer.
    """
    if since_ms is None:
        return beginnings(ALERTS)
    offsets = OffsetReader(bootstrap_servers)
    ends = offsets.ends([ALERTS])
    return [
        TopicPartition(topic, number, ends[topic, number] if offset < 0 else offset)
        for (topic, number), offset in offsets.at_time([ALERTS], since_ms).items()
    ]


def past_alerts(
    bootstrap_servers: Kafka, wanted: AlertFilter, *, since_ms: int | None, limit: int | None
) -> list[Alert]:
    """Return the newest `limit` alerts that are wanted, oldest first by arrival in Kafka.

    Raises:
        StackError: The broker does not answer.
    """
    start = starting_at(bootstrap_servers, since_ms)
    found: deque[tuple[int, Alert]] = deque()
    for message in read_topic(bootstrap_servers, ALERTS, start=start):
        alert = _decode(value_of(message))
        if alert is not None and wanted.accepts(alert):
            found.append((message.timestamp()[1], alert))
    ordered = [alert for _, alert in sorted(found, key=lambda pair: pair[0])]
    return ordered if limit is None else ordered[-limit:] if limit else []


def coming_alerts(
    bootstrap_servers: Kafka, wanted: AlertFilter, *, since_ms: int | None, limit: int | None
) -> Iterator[Alert]:
    """Yield wanted alerts as they are committed, those since `since_ms` first.

    With `since_ms` None only new ones. Ends after `limit`.

    Raises:
        StackError: The broker has gone.
    """
    if since_ms is None:
        ends = OffsetReader(bootstrap_servers).ends([ALERTS])
        start = [TopicPartition(name, number, end) for (name, number), end in ends.items()]
    else:
        start = starting_at(bootstrap_servers, since_ms)
    left = limit
    for message in follow_topic(bootstrap_servers, ALERTS, start=start):
        alert = _decode(value_of(message))
        if alert is None or not wanted.accepts(alert):
            continue
        yield alert
        left = None if left is None else left - 1
        if left is not None and left <= 0:
            return


def _decode(value: bytes | None) -> Alert | None:
    try:
        return decode_alert(value)
    except InvalidRecordError as error:  # a newer version's: say it, go on
        sys.stderr.write(f"an alert was left out, it cannot be read: {error}\n")
        return None
