"""Transactions, alerts and snapshots for the tests of the command line and the demo."""

from typing import Any

from msgspec.structs import replace

from cardwatch_contracts.alert import Alert, Finding, alert_id_of
from cardwatch_contracts.detector_config import ON_BY_DEFAULT
from cardwatch_contracts.transaction import Transaction
from cardwatch_local.demo.latency import Percentiles
from cardwatch_local.demo.snapshot import Flow, Snapshot

_TRANSACTION = Transaction(
    transaction_id="A-run-1",
    event_time=1_795_261_635_000,  # 2026-11-21T11:47:15Z
    user_id="1042",
    card_id="tok_a",
    bank_id="A",
    payment_system="visa",
    amount_minor=123_450,
    currency="EUR",
    merchant_id="m-1",
    merchant_category="grocery",
    country="DE",
    city="Berlin",
    latitude=52.52,
    longitude=13.4,
    pin_used=True,
    channel="chip",
)


def a_transaction(number: int = 1, **fields: Any) -> Transaction:
    changes = {"transaction_id": f"A-run-{number}"} | fields
    return replace(_TRANSACTION, **changes)


def a_finding(detector: str = "amount_spike", **fields: Any) -> Finding:
    given: dict[str, Any] = {
        "detector": detector,
        "observed": 123_450.0,
        "threshold": 80_000.0,
        "baseline": 8_000.0,
        "unit": "minor",
        "reason": "1,234.50 EUR is 15.4 times the card's average of 80.00 EUR",
        "counterfactual": "no finding below 800.00 EUR",
    }
    return Finding(**(given | fields))


def an_alert(number: int = 1, *findings: Finding, **fields: Any) -> Alert:
    txn = a_transaction(number, **fields)
    return Alert(
        alert_id=alert_id_of(txn.transaction_id),
        transaction=txn,
        findings=findings or (a_finding(),),
        config="built-in",
        generation=0,
        ingested_at=txn.event_time + 5,
    )


def a_snapshot(**fields: Any) -> Snapshot:
    given: dict[str, Any] = {
        "elapsed_s": 42.0,
        "duration_s": 60.0,
        "sent": Flow(total=4812, per_s=79.8),
        "judged": Flow(total=4730, per_s=80.2),
        "alerts": Flow(total=121, per_s=2.1),
        "by_detector": {name: 3 * n for n, name in enumerate(ON_BY_DEFAULT)},
        "recent": tuple(an_alert(n) for n in range(40)),
        "seen": Percentiles(p50=38, p99=71),
        "committed": Percentiles(p50=612, p99=12_340),
        "parts": dict.fromkeys(
            ("valkey", "jobmanager", "taskmanager-1", "kafka", "archiver"), True
        ),
    }
    return Snapshot(**(given | fields))
