"""Payments through rules, users' habits and a model together, by the job's own judge.

A model says its risk of every payment, a job only of those that alert. So the same model stands
beside itself as a challenger to whom everything is suspicious: what it finds changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from cardwatch_contracts.alert import Alert, Finding, decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    Model,
)
from cardwatch_contracts.topics import ALERTS, TRANSACTIONS
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.judge import Judge
from cardwatch_job.model.artefact import Artefact, encode_artefact
from cardwatch_job.model.in_force import ModelsInForce
from cardwatch_job.model.lessons import Lesson
from cardwatch_job.records import InputRecord
from cardwatch_job.reference import UsersInMemory
from cardwatch_job.rules import Rules
from cardwatch_local.errors import StackError
from cardwatch_local.progress import StepListener
from cardwatch_local.training.payments import FRAUDULENT, UNKNOWN, Payments

_STEP: Final = "judge payments"
_SAY_EVERY: Final = 2_000
_CONFIG: Final = "run-enhanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPayment:
    """What is said of one payment."""

    row: int
    """Which of the payments."""
    transaction: Transaction
    findings: tuple[Finding, ...]
    """Of rules, and of the model where its risk reaches the threshold."""
    by_model: Finding
    """What the model says, also below its threshold."""
    risk: float
    """Model and rules taken together, in [0, 1]."""

    @property
    def by_rules(self) -> bool:
        """Whether a rule objects."""
        return any(finding.model is None for finding in self.findings)

    @property
    def model_objects(self) -> bool:
        """Whether the model does."""
        return any(finding.model is not None for finding in self.findings)


def judged(
    artefact: Artefact, payments: Payments, detectors: Detectors, steps: StepListener
) -> Iterator[JudgedPayment]:
    """Judge payments in their order, as a job would that never stopped.

    What raises an alert teaches no habit until a label says that it was genuine; labels are heard
    when they become known, with what the alert said of the amount.

    Raises:
        StackError: a payment is none that the job would take.
    """
    judge, users = _judge(artefact, detectors), UsersInMemory()
    deviations = np.zeros(len(payments))
    labels = _labels(payments)
    label = next(labels, None)
    steps.started(_STEP, len(payments))
    for row, txn in enumerate(transactions_of(payments)):
        while label is not None and label[0] <= txn.event_time and label[1] < row:
            lesson = label[2]._replace(amount_deviations=float(deviations[label[1]]))
            judge.merchants.hear(lesson)
            users.habits.hear(lesson)
            label = next(labels, None)
        alert = _alert(judge, users, txn)
        if alert is not None:
            deviations[row] = alert.amount_deviations or 0.0
            yield _payment(row, txn, alert)
        if row % _SAY_EVERY == 0:
            steps.advanced(_STEP, row)
    steps.finished(_STEP)


def transactions_of(payments: Payments) -> Iterator[Transaction]:
    """Give payments as the job reads them; what neither rules nor models look at is made up.

    Where there is no `card_id`, a user has one card; where there is no `currency`, amounts are in
    EUR.
    """
    columns = {
        name: [] if column is None else column.tolist()
        for name in ("card_id", "currency", "pin_used", "card_limit_minor")
        for column in (getattr(payments, name),)
    }
    cards, currencies, pins, limits = columns.values()
    for row, paid in enumerate(payments.rows()):
        yield Transaction(
            **paid._asdict() | {"merchant_category": paid.merchant_category or "-"},
            card_id=cards[row] if cards else f"card of {paid.user_id}",
            bank_id="-",
            payment_system="-",
            currency=currencies[row] if currencies else "EUR",
            country="ZZ",
            city="-",
            pin_used=bool(pins[row]) if pins else True,
            channel="chip",
            card_limit_minor=(limits[row] or None) if limits else None,
        )


def _judge(artefact: Artefact, detectors: Detectors) -> Judge:
    beside = Challenger(name=artefact.name, hash=artefact.hash, threshold=0.0)
    model = Model(name=artefact.name, hash=artefact.hash, challenger=beside)
    spec = DetectorConfigSpec(detectors=detectors, model=model)
    rules = Rules([ConfigRecord(name=_CONFIG, generation=1, created_at=0, spec=spec)])
    models = ModelsInForce()
    models.publish(f"{artefact.name}/{artefact.hash}".encode(), encode_artefact(artefact))
    models.follow(rules)
    rules.changed()
    return Judge(rules, adds_up=False, models=models)


def _alert(judge: Judge, users: UsersInMemory, txn: Transaction) -> Alert | None:
    """Return what is said of a payment; None: it came twice."""
    record = InputRecord(
        topic=TRANSACTIONS.name,
        key=txn.user_id.encode(),
        value=encode(txn),
        partition=0,
        offset=0,
        timestamp_ms=txn.event_time,
    )
    for output in judge.process(record, users):
        if output.topic == ALERTS.name:
            return decode_alert(output.value)
    counts = judge.take_counts()
    if counts.dead_letters:
        raise StackError(
            f"payment {txn.transaction_id!r} is none that the job would take: an empty id, a card "
            "number, or a place or an amount out of bounds"
        )
    if counts.unscored:
        raise StackError(f"payment {txn.transaction_id!r}: a feature is no finite number")
    return None


def _payment(row: int, txn: Transaction, alert: Alert) -> JudgedPayment:
    (by_model,) = (each for each in alert.findings if each.detector == "challenger")
    return JudgedPayment(
        row=row,
        transaction=txn,
        findings=tuple(each for each in alert.findings if each is not by_model),
        by_model=replace(by_model, detector="model"),
        risk=by_model.observed if alert.risk is None else alert.risk,
    )


def _labels(payments: Payments) -> Iterator[tuple[int, int, Lesson]]:
    """Give what becomes known, in the order in which it does: when, of which row, and what."""
    known: NDArray[Any] = np.flatnonzero(payments.label != UNKNOWN)
    heard_ms = np.maximum(payments.known_at[known], payments.event_time[known])
    for at in np.argsort(heard_ms, kind="stable").tolist():
        row = int(known[at])
        yield (
            int(heard_ms[at]),
            row,
            Lesson(
                user_id=str(payments.user_id[row]),
                transaction_id=str(payments.transaction_id[row]),
                merchant_id=str(payments.merchant_id[row]),
                event_time=int(payments.event_time[row]),
                fraudulent=bool(payments.label[row] == FRAUDULENT),
                amount_deviations=0.0,
                given_at=int(payments.known_at[row]),
            ),
        )
