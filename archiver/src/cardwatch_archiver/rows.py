"""What Kafka's records are as rows of the archive. Pure.

A row is a tuple in the order of the table's columns. Times are microseconds since 2000-01-01 UTC,
which is how PostgreSQL sends and stores them. PostgreSQL cannot store the character U+0000 in a
text: the archive has U+FFFD, the replacement character, in its place.
"""

from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from cardwatch_contracts.alert import Alert, Finding, decode_alert
from cardwatch_contracts.codec import InvalidRecordError, encode, refuse_card_number
from cardwatch_contracts.feedback import decode_feedback
from cardwatch_contracts.privacy import redact_card_numbers
from cardwatch_contracts.stats import decode_stats
from cardwatch_contracts.transaction import check_transaction, decode_transaction

Row = tuple[Any, ...]

_EPOCH_MS: Final = 946_684_800_000  # 2000-01-01T00:00:00Z
_LARGEST: Final = 2**63 - 1
_LARGEST_SUM: Final = 10**30
_MAX_TEXT: Final = 128
"""Longest text in a key, as of a transaction's identifiers: an index takes no more than 2,700
bytes."""
_NUL: Final = b"\\u0000"
"""As it stands in JSON: the character itself is not allowed there."""


def microseconds(ms: int) -> int:
    """Return a time in milliseconds since 1970 as PostgreSQL counts it."""
    return (ms - _EPOCH_MS) * 1000


def milliseconds(us: int) -> int:
    """Return a time as PostgreSQL counts it in milliseconds since 1970."""
    return us // 1000 + _EPOCH_MS


def transaction_row(value: bytes | None, ingested_ms: int) -> Row:
    """Return the row of `transactions` for one record.

    Args:
        value: what the topic has.
        ingested_ms: when Kafka took it. Milliseconds since 1970-01-01 UTC.

    Raises:
        InvalidRecordError: it is no transaction.
    """
    txn = decode_transaction(value)
    row = (
        microseconds(ingested_ms),
        microseconds(txn.event_time),
        txn.transaction_id,
        txn.user_id,
        txn.card_id,
        txn.bank_id,
        txn.payment_system,
        txn.amount_minor,
        txn.currency,
        txn.merchant_id,
        txn.merchant_category,
        txn.country,
        txn.city,
        txn.latitude,
        txn.longitude,
        txn.pin_used,
        txn.channel,
        txn.card_limit_minor,
        txn.label,
    )
    return _without_nul(row, value)


def alert_row(value: bytes | None, _ingested_ms: int) -> Row:
    """Return the row of `alerts` for one record.

    Raises:
        InvalidRecordError: it is no alert.
    """
    alert = _checked(decode_alert(value))
    txn = alert.transaction
    record = encode(alert)
    if _NUL in record:
        record = msgspec.json.encode(_replaced(msgspec.json.decode(record)))
    row = (
        microseconds(alert.ingested_at),
        _uuid("alert_id", alert.alert_id),
        microseconds(txn.event_time),
        txn.transaction_id,
        txn.user_id,
        txn.card_id,
        txn.bank_id,
        txn.payment_system,
        txn.amount_minor,
        txn.currency,
        txn.merchant_id,
        txn.merchant_category,
        txn.country,
        txn.city,
        alert.mode,
        alert.config,
        alert.generation,
        [finding.detector for finding in alert.findings],
        alert.trace_id,
    )
    return (*_without_nul(row, value), record)


def stats_row(value: bytes | None, _ingested_ms: int) -> Row:
    """Return the row of `transaction_stats` for one record.

    Raises:
        InvalidRecordError: it is no window's counts and sums.
    """
    stats = decode_stats(value)
    refuse_card_number("name", stats.name)
    _in_range("name", len(stats.name), _MAX_TEXT, "characters")
    for field in ("count", "min_minor", "max_minor"):
        _in_range(field, getattr(stats, field), _LARGEST)
    _in_range("sum_minor", stats.sum_minor, _LARGEST_SUM)
    row = (
        microseconds(stats.window_start),
        microseconds(stats.window_end),
        stats.dimension,
        stats.name,
        stats.currency,
        stats.count,
        stats.sum_minor,
        stats.min_minor,
        stats.max_minor,
        stats.average_minor,
    )
    return _without_nul(row, value)


def feedback_row(value: bytes | None, _ingested_ms: int) -> Row:
    """Return the row of `feedback` for one record.

    Raises:
        InvalidRecordError: it is no feedback.
    """
    feedback = decode_feedback(value)
    row = (
        feedback.feedback_id,
        _uuid("alert_id", feedback.alert_id),
        feedback.transaction_id,
        feedback.user_id,
        feedback.card_id,
        feedback.bank_id,
        feedback.merchant_id,
        feedback.label,
        feedback.given_by,
        microseconds(feedback.given_at),
        feedback.reason,
        None if feedback.event_time is None else microseconds(feedback.event_time),
        feedback.amount_deviations,
    )
    return _without_nul(row, value)


def _checked(alert: Alert) -> Alert:
    """Return an alert without card numbers: who wrote the record need not have been the job.

    Raises:
        InvalidRecordError: there is one where a sentence is not, or a number out of range.
    """
    check_transaction(alert.transaction)
    _in_range("generation", alert.generation, _LARGEST)
    _in_range("ingested_at", alert.ingested_at, _LARGEST)
    refuse_card_number("config", alert.config)
    if alert.trace_id:
        refuse_card_number("trace_id", alert.trace_id)
    findings = tuple(_redacted(finding) for finding in alert.findings)
    return alert if findings == alert.findings else replace(alert, findings=findings)


def _redacted(finding: Finding) -> Finding:
    refuse_card_number("findings[...].detector", finding.detector)
    refuse_card_number("findings[...].unit", finding.unit)
    if finding.model is not None:
        refuse_card_number("findings[...].model", finding.model)
    return replace(
        finding,
        reason=redact_card_numbers(finding.reason),
        counterfactual=redact_card_numbers(finding.counterfactual),
    )


def _uuid(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRecordError(f"Expected a UUID - at `$.{field}`") from None


def _in_range(field: str, number: int, largest: int, of: str = "") -> None:
    if not -largest <= number <= largest:
        raise InvalidRecordError(f"Expected at most {largest} {of}".rstrip() + f" - at `$.{field}`")


def _without_nul(row: Row, value: bytes | None) -> Row:
    """Return a row that PostgreSQL can store, for the record it came from."""
    return _replaced(row) if value and _NUL in value else row


def _replaced(value: Any) -> Any:
    """Return a value with every U+0000 in its texts replaced."""
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case dict():
            return {_replaced(key): _replaced(each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(_replaced(each) for each in value)
    return value
