"""A card that comes back after a long silence."""

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import DormantCardConfig
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors.history import History

_DAY_MS = 86_400_000
_REMEMBERED = 4


class DormantCard(Detector[DormantCardConfig]):
    """Time since the card's latest transaction ≥ `min_silence_d`.

    Key: card. Abstains on a card's first transaction, and on the first after `_REMEMBERED` times
    that silence: the card counts as new by then.
    """

    __slots__ = ()
    name = "dormant_card"

    @property
    def memory_d(self) -> float:
        """A card that is silent for longer is forgotten."""
        return self.config.min_silence_d * _REMEMBERED

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Compare the silence with the shortest suspicious one."""
        card = history.card
        if not card.transactions:
            return None
        silence_d = (txn.event_time - card.last_event_time) / _DAY_MS
        if silence_d < self.config.min_silence_d:
            return None
        return self._finding(
            observed=silence_d,
            threshold=self.config.min_silence_d,
            unit="d",
            reason=f"first transaction after {silence_d:.0f} days of silence",
            counterfactual=f"no finding within {self.config.min_silence_d:g} days",
        )
