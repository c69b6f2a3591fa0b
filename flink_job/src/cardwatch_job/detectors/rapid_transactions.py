"""Two transactions of a card closer together than a person can pay."""

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import RapidTransactionsConfig
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors.history import History


class RapidTransactions(Detector[RapidTransactionsConfig]):
    """Time since the card's latest transaction < `min_gap_s`.

    Key: card. Abstains on a card's first transaction and on one older than the card's latest
    (it arrived late).
    """

    __slots__ = ()
    name = "rapid_transactions"

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Compare the gap with the shortest believable one."""
        card = history.card
        if not card.transactions:
            return None
        gap_s = (txn.event_time - card.last_event_time) / 1000
        if not 0 <= gap_s < self.config.min_gap_s:
            return None
        return self._finding(
            observed=gap_s,
            threshold=self.config.min_gap_s,
            unit="s",
            reason=f"{gap_s:.3g} s after the card's previous transaction",
            counterfactual=f"no finding from {self.config.min_gap_s:g} s after it",
        )
