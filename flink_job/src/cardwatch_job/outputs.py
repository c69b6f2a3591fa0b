"""The records that judging leads to."""

from collections.abc import Sequence
from math import floor
from typing import Final

from msgspec.structs import replace

from cardwatch_contracts.alert import Alert, Finding, alert_id_of
from cardwatch_contracts.card import CardProfile
from cardwatch_contracts.dead_letter import DeadLetter, excerpt_of
from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    DEAD_LETTERS,
    REKEYED,
    VERDICTS,
)
from cardwatch_contracts.trace_context import TraceContext
from cardwatch_contracts.transaction import Transaction
from cardwatch_contracts.verdict import Verdict
from cardwatch_job.detectors.history import CardState
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.rules import RuleSet

PROFILE_EVERY: Final = 10
"""A card's profile is published with each of its first ten transactions, then with every tenth:
an average over more hardly moves in between, and a profile costs as much as judging."""

PLACE_DIGITS: Final = 6
"""Of degrees behind the point, in a card's home: a tenth of a metre."""
MINOR_DIGITS: Final = 2
"""Of minor units behind the point, in a card's average."""


def alert_of(
    record: InputRecord,
    txn: Transaction,
    findings: Sequence[Finding],
    rule_set: RuleSet,
    trace_id: str,
) -> Alert:
    """Say what was found, by which config."""
    return Alert(
        alert_id=alert_id_of(txn.transaction_id),
        transaction=replace(txn, reply_to=None) if txn.reply_to else txn,
        findings=tuple(findings),
        config=rule_set.record.name,
        generation=rule_set.record.generation,
        ingested_at=record.timestamp_ms,
        mode="active" if any(finding.mode == "active" for finding in findings) else "shadow",
        trace_id=trace_id,
    )


def alert_record(alert: Alert, context: TraceContext) -> OutputRecord:
    """Send an alert in the trace of its transaction."""
    return OutputRecord.of(
        ALERTS.name,
        alert.transaction.user_id,
        alert,
        traceparent=context.traceparent if context.span_id else None,
    )


def verdict_record(
    reply_to: str, txn: Transaction, rule_set: RuleSet, alert: Alert | None, trace_id: str | None
) -> OutputRecord:
    """Tell who waits for it what was decided."""
    verdict = Verdict(
        transaction_id=txn.transaction_id,
        decision="alert" if alert is not None and alert.mode == "active" else "clear",
        config=rule_set.record.name,
        generation=rule_set.record.generation,
        findings=() if alert is None else alert.findings,
        alert_id=None if alert is None else alert.alert_id,
        trace_id=trace_id,
    )
    return OutputRecord.of(VERDICTS.name, reply_to, verdict)


def rekeyed_record(record: InputRecord, txn: Transaction) -> OutputRecord:
    """Send a transaction again under its own user's key, where that user's memory is."""
    return OutputRecord(
        topic=REKEYED.name,
        key=txn.user_id.encode(),
        value=record.value or b"",
        traceparent=record.traceparent,
    )


def dead_letter_record(record: InputRecord, reason: str) -> OutputRecord:
    """Say what could not be read, where it stood and why."""
    excerpt, encoding = excerpt_of(record.value)
    letter = DeadLetter(
        reason=reason,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        ingested_at=record.timestamp_ms,
        size_bytes=len(record.value or b""),
        excerpt=excerpt,
        encoding=encoding,
    )
    key = f"{record.topic}/{record.partition}/{record.offset}"
    return OutputRecord.of(DEAD_LETTERS.name, key, letter)


def profile_due(transactions: int) -> bool:
    """Whether a card's profile is published with its latest transaction."""
    return transactions <= PROFILE_EVERY or transactions % PROFILE_EVERY == 0


def profile_record(user_id: str, card_id: str, card: CardState) -> OutputRecord:
    """Say what a card's history has taught so far."""
    count = card.transactions
    average = card.average_amount_minor
    profile = CardProfile(
        card_id=card_id,
        user_id=user_id,
        version=count,
        transactions=count,
        average_amount_minor=None if average is None else _rounded(average, MINOR_DIGITS),
        amounts=card.amounts,
        card_limit_minor=card.limit_minor,
        last_event_time=card.last_event_time if count else None,
        last_latitude=card.last_latitude if count else None,
        last_longitude=card.last_longitude if count else None,
        home_latitude=_rounded(card.latitude_sum / count, PLACE_DIGITS) if count else None,
        home_longitude=_rounded(card.longitude_sum / count, PLACE_DIGITS) if count else None,
    )
    return OutputRecord.of(CARD_PROFILES.name, card_id, profile)


def _rounded(number: float, digits: int) -> float:
    """Round as the screen does in machine code: halves upwards."""
    scale: int = 10**digits
    return floor(number * scale + 0.5) / scale
