"""The demo's report. Pure: built from what was read, tested without servers.

Keys of the JSON file; all counts are of the live phase unless they say otherwise:

- `transactions`: transactions in Kafka that were sent while the generator ran live.
- `alerts`: alerts on them, read committed, one for each suspicious transaction.
- `alerts_by_detector`: {name: alerts with a finding of that detector}. Their sum is larger than
  `alerts`, because an alert may have several findings.
- `reference`: `lost`, `duplicate` and `different` alerts against the reference run over everything
  in Kafka, history included; null where DetectorConfigs were applied during the demo, since the
  order in which the job saw them is not on record.
- `labels`: {detector: {precision, recall, findings, labelled}}. Precision: share of the detector's
  findings whose transaction carries any label. Recall: share of the transactions labelled with the
  detector's own scenario that it flagged. null where there was nothing to divide by.
- `latency_ms`: p50 and p99 from the transaction's arrival in Kafka to the alert at a consumer that
  reads uncommitted; `latency_committed_ms`: at one that reads committed.
- `startup_s`: from the command to the first live transaction.
- `duration_s`: length of the live phase. `history_transactions`, `history_alerts`: before it.
- `cards`, `seed`, `dead_letters` (all phases), `machine` {cores, memory_gb, system, python}.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.detector_config import Detectors
from cardwatch_contracts.transaction import Transaction
from cardwatch_local.demo.latency import Percentiles

DETECTOR_NAMES: Final = tuple(field.name for field in msgspec.structs.fields(Detectors))


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How a detector's findings compare with the labels."""

    precision: float | None
    recall: float | None
    findings: int
    """Transactions the detector flagged."""
    labelled: int
    """Transactions labelled with its scenario."""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the job's alerts differ from the reference run's."""

    lost: int
    duplicate: int
    different: int

    @property
    def equal(self) -> bool:
        """Whether nothing was lost, doubled or changed."""
        return not (self.lost or self.duplicate or self.different)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo found; see the module's text for each key."""

    transactions: int
    alerts: int
    alerts_by_detector: dict[str, int]
    reference: Reference | None
    labels: dict[str, Score]
    latency_ms: Percentiles
    latency_committed_ms: Percentiles
    startup_s: float
    duration_s: float
    history_transactions: int
    history_alerts: int
    cards: int
    seed: int
    dead_letters: int
    machine: dict[str, Any]

    def to_json(self) -> bytes:
        """Encode for a file, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def count_findings(alerts: Iterable[Alert]) -> dict[str, int]:
    """Count alerts by detector; every detector is in the answer, with 0 if it is silent."""
    found = Counter(finding.detector for alert in alerts for finding in alert.findings)
    return {name: found[name] for name in DETECTOR_NAMES}


def score_labels(
    transactions: Sequence[Transaction], alerts: Mapping[str, Alert]
) -> dict[str, Score]:
    """Hold the findings against the labels.

    Args:
        transactions: all of the phase, labelled or not.
        alerts: alerts on them by transaction id.
    """
    labels = {txn.transaction_id: txn.label for txn in transactions if txn.label}
    flagged: dict[str, set[str]] = {name: set() for name in DETECTOR_NAMES}
    for transaction_id, alert in alerts.items():
        for finding in alert.findings:
            flagged[finding.detector].add(transaction_id)
    scores = {}
    for name, found in flagged.items():
        own = {txn_id for txn_id, label in labels.items() if label == name}
        scores[name] = Score(
            precision=_share(len(found & labels.keys()), len(found)),
            recall=_share(len(found & own), len(own)),
            findings=len(found),
            labelled=len(own),
        )
    return scores


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
