"""Puts DetectorConfigs in force from the command line, and waits for the subtasks' word."""

import getpass
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import ConfigRecord, decode_config_ack
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.messaging import acknowledged_config
from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.spans import Span
from cardwatch_contracts.topics import CONFIG_ACKS
from cardwatch_local.errors import StackError
from cardwatch_local.reading.topic import beginnings, follow_topic, read_topic, value_of
from cardwatch_operator.config_log import BrokerError, ConfigLog, OvertakenError
from cardwatch_operator.config_topics import ConfigTopics
from cardwatch_operator.models import is_refused

_ATTEMPTS: Final = 5
_SECOND_THOUGHTS_S: Final = 3.0
"""After a model was refused: it may just be on its way to the subtasks, behind the config."""

Plan = Callable[[ConfigTopics], Sequence[ConfigRecord]]
"""Chooses what to publish by what the topics hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a config that was published."""

    record: ConfigRecord
    acknowledgements: Acknowledgements
    seconds: float
    """From publishing to the last acknowledgement that came."""

    @property
    def is_complete(self) -> bool:
        """Whether every subtask has acknowledged."""
        return self.acknowledgements.complete(self.record)

    @property
    def is_refused(self) -> bool:
        """Whether subtasks refuse the model that is asked for."""
        return bool(self.acknowledgements.refusals(self.record))


def read_configs(bootstrap_servers: Kafka) -> ConfigTopics:
    """Return what the topics hold.

    Raises:
        StackError: The broker does not answer.
    """
    with _in_our_words():
        return ConfigLog(bootstrap_servers).read()


def read_acknowledgements(bootstrap_servers: Kafka) -> Acknowledgements:
    """Return what the subtasks have said so far.

    Raises:
        StackError: The broker does not answer.
    """
    acks = Acknowledgements()
    for message in read_topic(bootstrap_servers, CONFIG_ACKS, isolation="read_uncommitted"):
        with suppress(InvalidRecordError):
            acks.add(decode_config_ack(value_of(message)))
    return acks


def publish_and_wait(
    bootstrap_servers: Kafka, plan: Plan, *, timeout_s: float, exporter: Exporter | None = None
) -> list[Applied]:
    """Publish what `plan` says, and wait until every subtask has acknowledged each, or time is up.

    It does not wait longer for subtasks that refuse a model and stay with that.

    `exporter` gets the spans of it. The plan is asked again where somebody else has written
    meanwhile. Withdrawals that every subtask has acknowledged are then forgotten by Kafka.

    Raises:
        StackError: The broker does not answer or did not take the configs.
    """
    with _in_our_words():
        log = ConfigLog(bootstrap_servers, exporter=exporter)
        records = _publish(log, plan)
        published_ns = time.time_ns()
        if not records:
            return []
        applied = _wait(bootstrap_servers, records, timeout_s=timeout_s)
        if exporter is not None:
            exporter.put_made(*(_span(each, published_ns) for each in applied if each.is_complete))
        gone = [each.record.name for each in applied if each.record.withdrawn and each.is_complete]
        if gone:
            with suppress(OvertakenError):  # somebody gave the name a new config
                log.forget(gone)
        return applied


def _span(applied: Applied, published_ns: int) -> Span:
    acks = applied.acknowledgements
    return acknowledged_config(
        applied.record,
        reader="cardwatch-cli",
        subtasks=acks.parallelism or 0,
        start_ns=published_ns,
        end_ns=time.time_ns(),
    )


def who() -> str:
    """Return who changes a config, for its history."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _publish(log: ConfigLog, plan: Plan) -> Sequence[ConfigRecord]:
    for attempt in range(_ATTEMPTS):
        log.begin()
        records = plan(log.read())
        if not records:
            return records
        try:
            log.publish(records)
        except OvertakenError:
            time.sleep(0.1 * 2**attempt)
        else:
            return records
    raise StackError("others change DetectorConfigs all the time: try again when they do not")


def _wait(
    bootstrap_servers: Kafka, records: Sequence[ConfigRecord], *, timeout_s: float
) -> list[Applied]:
    began = time.monotonic()
    acks = Acknowledgements()
    took_s = dict.fromkeys((record.name for record in records), 0.0)

    def is_settled(record: ConfigRecord) -> bool:
        since_s = time.monotonic() - began - took_s[record.name]
        return acks.complete(record) or (is_refused(acks, record) and since_s > _SECOND_THOUGHTS_S)

    def done() -> bool:
        return time.monotonic() - began > timeout_s or all(map(is_settled, records))

    for message in follow_topic(
        bootstrap_servers,
        CONFIG_ACKS,
        isolation="read_uncommitted",
        start=beginnings(CONFIG_ACKS),
        stopped=done,
    ):
        with suppress(InvalidRecordError):
            ack = decode_config_ack(value_of(message))
            acks.add(ack)
            took_s[ack.name] = time.monotonic() - began
    return [
        Applied(record=record, acknowledgements=acks, seconds=took_s[record.name])
        for record in records
    ]


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except BrokerError as error:
        raise StackError(f"{error}. Is the stack running? See `cardwatch status`.") from None
