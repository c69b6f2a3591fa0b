"""From what a run left and what the live view saw to the report. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cardwatch_local.demo.latency import Percentiles
from cardwatch_local.demo.oracle import Evidence
from cardwatch_local.demo.report import Reference, Report, count_findings, score_labels
from cardwatch_local.reading.offsets import Offsets


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is known of a run apart from what it left in Kafka."""

    live_from: Offsets
    """Where `transactions` ended when the live phase began."""
    seen: Percentiles
    committed: Percentiles
    startup_s: float
    duration_s: float
    cards: int
    seed: int
    machine: Mapping[str, Any]


def assess(evidence: Evidence, run: Run) -> Report:
    """Count, compare and score."""
    live = evidence.sent_from(run.live_from)
    ids = {txn.transaction_id for txn in live}
    by_transaction = {alert.transaction.transaction_id: alert for alert in evidence.alerts}
    alerts = {txn_id: alert for txn_id, alert in by_transaction.items() if txn_id in ids}
    difference = evidence.check()
    return Report(
        transactions=len(live),
        alerts=len(alerts),
        alerts_by_detector=count_findings(alerts.values()),
        reference=None
        if difference is None
        else Reference(
            lost=len(difference.lost),
            duplicate=len(difference.duplicate),
            different=len(difference.different),
        ),
        labels=score_labels(live, alerts),
        latency_ms=run.seen,
        latency_committed_ms=run.committed,
        startup_s=round(run.startup_s, 2),
        duration_s=round(run.duration_s, 2),
        history_transactions=evidence.transactions - len(live),
        history_alerts=len(by_transaction) - len(alerts),
        cards=run.cards,
        seed=run.seed,
        dead_letters=evidence.dead_letters,
        machine=dict(run.machine),
    )
