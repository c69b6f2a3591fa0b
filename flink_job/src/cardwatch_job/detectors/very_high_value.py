"""An amount that is high for any card."""

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import VeryHighValueConfig
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors.history import History


class VeryHighValue(Detector[VeryHighValueConfig]):
    """Amount > `max_amount_minor`, in minor units of the transaction's own currency. Key: none."""

    __slots__ = ()
    name = "very_high_value"

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Compare the amount with the threshold."""
        threshold = self.config.max_amount_minor
        if txn.amount_minor <= threshold:
            return None
        threshold_text = format_amount(threshold, txn.currency)
        return self._finding(
            observed=txn.amount_minor,
            threshold=threshold,
            unit="minor",
            reason=f"{format_amount(txn.amount_minor, txn.currency)} is over {threshold_text}",
            counterfactual=f"no finding up to {threshold_text}",
        )
