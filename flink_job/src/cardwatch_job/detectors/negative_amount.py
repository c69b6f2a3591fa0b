"""An amount below zero."""

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import NegativeAmountConfig
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors.history import History


class NegativeAmount(Detector[NegativeAmountConfig]):
    """Amount < 0. Key: none."""

    __slots__ = ()
    name = "negative_amount"

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Compare the amount with zero."""
        if txn.amount_minor >= 0:
            return None
        return self._finding(
            observed=txn.amount_minor,
            threshold=0,
            unit="minor",
            reason=f"amount of {format_amount(txn.amount_minor, txn.currency)} is below zero",
            counterfactual=f"no finding from {format_amount(0, txn.currency)}",
        )
