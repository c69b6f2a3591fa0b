"""From a transaction and what is remembered to alerts, profiles and dead letters.

The same code runs in Flink's keyed operator, in the reference run and in a backtest; only where
the users' memories are kept differs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from cardwatch_contracts.alert import Alert, Finding, alert_id_of
from cardwatch_contracts.card import CardProfile, decode_card
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.dead_letter import DeadLetter, excerpt_of
from cardwatch_contracts.telemetry import trace_id_of
from cardwatch_contracts.topics import ALERTS, CARD_PROFILES, CARDS, DEAD_LETTERS, REKEYED
from cardwatch_contracts.transaction import Transaction, decode_transaction
from cardwatch_job.detectors.history import CardState, History, UserState
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.rules import Rules, RuleSet
from cardwatch_job.windows import PartialSums

MAX_AHEAD_MS: Final = 5 * 60_000
"""How far a transaction's event time may lie after Kafka took it. Milliseconds."""
PROFILE_EVERY: Final = 10
"""A card's profile is published with each of its first ten transactions, then with every tenth:
an average over more hardly moves in between, and a profile costs as much as judging."""


class Users(Protocol):
    """Where users' memories are kept."""

    def load(self, user_id: str) -> UserState:
        """Return a user's memory, an empty one where the user is new."""

    def store(self, user_id: str, user: UserState) -> None:
        """Keep a user's memory."""


@dataclass(slots=True)
class Counts:
    """What has happened since it was last asked for; one counter of the job for each field."""

    judged: int = 0
    duplicates: int = 0
    """Transactions that were judged already."""
    late: int = 0
    """Older than the card's latest: judged, but no detector that compares times can see more."""
    rekeyed: int = 0
    """Came under another user's key."""
    dead_letters: int = 0


class Judge:
    """Turns each record read from Kafka into the records to write."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.sums = PartialSums()
        self.counts = Counts()
        self.latest_ms = 0
        """The highest event time so far."""

    def take_counts(self) -> Counts:
        """Return what was counted since the last call."""
        counts, self.counts = self.counts, Counts()
        return counts

    def process(self, record: InputRecord, users: Users) -> Iterator[OutputRecord]:
        """Take one transaction or card; what cannot be read becomes a dead letter."""
        try:
            if record.topic == CARDS.name:
                yield from self._take_card(record, users)
            else:
                yield from self._take_transaction(record, users)
        except InvalidRecordError as error:
            self.counts.dead_letters += 1
            yield _dead_letter(record, str(error))

    def _take_card(self, record: InputRecord, users: Users) -> Iterator[OutputRecord]:
        if record.value is None:  # a tombstone: the bank withdrew the card
            return
        card = decode_card(record.value)
        user = users.load(card.user_id)
        state = user.card(card.card_id)
        state.limit_minor = card.card_limit_minor
        users.store(card.user_id, user)
        yield _profile(card.user_id, card.card_id, state)

    def _take_transaction(self, record: InputRecord, users: Users) -> Iterator[OutputRecord]:
        txn = decode_transaction(record.value)
        if txn.event_time > record.timestamp_ms + MAX_AHEAD_MS:
            raise InvalidRecordError(
                "Expected an event time at most 5 min after arrival - at `$.event_time`"
            )
        if record.topic != REKEYED.name and record.key != txn.user_id.encode():
            self.counts.rekeyed += 1
            yield _rekeyed(record, txn)
            return
        user = users.load(txn.user_id)
        if user.has_seen(txn):
            self.counts.duplicates += 1
            return
        user.remember_id(txn)
        self._note_time(txn, user)
        history = History(user.card(txn.card_id), user.cards)
        rule_set = self.rules.select(txn)
        findings = examine(txn, history, rule_set)
        users.store(txn.user_id, user)
        self.sums.add(txn)
        self.counts.judged += 1
        if findings:
            yield _alert(record, txn, findings, rule_set)
        if _profile_due(history.card.transactions):
            yield _profile(txn.user_id, txn.card_id, history.card)

    def _note_time(self, txn: Transaction, user: UserState) -> None:
        """Count what is late, and forget a card that was silent for too long."""
        self.latest_ms = max(self.latest_ms, txn.event_time)
        card = user.cards.get(txn.card_id)
        last = card.last_event_time if card is not None else None
        if last is None:
            return
        if txn.event_time < last:
            self.counts.late += 1
        elif txn.event_time - last > self.rules.memory_ms:
            user.forget_before(txn.event_time - self.rules.memory_ms)


def examine(txn: Transaction, history: History, rule_set: RuleSet) -> tuple[Finding, ...]:
    """Let every detector score, then learn from the transaction."""
    detectors = rule_set.detectors
    findings = tuple(
        finding for detector in detectors if (finding := detector.score(txn, history)) is not None
    )
    for detector in detectors:
        detector.update(txn, history)
    history.learn(txn)
    return findings


def _alert(
    record: InputRecord, txn: Transaction, findings: tuple[Finding, ...], rule_set: RuleSet
) -> OutputRecord:
    traceparent = record.traceparent or txn.traceparent
    trace_id = trace_id_of(traceparent)
    alert = Alert(
        alert_id=alert_id_of(txn.transaction_id),
        transaction=txn,
        findings=findings,
        config=rule_set.record.name,
        generation=rule_set.record.generation,
        ingested_at=record.timestamp_ms,
        mode="active" if any(finding.mode == "active" for finding in findings) else "shadow",
        trace_id=trace_id,
    )
    return OutputRecord.of(
        ALERTS.name, txn.user_id, alert, traceparent=traceparent if trace_id else None
    )


def _rekeyed(record: InputRecord, txn: Transaction) -> OutputRecord:
    """Send a transaction again under its own user's key, where that user's memory is."""
    return OutputRecord(
        topic=REKEYED.name,
        key=txn.user_id.encode(),
        value=record.value or b"",
        traceparent=record.traceparent,
    )


def _dead_letter(record: InputRecord, reason: str) -> OutputRecord:
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


def _profile_due(transactions: int) -> bool:
    return transactions <= PROFILE_EVERY or transactions % PROFILE_EVERY == 0


def _profile(user_id: str, card_id: str, card: CardState) -> OutputRecord:
    count = card.transactions
    profile = CardProfile(
        card_id=card_id,
        user_id=user_id,
        version=count,
        transactions=count,
        average_amount_minor=card.average_amount_minor,
        amounts=card.amounts,
        card_limit_minor=card.limit_minor,
        last_event_time=card.last_event_time,
        last_latitude=card.last_latitude if count else None,
        last_longitude=card.last_longitude if count else None,
        home_latitude=card.latitude_sum / count if count else None,
        home_longitude=card.longitude_sum / count if count else None,
    )
    return OutputRecord.of(CARD_PROFILES.name, card_id, profile)
