"""Alerts for tests, into Kafka and into the archive."""

import json
import time
import uuid
from typing import Any

import psycopg
from confluent_kafka import Producer
from tests.unit.transactions import make_transaction

from cardwatch_contracts.alert import Alert, Finding, FindingMode, alert_id_of
from cardwatch_contracts.codec import encode
from cardwatch_contracts.topics import ALERTS


def new_alert(detector: str = "amount_spike", mode: FindingMode = "active", **of: Any) -> Alert:
    """Make an alert on a transaction of its own."""
    of = {"transaction_id": f"a-{uuid.uuid4().hex}", **of}
    return Alert(
        alert_id=alert_id_of(of["transaction_id"]),
        transaction=make_transaction(**of),
        findings=(
            Finding(
                detector=detector,
                observed=41_200,
                threshold=22_780,
                unit="minor",
                reason="412.00 EUR, 18 times the card's average",
                counterfactual="no finding below 227.80 EUR",
                mode=mode,
            ),
        ),
        config="built-in",
        generation=0,
        ingested_at=time.time_ns() // 1_000_000,
        mode=mode,
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


def send_alerts(bootstrap_servers: str, *alerts: Alert) -> None:
    """Send alerts, committed."""
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for alert in alerts:
        producer.produce(ALERTS.name, encode(alert), alert.transaction.user_id.encode())
    assert producer.flush(30) == 0


def archive_alert(url: str, alert: Alert) -> None:
    """Write an alert's row."""
    txn = alert.transaction
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO alerts VALUES (to_timestamp(%s / 1000.0), %s, to_timestamp(%s / 1000.0), "
            "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(alert.ingested_at, alert.alert_id, txn.event_time, txn.transaction_id),
                *(txn.user_id, txn.card_id, txn.bank_id, txn.payment_system, txn.amount_minor),
                *(txn.currency, txn.merchant_id, txn.merchant_category, txn.country, txn.city),
                *(alert.mode, alert.config, alert.generation),
                [finding.detector for finding in alert.findings],
                *(alert.trace_id, json.dumps(json.loads(encode(alert)))),
            ),
        )


def archive_transaction(url: str, transaction_id: str, *, age_s: float, bank_id: str) -> None:
    """Write a transaction's row, as if Kafka had taken it so long ago."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO transactions VALUES (now() - %s * interval '1 s', now(), %s, 'u', 'c', "
            "%s, 'visa', 1, 'EUR', 'm', 'grocery', 'DE', 'Berlin', 0, 0, true, 'chip', null, null)",
            (age_s, transaction_id, bank_id),
        )
