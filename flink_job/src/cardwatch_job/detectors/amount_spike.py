"""An amount far above the card's average."""

from math import ceil

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import AmountSpikeConfig
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors.history import History


class AmountSpike(Detector[AmountSpikeConfig]):
    """Amount ≥ `factor` × the mean of the card's positive amounts so far.

    Key: card. Abstains until the mean stands on `min_transactions` amounts.
    """

    __slots__ = ()
    name = "amount_spike"

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Compare the amount with the card's average."""
        card = history.card
        if card.amounts < self.config.min_transactions:
            return None
        average = card.amount_sum_minor / card.amounts
        threshold = self.config.factor * average
        if txn.amount_minor < threshold:
            return None
        return self._finding(
            observed=txn.amount_minor,
            threshold=threshold,
            unit="minor",
            baseline=average,
            reason=(
                f"{format_amount(txn.amount_minor, txn.currency)} is "
                f"{txn.amount_minor / average:.1f} times the card's average of "
                f"{format_amount(round(average), txn.currency)}"
            ),
            counterfactual=f"no finding below {format_amount(ceil(threshold), txn.currency)}",
        )
