"""What the rules say of payments: the job's own judge, run over them one after another."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_contracts.alert import Finding, decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
)
from cardwatch_contracts.topics import ALERTS, TRANSACTIONS
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors import build_detectors
from cardwatch_job.judge import Judge
from cardwatch_job.records import InputRecord
from cardwatch_job.rules import Rules
from cardwatch_job.users import users_of_bucket
from cardwatch_local.errors import StackError
from cardwatch_local.progress import SilentListener, StepListener
from cardwatch_local.training.payments import Payments

_SAY_EVERY: Final = 20_000
_PLACE_RULES: Final = ("impossible_travel", "multi_card_distance", "unusual_location")
_PIN_RULES: Final = ("pin_avoidance", "many_no_pin")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFindings:
    """Which rules object to which payments."""

    rules: tuple[str, ...]
    """Those that could be tried."""
    lacking: dict[str, str]
    """Those that could not, with what the payments lack."""
    found: NDArray[np.bool_]
    """One row a payment, one column a rule of `rules`."""
    times_average: NDArray[np.float32]
    """How many times the card's average an amount was to which `amount_spike` objects; else 0."""

    def of(self, chosen: NDArray[Any]) -> "RuleFindings":
        """Return those of the payments that are chosen, by number or by a mask."""
        return replace(self, found=self.found[chosen], times_average=self.times_average[chosen])


def lacking(payments: Payments) -> dict[str, str]:
    """Return the rules that these payments cannot be judged by, and what there is not."""
    missing: dict[str, str] = {}
    if not payments.latitude.any() and not payments.longitude.any():
        missing |= dict.fromkeys(_PLACE_RULES, "latitude and longitude")
    if payments.card_id is None:
        missing.setdefault("multi_card_distance", "card_id")
    if payments.pin_used is None:
        missing |= dict.fromkeys(_PIN_RULES, "pin_used")
    if payments.card_limit_minor is None or not payments.card_limit_minor.any():
        missing["limit_exceeded"] = "card_limit_minor"
    return missing


def rule_findings(
    payments: Payments,
    steps: StepListener | None = None,
    *,
    detectors: Detectors | None = None,
) -> RuleFindings:
    """Judge payments in their order by rules, with `detectors` or their built-in settings.

    A rule that is off is not tried.

    Where there is no `card_id`, a user has one card; where there is no `currency`, amounts are in
    EUR. Every payment is judged once, in order, as by a job that never stopped.

    Raises:
        StackError: a payment is none that the job would take.
    """
    steps = steps or SilentListener()
    asked = [each.name for each in build_detectors(detectors or Detectors())]
    missing = {name: what for name, what in lacking(payments).items() if name in asked}
    rules = tuple(name for name in asked if name not in missing)
    findings = RuleFindings(
        rules=rules,
        lacking=missing,
        found=np.zeros((len(payments), len(rules)), bool),
        times_average=np.zeros(len(payments), np.float32),
    )
    judge = Judge(_rules(detectors), adds_up=False)
    users = users_of_bucket({})
    steps.started("judge by rules", len(payments))
    for row, txn in enumerate(_transactions(payments)):
        for output in judge.process(_record(txn), users):
            if output.topic == ALERTS.name:
                _note(findings, row, decode_alert(output.value).findings)
        if row % _SAY_EVERY == 0:
            steps.advanced("judge by rules", row)
    steps.finished("judge by rules")
    if refused := judge.take_counts().dead_letters:
        raise StackError(
            f"{refused:,} of the payments are none that the job would take: "
            "an empty id, or a place or an amount out of bounds"
        )
    return findings


def _rules(detectors: Detectors | None) -> Rules:
    if detectors is None:
        return Rules()
    spec = DetectorConfigSpec(detectors=detectors)
    return Rules([ConfigRecord(name="rules", generation=1, created_at=0, spec=spec)])


def _note(findings: RuleFindings, row: int, said: Iterable[Finding]) -> None:
    for finding in said:
        if finding.detector in findings.rules:
            findings.found[row, findings.rules.index(finding.detector)] = True
        if finding.detector == "amount_spike" and finding.baseline:
            findings.times_average[row] = finding.observed / finding.baseline


def _record(txn: Transaction) -> InputRecord:
    return InputRecord(
        topic=TRANSACTIONS.name,
        key=txn.user_id.encode(),
        value=encode(txn),
        partition=0,
        offset=0,
        timestamp_ms=txn.event_time,
    )


def _transactions(payments: Payments) -> Iterator[Transaction]:
    """Give payments as the job reads them; what no rule looks at is made up."""
    cards = _column(payments.card_id)
    currencies = _column(payments.currency)
    pins = _column(payments.pin_used)
    limits = _column(payments.card_limit_minor)
    for row, paid in enumerate(payments.rows()):
        yield Transaction(
            transaction_id=paid.transaction_id,
            event_time=paid.event_time,
            user_id=paid.user_id,
            card_id=cards[row] if cards else f"card of {paid.user_id}",
            bank_id="-",
            payment_system="-",
            amount_minor=paid.amount_minor,
            currency=currencies[row] if currencies else "EUR",
            merchant_id=paid.merchant_id,
            merchant_category=paid.merchant_category or "-",
            country="DE",
            city="-",
            latitude=paid.latitude,
            longitude=paid.longitude,
            pin_used=bool(pins[row]) if pins else True,
            channel="chip",
            card_limit_minor=(limits[row] or None) if limits else None,
        )


def _column(column: NDArray[Any] | None) -> list[Any]:
    return [] if column is None else list(column.tolist())
