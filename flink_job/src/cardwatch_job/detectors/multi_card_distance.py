"""Different cards of one user used too far apart for the time between them."""

from math import ceil

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
        journeys = self._journeys(txn, history)
        if not journeys:
            return None
        max_speed_kmh = self.config.max_speed_kmh
        fastest = max(journeys, key=lambda journey: journey.speed_kmh)
        # Later by as much as the slowest to become believable needs, none is left.
        missing_h = max(journey.missing_hours(max_speed_kmh) for journey in journeys)
        return self._finding(
            observed=fastest.speed_kmh,
            threshold=max_speed_kmh,
            unit="km/h",
            reason=(
                f"{fastest.distance_km:,.0f} km from where another card of this user was used "
                f"{in_words(fastest.hours)} earlier"
            ),
            counterfactual=f"no finding {in_words(missing_h, ceil)} later",
        )

    def _journeys(self, txn: Transaction, history: History) -> list[Journey]:
        """Return the ways from the user's other cards that nobody can have travelled."""
        journeys = []
        for card in history.cards.values():
            if card is not history.card:
                journey = too_fast(
                    txn,
                    card,
                    max_speed_kmh=self.config.max_speed_kmh,
                    min_distance_km=self.config.min_distance_km,
                )
                if journey is not None:
                    journeys.append(journey)
        return journeys
