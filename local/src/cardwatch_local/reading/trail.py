"""Everything the topics hold about one transaction."""

from dataclasses import dataclass

from confluent_kafka import Message

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.dead_letter import DeadLetter, decode_dead_letter
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import ALERTS, DEAD_LETTERS, JOB_GROUP, TRANSACTIONS
from cardwatch_contracts.transaction import Transaction, decode_transaction
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import read_topic, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What was found; None where there is nothing."""

    transaction: Transaction | None
    place: str
    """Topic, partition and offset of the transaction; empty if it is not there."""
    judged: bool
    """Whether the job's committed offset is past it."""
    alert: Alert | None
    dead_letter: DeadLetter | None


def find_trail(bootstrap_servers: Kafka, transaction_id: str) -> Trail:
    """Look for a transaction, its alert and its dead letter.

    The topics are scanned: they are keyed by user, not by transaction.

    Raises:
        StackError: The broker does not answer.
    """
    messages = _mentioning(bootstrap_servers, transaction_id)
    message, txn = messages if messages else (None, None)
    judged = message is not None and _is_judged(bootstrap_servers, message)
    return Trail(
        transaction=txn,
        place=_place(message) if message else "",
        judged=judged,
        alert=_alert_on(bootstrap_servers, transaction_id),
        dead_letter=_dead_letter_of(bootstrap_servers, transaction_id, message),
    )


def _mentioning(
    bootstrap_servers: Kafka, transaction_id: str
) -> tuple[Message, Transaction | None] | None:
    """Find the record of a transaction: one that reads as such, else one that names the id."""
    wanted = transaction_id.encode()
    unreadable: Message | None = None
    for message in read_topic(bootstrap_servers, TRANSACTIONS):
        value = value_of(message)
        if value is None or wanted not in value:
            continue
        try:
            txn = decode_transaction(value)
        except InvalidRecordError:
            unreadable = message
            continue
        if txn.transaction_id == transaction_id:
            return message, txn
    return (unreadable, None) if unreadable else None


def _is_judged(bootstrap_servers: Kafka, message: Message) -> bool:
    committed = OffsetReader(bootstrap_servers).of_group(JOB_GROUP)
    place = (message.topic() or "", message.partition() or 0)
    return committed.get(place, 0) > (message.offset() or 0)


def _alert_on(bootstrap_servers: Kafka, transaction_id: str) -> Alert | None:
    wanted = transaction_id.encode()
    for message in read_topic(bootstrap_servers, ALERTS):
        value = value_of(message)
        if value is not None and wanted in value:
            alert = decode_alert(value)
            if alert.transaction.transaction_id == transaction_id:
                return alert
    return None


def _dead_letter_of(
    bootstrap_servers: Kafka, transaction_id: str, record: Message | None
) -> DeadLetter | None:
    place = record and (record.topic(), record.partition(), record.offset())
    for message in read_topic(bootstrap_servers, DEAD_LETTERS):
        letter = decode_dead_letter(value_of(message))
        if (letter.topic, letter.partition, letter.offset) == place or (
            record is None and f'"{transaction_id}"' in letter.excerpt
        ):
            return letter
    return None


def _place(message: Message) -> str:
    return f"{message.topic()}, partition {message.partition()}, offset {message.offset()}"
