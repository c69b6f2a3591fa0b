"""Why a transaction raised an alert, or did not, in words. Pure."""

from typing import Literal

import msgspec

from cardwatch_contracts.alert import Alert

Judgement = Literal["alert", "shadow", "clear", "pending"]


class ExplainedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What one detector objects to."""

    detector: str
    reason: str
    counterfactual: str
    mode: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was decided about a transaction, and why."""

    transaction_id: str
    judgement: Judgement
    """`shadow`: detectors on trial alone object. `pending`: archived a moment ago, so that an alert
    may still come."""
    summary: str
    """A sentence or more that a person can read."""
    findings: tuple[ExplainedFinding, ...] = ()
    alert_id: str | None = None
    config: str | None = None
    generation: int | None = None
    trace_id: str | None = None


def of_alert(alert: Alert) -> Explanation:
    """Explain an alert."""
    reasons = "; ".join(f"{f.reason} ({f.detector})" for f in alert.findings)
    trial = "On trial alone, not to act on: " if alert.mode == "shadow" else "Suspicious: "
    built_in = f"config {alert.config}, generation {alert.generation}"
    return Explanation(
        transaction_id=alert.transaction.transaction_id,
        judgement="shadow" if alert.mode == "shadow" else "alert",
        summary=f"{trial}{reasons}. Judged by {built_in}.",
        findings=tuple(
            ExplainedFinding(
                detector=f.detector, reason=f.reason, counterfactual=f.counterfactual, mode=f.mode
            )
            for f in alert.findings
        ),
        alert_id=alert.alert_id,
        config=alert.config,
        generation=alert.generation,
        trace_id=alert.trace_id,
    )


def without_alert(transaction_id: str, *, age_s: float, settle_s: float) -> Explanation:
    """Explain a transaction that is archived, and of which no alert is.

    Args:
        transaction_id: which.
        age_s: how long ago Kafka took it. Seconds.
        settle_s: how old it is when an alert would be archived too. Seconds.
    """
    if age_s < settle_s:
        return Explanation(
            transaction_id=transaction_id,
            judgement="pending",
            summary=f"Kafka took it {max(0.0, age_s):.0f} s ago; an alert may still come.",
        )
    return Explanation(
        transaction_id=transaction_id,
        judgement="clear",
        summary="No detector objected: there is no alert.",
    )
