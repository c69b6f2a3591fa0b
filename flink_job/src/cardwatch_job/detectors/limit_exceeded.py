"""An amount over the card's limit."""

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import LimitExceededConfig
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors.history import History


class LimitExceeded(Detector[LimitExceededConfig]):
    """Amount > the card's limit: the transaction's own field, else the limit on record.

    Key: card. Abstains where no limit is known.
    """

    __slots__ = ()
    name = "limit_exceeded"

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Compare the amount with the limit."""
        limit = txn.card_limit_minor
        if limit is None:
            limit = history.card.limit_minor
        if limit is None or txn.amount_minor <= limit:
            return None
        limit_text = format_amount(limit, txn.currency)
        return self._finding(
            observed=txn.amount_minor,
            threshold=limit,
            unit="minor",
            reason=(
                f"{format_amount(txn.amount_minor, txn.currency)} is over the card's limit of "
                f"{limit_text}"
            ),
            counterfactual=f"no finding up to {limit_text}",
        )
