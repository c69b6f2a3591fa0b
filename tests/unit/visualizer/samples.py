"""Alerts and rows of the archive for tests."""

from typing import Any

from tests.unit.transactions import NOON_MS, make_transaction

from cardwatch_contracts.alert import Alert, Finding, FindingMode, alert_id_of


def a_finding(detector: str = "amount_spike", **changes: Any) -> Finding:
    given: dict[str, Any] = {
        "detector": detector,
        "observed": 41_200,
        "threshold": 22_780,
        "unit": "minor",
        "reason": "412.00 EUR is 18.1 times the card's average",
        "counterfactual": "no finding below 227.80 EUR",
        "baseline": 2_278.0,
    }
    return Finding(**(given | changes))


def an_alert(
    number: int = 1, *detectors: str, mode: FindingMode = "active", after_s: float = 0, **of: Any
) -> Alert:
    name = f"txn-{number}"
    txn = make_transaction(transaction_id=name, after_s=after_s, **of)
    return Alert(
        alert_id=alert_id_of(name),
        transaction=txn,
        findings=tuple(a_finding(each, mode=mode) for each in detectors or ("amount_spike",)),
        config="strict",
        generation=3,
        ingested_at=txn.event_time + 50,
        mode=mode,
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


def a_row(**changes: Any) -> dict[str, Any]:
    """An alert as the archive answers."""
    given: dict[str, Any] = {
        "alert_id": alert_id_of("txn-1"),
        "event_time": NOON_MS,
        "transaction_id": "txn-1",
        "user_id": "user-1",
        "card_id": "tok_1",
        "bank_id": "A",
        "payment_system": "visa",
        "amount_minor": 41_200,
        "currency": "EUR",
        "merchant_id": "phones-4",
        "merchant_category": "retail",
        "country": "DE",
        "city": "Berlin",
        "channel": "chip",
        "pin_used": False,
        "mode": "active",
        "config": "strict",
        "generation": 3,
        "detectors": ["amount_spike", "limit_exceeded"],
        "reasons": ["too much", "over the limit"],
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "label": None,
        "given_by": None,
        "risk": None,
    }
    return given | changes
