"""From a transaction and what is remembered to alerts, profiles and dead letters.

The same code runs in Flink's keyed operator, in the reference run and in a backtest; only where
the users' memories are kept differs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Final, Protocol

from msgspec.structs import replace

from cardwatch_contracts.alert import Alert, Finding, FindingMode
from cardwatch_contracts.card import decode_card
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.topics import CARDS, REKEYED, USER_HABITS
from cardwatch_contracts.trace_context import TraceContext, new_trace, read_traceparent
from cardwatch_contracts.transaction import Transaction, decode_transaction
from cardwatch_job.detectors import DETECTORS
from cardwatch_job.detectors.history import CardState, History, UserState
from cardwatch_job.detectors.stored import HeldTransaction
from cardwatch_job.model.features import AMOUNT_DEVIATIONS
from cardwatch_job.model.in_force import ModelsInForce
from cardwatch_job.model.judging import MODEL_DETECTORS, JudgingModels
from cardwatch_job.model.memory import merchants as merchants_of
from cardwatch_job.model.merchants import Merchants
from cardwatch_job.model.users import ModelUsers
from cardwatch_job.outputs import (
    alert_of,
    alert_record,
    dead_letter_record,
    profile_due,
    profile_record,
    rekeyed_record,
    verdict_record,
)
from cardwatch_job.progress import Progress
from cardwatch_job.records import InputRecord, Output, OutputRecord, Records
from cardwatch_job.rules import Rules, RuleSet
from cardwatch_job.tracing import Traces
from cardwatch_job.waiting import WaitingRoom
from cardwatch_job.windows import PartialSums

try:
    from cardwatch_job.flat_sums import FlatSums
    from cardwatch_job.screen import Screen
except ImportError:  # not compiled: the detectors look at every transaction
    FlatSums = Screen = None  # type: ignore[assignment, misc]

MAX_AHEAD_MS: Final = 5 * 60_000
"""How far a transaction's event time may lie after Kafka took it. Milliseconds."""
_ALL: Final = 2**63
_MODES: Final[dict[FindingMode, str]] = {
    "active": "findings",
    "shadow": "shadow_findings",
}
"""What findings of each mode are counted as."""
_NOTHING: Final[tuple[OutputRecord, ...]] = ()


class Users(Protocol):
    """Where users' memories are kept."""

    room: WaitingRoom
    habits: ModelUsers
    """What models remember of the same users."""

    def load(self, user_id: str) -> UserState:
        """Return a user's memory, an empty one where the user is new."""

    def store(self, user_id: str, user: UserState) -> None:
        """Keep a user's memory."""


@dataclass(slots=True)
class Counts:
    """What has happened since it was last asked for; one counter of the job for each number."""

    judged: int = 0
    duplicates: int = 0
    """Transactions that were judged already."""
    late: int = 0
    """Older than the card's latest: judged, but no detector that compares times can see more."""
    rekeyed: int = 0
    """Came under another user's key."""
    dead_letters: int = 0
    malformed_traceparents: int = 0
    """Headers that are no W3C trace context: the transaction's trace begins anew."""
    dropped_spans: int = 0
    """The queue for spans was full, or the collector did not take them."""
    alerts: int = 0
    """Those to be acted on."""
    shadow_alerts: int = 0
    """Those of detectors on trial alone."""
    scored: int = 0
    """Transactions that a model judged."""
    unscored: int = 0
    """Those that no model could judge: a feature was no finite number."""
    feedback_heard: int = 0
    """Answers of analysts that taught something of a merchant."""
    feedback_refused: int = 0
    """Answers that broke their contract."""
    findings: list[int] = field(default_factory=lambda: [0] * len(_FINDINGS))
    """What detectors object to, in the order of `_FINDINGS`."""

    def as_tuple(self) -> tuple[int, ...]:
        """Return the counts in the order of `COUNTERS`."""
        return (
            self.judged,
            self.duplicates,
            self.late,
            self.rekeyed,
            self.dead_letters,
            self.malformed_traceparents,
            self.dropped_spans,
            self.alerts,
            self.shadow_alerts,
            self.scored,
            self.unscored,
            self.feedback_heard,
            self.feedback_refused,
            *self.findings,
        )

    def add_alert(self, alert: Alert) -> None:
        """Count an alert, and what it says of each detector."""
        if alert.mode == "active":
            self.alerts += 1
        else:
            self.shadow_alerts += 1
        for finding in alert.findings:
            self.findings[_FINDINGS[finding.detector, finding.mode]] += 1


_FINDINGS: Final[dict[tuple[str, FindingMode], int]] = {
    (detector, mode): len(_MODES) * number + place
    for number, detector in enumerate((*(each.name for each in DETECTORS), *MODEL_DETECTORS))
    for place, mode in enumerate(_MODES)
}
"""Where each kind of finding is counted."""
COUNTERS: Final = (
    *(each.name for each in fields(Counts) if each.name != "findings"),
    *(f"{_MODES[mode]};detector={detector}" for detector, mode in _FINDINGS),
)
"""What Flink is to call each number of `Counts.as_tuple`: a name, and perhaps a label."""


