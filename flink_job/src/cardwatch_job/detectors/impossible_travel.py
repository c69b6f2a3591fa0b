"""Two transactions of a card too far apart for the time between them."""

from math import ceil

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import ImpossibleTravelConfig
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors._travel import in_words, too_fast
from cardwatch_job.detectors.history import History


class ImpossibleTravel(Detector[ImpossibleTravelConfig]):
    """Mean speed since the card's latest transaction > `max_speed_kmh`.

    Key: card. Abstains on a card's first transaction, on one older than the card's latest (it
    arrived late), and on distances below `min_distance_km`.
    """

    __slots__ = ()
    name = "impossible_travel"

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Compare the speed with the fastest believable one."""
        config = self.config
        journey = too_fast(
            txn,
            history.card,
            max_speed_kmh=config.max_speed_kmh,
            min_distance_km=config.min_distance_km,
        )
        if journey is None:
            return None
        needed = in_words(journey.distance_km / config.max_speed_kmh, ceil)
        return self._finding(
            observed=journey.speed_kmh,
            threshold=config.max_speed_kmh,
            unit="km/h",
            reason=(
                f"{journey.distance_km:,.0f} km from the card's previous transaction "
                f"{in_words(journey.hours)} earlier"
            ),
            counterfactual=f"no finding {needed} after the previous transaction",
        )
