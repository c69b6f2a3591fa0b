"""Alerts in words, for terminals. Pure: no Kafka, no screen."""

from collections.abc import Iterator
from datetime import UTC, datetime

from cardwatch_contracts.alert import Alert, Finding
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.wording import format_measure, printable


def format_time(event_time_ms: int) -> str:
    """Write an event time as `2026-11-21 11:47:15` (UTC)."""
    return f"{datetime.fromtimestamp(event_time_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def detectors_of(alert: Alert) -> str:
    """Name the detectors that object; those on trial are marked."""
    return ", ".join(_named(finding) for finding in alert.findings)


def reasons_of(alert: Alert) -> str:
    """All reasons of an alert in one line."""
    return "; ".join(printable(finding.reason) for finding in alert.findings)


def alert_line(alert: Alert) -> str:
    """Write an alert as one line, for a stream of them."""
    txn = alert.transaction
    return (
        f"{format_time(txn.event_time)}  bank {printable(txn.bank_id)}  "
        f"user {printable(txn.user_id):<6} {format_amount(txn.amount_minor, txn.currency):>14}  "
        f"{printable(txn.city)}  {detectors_of(alert)}: {reasons_of(alert)}"
        f"  [{printable(txn.transaction_id)}]"
    )


def finding_lines(finding: Finding, currency: str) -> Iterator[tuple[str, str]]:
    """Yield what there is to say about a finding, as name and text."""
    yield "reason", printable(finding.reason)
    yield "observed", format_measure(finding.observed, finding.unit, currency)
    yield "threshold", format_measure(finding.threshold, finding.unit, currency)
    if finding.baseline is not None:
        yield "baseline", format_measure(finding.baseline, finding.unit, currency)
    yield "without", printable(finding.counterfactual)
    if finding.mode == "shadow":
        yield "mode", "shadow: on trial, not to act on"


def _named(finding: Finding) -> str:
    return f"{finding.detector} (shadow)" if finding.mode == "shadow" else finding.detector
