"""Many transactions without PIN in a short time."""

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import ManyNoPinConfig
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors._window import count_within, remember
from cardwatch_job.detectors.history import History


class ManyNoPin(Detector[ManyNoPinConfig]):
    """At least `min_transactions` transactions without PIN within `window_s`. Key: card."""

    __slots__ = ()
    name = "many_no_pin"

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Count this transaction and those before it in the window."""
        if txn.pin_used:
            return None
        config = self.config
        count = 1 + count_within(history.card.no_pin_times, txn.event_time, config.window_s)
        if count < config.min_transactions:
            return None
        return self._finding(
            observed=count,
            threshold=config.min_transactions,
            unit="transactions",
            reason=f"{count} transactions without PIN within {config.window_s / 60:g} min",
            counterfactual=f"no finding with fewer than {config.min_transactions}",
        )

    def update(self, txn: Transaction, history: History) -> None:
        """Remember when no PIN was used."""
        if not txn.pin_used:
            card = history.card
            card.no_pin_times = remember(card.no_pin_times, txn.event_time, self.config.window_s)
