"""What rules, a model and both together made of payments: counted, sorted, written."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from heapq import heappush, heappushpop
from pathlib import Path
from typing import Final

import numpy as np

from cardwatch_contracts.cells import Cell
from cardwatch_local.exporting.datasets import Kind
from cardwatch_local.exporting.export import BATCH_ROWS, fresh_file
from cardwatch_local.exporting.writers import ParquetWriter
from cardwatch_local.models.enhanced import JudgedPayment
from cardwatch_local.training.payments import FRAUDULENT, Payments

COLUMNS: Final[Mapping[str, Kind]] = {
    "transaction_id": "text",
    "event_time": "time",
    "user_id": "text",
    "merchant_id": "text",
    "amount_minor": "integer",
    "currency": "text",
    "findings": "texts",
    "reasons": "texts",
    "model_risk": "number",
    "risk": "number",
    "model_reason": "text",
}


class Verdicts:
    """Counts who objects to what, and keeps the riskiest."""

    def __init__(self, payments: Payments, *, limit: int) -> None:
        """Count over `payments`; keep the `limit` riskiest."""
        self._labels, self._limit = payments.label, limit
        self._riskiest: list[tuple[float, int, JudgedPayment]] = []
        self.payments = 0
        self.alerts = {"rules": 0, "model": 0, "together": 0}
        """Payments to which each objects; `together`: one of both."""
        self.frauds = dict(self.alerts)
        """Known frauds among them."""

    def add(self, judged: JudgedPayment) -> None:
        """Count a payment."""
        self.payments += 1
        is_fraud = self._labels[judged.row] == FRAUDULENT
        objects = {
            "rules": judged.by_rules,
            "model": judged.model_objects,
            "together": bool(judged.findings),
        }
        for who, does in objects.items():
            self.alerts[who] += does
            self.frauds[who] += bool(does and is_fraud)
        # Of equal risks the first: a higher row number counts less.
        entry = (judged.risk, -judged.row, judged)
        if len(self._riskiest) < self._limit:
            heappush(self._riskiest, entry)
        elif self._limit:
            heappushpop(self._riskiest, entry)

    @property
    def known_frauds(self) -> int:
        """How many of the payments are known to be fraudulent, by now."""
        return int(np.count_nonzero(self._labels == FRAUDULENT))

    def riskiest(self) -> list[JudgedPayment]:
        """Return the payments of the highest risks, the highest first."""
        return [judged for _, _, judged in sorted(self._riskiest, key=lambda entry: entry[:2])][
            ::-1
        ]


def write_verdicts(every: Iterable[JudgedPayment], file: Path) -> Iterable[JudgedPayment]:
    """Write payments as they pass by; the file appears when it is whole.

    Raises:
        OSError: it cannot be written.
    """
    with fresh_file(file) as fresh, closing(ParquetWriter(fresh, COLUMNS)) as writer:
        rows: list[tuple[Cell, ...]] = []
        for judged in every:
            rows.append(_row(judged))
            if len(rows) == BATCH_ROWS:
                writer.write(rows)
                rows = []
            yield judged
        if rows:
            writer.write(rows)


def _row(judged: JudgedPayment) -> tuple[Cell, ...]:
    txn = judged.transaction
    return (
        txn.transaction_id,
        datetime.fromtimestamp(txn.event_time / 1000, UTC),
        txn.user_id,
        txn.merchant_id,
        txn.amount_minor,
        txn.currency,
        [finding.detector for finding in judged.findings],
        [finding.reason for finding in judged.findings],
        judged.by_model.observed,
        judged.risk,
        judged.by_model.reason,
    )
