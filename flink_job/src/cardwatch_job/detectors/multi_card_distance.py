"""Different cards of one user used too far apart for the time between them."""

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import MultiCardDistanceConfig
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors._travel import Journey, in_words, too_fast
from cardwatch_job.detectors.history import History


class MultiCardDistance(Detector[MultiCardDistanceConfig]):
    """Mean speed from another card's latest transaction to this one > `max_speed_kmh`.

    Key: user. Of several other cards the one with the highest speed is named. Abstains where
    the user has one card, where the other card's latest transaction is later than this one, and
    on distances below `min_distance_km`.
    """

    __slots__ = ()
    name = "multi_card_distance"

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Compare the speed from each other card's place with the fastest believable one."""
        if len(history.cards) == 1:
            return None
        journey = self._fastest(txn, history)
        if journey is None:
            return None
        needed = in_words(journey.distance_km / self.config.max_speed_kmh)
        return self._finding(
            observed=journey.speed_kmh,
            threshold=self.config.max_speed_kmh,
            unit="km/h",
            reason=(
                f"{journey.distance_km:,.0f} km from where another card of this user was used "
                f"{in_words(journey.hours)} earlier"
            ),
            counterfactual=f"no finding {needed} after the other card",
        )

    def _fastest(self, txn: Transaction, history: History) -> Journey | None:
        fastest: Journey | None = None
        for card in history.cards.values():
            if card is history.card:
                continue
            journey = too_fast(
                txn,
                card,
                max_speed_kmh=self.config.max_speed_kmh,
                min_distance_km=self.config.min_distance_km,
            )
            if journey and (fastest is None or journey.speed_kmh > fastest.speed_kmh):
                fastest = journey
        return fastest