class Judge:
    """Turns each record read from Kafka into the records to write."""

    def __init__(
        self,
        rules: Rules,
        *,
        out_of_orderness_ms: int = 0,
        adds_up: bool = True,
        traces: Traces | None = None,
        models: ModelsInForce | None = None,
        merchants: Merchants | None = None,
    ) -> None:
        """Judge by `rules`.

        `out_of_orderness_ms`: how much of event time a transaction waits for earlier ones of its
        user; 0 judges each as it comes. `adds_up`: whether to add transactions up by window.
        `traces`: where to note what is to be recorded as spans. `models`: those that configs ask
        for; None: there are none. `merchants`: what feedback has said of merchants.
        """
        self.rules = rules
        self.models = ModelsInForce() if models is None else models
        self.merchants = merchants_of() if merchants is None else merchants
        self.traces = traces
        self._adds_up = adds_up
        self._wait_ms = out_of_orderness_ms
        self.sums = PartialSums() if FlatSums is None else FlatSums()
        self.counts = Counts()
        self.progress = Progress()
        self._screen = None
        if Screen is not None and not out_of_orderness_ms:
            self._screen = Screen(self, self.sums if adds_up else None, MAX_AHEAD_MS)

    def take_counts(self) -> Counts:
        """Return what was counted since the last call."""
        counts, self.counts = self.counts, Counts()
        if self._screen is not None:
            counts.judged += self._screen.take_settled()
            counts.malformed_traceparents += self._screen.take_malformed()
            counts.scored += self._screen.take_scored()
        return counts

    def process(self, record: InputRecord, users: Users) -> Sequence[OutputRecord]:
        """Take one transaction or card; what cannot be read becomes a dead letter."""
        if self._screen is not None:
            outputs = self._screen.settle(record, users)
            if outputs is not None:
                return outputs
        return self.take(record, users)

    def take(self, record: InputRecord, users: Users) -> Sequence[OutputRecord]:
        """Do the same by the detectors alone, without the screen."""
        try:
            if record.topic == CARDS.name:
                return self._take_card(record, users)
            if record.topic == USER_HABITS.name:
                return self._take_habits(record, users)
            return self._take_transaction(record, users)
        except InvalidRecordError as error:
            self.counts.dead_letters += 1
            if self.traces is not None:
                self.traces.failed(record, str(error))
            return [dead_letter_record(record, str(error))]

    def process_all(self, sections: Sequence[tuple[Records, Users]]) -> list[Output]:
        """Take batches, each with the users among whom its own are; a user's records in order."""
        outputs: list[Output] = []
        if self._screen is not None:
            self._screen.judge_all(sections, outputs)
            return outputs
        for records, users in sections:
            for record in records:
                outputs.extend(self.take(record, users))
        return outputs

    def _take_card(self, record: InputRecord, users: Users) -> Sequence[OutputRecord]:
        if record.value is None:
            return self._forget(record, users)
        card = decode_card(record.value)
        user = users.load(card.user_id)
        state = user.card(card.card_id)
        state.limit_minor = card.card_limit_minor
        users.store(card.user_id, user)
        return [profile_record(card.user_id, card.card_id, state)]

    def _forget(self, record: InputRecord, users: Users) -> Sequence[OutputRecord]:
        """Take a tombstone: its card was withdrawn, or its whole user is to be forgotten."""
        user_id, _, card_id = (record.key or b"").decode(errors="replace").partition("/")
        user = users.load(user_id)
        user.forget(card_id)
        users.store(user_id, user)
        if not card_id:
            users.habits.forget(user_id)
        return _NOTHING

    def _take_habits(self, record: InputRecord, users: Users) -> Sequence[OutputRecord]:
        """Take up what the archive knows of a user; a tombstone has the user's habits forgotten."""
        user_id = (record.key or b"").decode(errors="replace")
        if record.value is None:
            users.habits.forget(user_id)
        else:
            try:
                users.habits.adopt(user_id, record.value)
            except ValueError as error:
                raise InvalidRecordError(str(error)) from None
        return _NOTHING

    def _take_transaction(self, record: InputRecord, users: Users) -> Sequence[OutputRecord]:
        txn = decode_transaction(record.value)
        if txn.event_time > record.timestamp_ms + MAX_AHEAD_MS:
            raise InvalidRecordError(
                "Expected an event time at most 5 min after arrival - at `$.event_time`"
            )
        if record.topic != REKEYED.name and record.key != txn.user_id.encode():
            self.counts.rekeyed += 1
            return [rekeyed_record(record, txn)]
        self.progress.note(record.partition, txn.event_time)
        user = users.load(txn.user_id)
        if user.has_seen(txn.transaction_id):
            self.counts.duplicates += 1
            return _NOTHING
        if self._wait_ms and txn.event_time > users.room.latest_ms - self._wait_ms:
            self._hold(record, txn, user, users)
            return list(self.release(users, users.room.latest_ms - self._wait_ms))
        return self._judge(record, txn, user, users)

    def release(self, users: Users, until_ms: int = _ALL) -> Iterator[OutputRecord]:
        """Judge those that wait, up to an event time; without one, all."""
        for user_id in users.room.due(until_ms):
            user = users.load(user_id)
            held = user.take_earliest()
            record = InputRecord(
                topic=REKEYED.name,  # whatever it came under, it is under its own user now
                key=user_id.encode(),
                value=held.value,
                partition=0,
                offset=0,
                timestamp_ms=held.timestamp_ms,
                traceparent=held.traceparent,
            )
            yield from self._judge(record, decode_transaction(held.value), user, users)

    def _hold(self, record: InputRecord, txn: Transaction, user: UserState, users: Users) -> None:
        held = HeldTransaction(
            event_time=txn.event_time,
            transaction_id=txn.transaction_id,
            value=record.value or b"",
            timestamp_ms=record.timestamp_ms,
            traceparent=record.traceparent,
        )
        user.hold(held)
        users.store(txn.user_id, user)
        users.room.enter(txn.event_time, txn.user_id)

    def _judge(
        self, record: InputRecord, txn: Transaction, user: UserState, users: Users
    ) -> Sequence[OutputRecord]:
        user.remember_id(txn.transaction_id, txn.event_time)
        card = self._card_of(txn, user)
        rule_set = self.rules.select(txn)
        findings = examine(txn, History(card, user.cards), rule_set)
        users.store(txn.user_id, user)
        models = self.models.of(rule_set.record)
        risk = deviations = None
        if models is not None:
            risk, deviations = self._ask(models, txn, users, findings)
        if self._adds_up:
            self.sums.add(txn)
        self.counts.judged += 1
        context = self.context_of(record, txn.traceparent)
        if self.traces is not None and context is not None and context.sampled and not findings:
            self.traces.sampled(record, context)
        due = profile_due(card.transactions)
        if not findings and not due and not txn.reply_to:
            return _NOTHING
        outputs = []
        alert = None
        if findings:
            context = context or new_trace(txn.transaction_id)
            alert = alert_of(record, txn, findings, rule_set, context.trace_id)
            if risk is not None:
                alert = replace(alert, risk=risk, amount_deviations=deviations)
            self.counts.add_alert(alert)
            if self.traces is not None:
                context = self.traces.alerted(record, context, alert)
            outputs.append(alert_record(alert, context))
        if txn.reply_to:
            trace_id = None if context is None else context.trace_id
            outputs.append(verdict_record(txn.reply_to, txn, rule_set, alert, trace_id))
        if due:
            outputs.append(profile_record(txn.user_id, txn.card_id, card))
        return outputs

    def _ask(
        self, models: JudgingModels, txn: Transaction, users: Users, findings: list[Finding]
    ) -> tuple[float | None, float]:
        """Have models look at a transaction, add what they find, and have the user learn from it.

        Returns:
            The risk, None where no model could judge, and by how many standard deviations the
            amount is over the user's usual one.
        """
        vector = users.habits.look(txn, self.merchants)
        by_rules = [finding.detector for finding in findings if finding.mode == "active"]
        risk = None
        try:
            for judging in models.judging:
                own, finding = judging.judge(vector, txn.currency)
                if finding is not None:
                    findings.append(finding)
                if judging.role == "model":
                    risk = judging.combined(own, by_rules)
            self.counts.scored += bool(models.judging)
        except ValueError:  # the scorer's
            self.counts.unscored += 1
        alerted = any(finding.mode == "active" for finding in findings)
        users.habits.learn(txn, alerted=alerted)
        return risk, vector[AMOUNT_DEVIATIONS]

    def context_of(self, record: InputRecord, in_payload: str | None) -> TraceContext | None:
        """Return where a transaction was sent: by its header or, without a good one, its field."""
        context = read_traceparent(record.traceparent)
        if context is None:
            self.counts.malformed_traceparents += bool(record.traceparent)
            context = read_traceparent(in_payload)
        return context

    def _card_of(self, txn: Transaction, user: UserState) -> CardState:
        """Return the card's memory; one that was silent for too long is new again."""
        card = user.card(txn.card_id)
        if card.transactions:
            silence_ms = txn.event_time - card.last_event_time
            if silence_ms < 0:
                self.counts.late += 1
            elif silence_ms > self.rules.memory_ms:
                user.forget_before(txn.event_time - self.rules.memory_ms)
                return user.card(txn.card_id)
        return card


def examine(txn: Transaction, history: History, rule_set: RuleSet) -> list[Finding]:
    """Let every detector score, then learn from the transaction."""
    findings: list[Finding] = []
    for detector in rule_set.detectors:
        finding = detector.score(txn, history)
        if finding is not None:
            findings.append(finding)
    for detector in rule_set.learners:
        detector.update(txn, history)
    history.card.learn(txn)
    return findings
