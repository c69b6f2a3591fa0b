"""A series of amounts just below the limit under which no PIN is asked."""

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import PinAvoidanceConfig
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors._window import count_within, remember
from cardwatch_job.detectors.history import History


class PinAvoidance(Detector[PinAvoidanceConfig]):
    """At least `min_transactions` amounts just below the PIN-free limit within `window_s`.

    Just below is from (1 - `margin`) × limit, inclusive, to the limit, exclusive. Key: card.
    """

    __slots__ = ("_lowest_minor",)
    name = "pin_avoidance"

    def __init__(self, config: PinAvoidanceConfig) -> None:
        super().__init__(config)
        self._lowest_minor = config.pin_free_limit_minor * (1 - config.margin)

    def _is_just_below(self, txn: Transaction) -> bool:
        return self._lowest_minor <= txn.amount_minor < self.config.pin_free_limit_minor

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Count this transaction and those before it in the window."""
        if not self._is_just_below(txn):
            return None
        config = self.config
        count = 1 + count_within(history.card.near_limit_times, txn.event_time, config.window_s)
        if count < config.min_transactions:
            return None
        limit = format_amount(config.pin_free_limit_minor, txn.currency)
        return self._finding(
            observed=count,
            threshold=config.min_transactions,
            unit="transactions",
            reason=f"{count} amounts just below {limit} within {config.window_s / 60:g} min",
            counterfactual=f"no finding with fewer than {config.min_transactions}",
        )

    def update(self, txn: Transaction, history: History) -> None:
        """Remember when an amount was just below the limit."""
        if self._is_just_below(txn):
            card = history.card
            card.near_limit_times = remember(
                card.near_limit_times, txn.event_time, self.config.window_s
            )
