"""A transaction far from where its user usually pays."""

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import UnusualLocationConfig
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._base import Detector
from cardwatch_job.detectors.history import History


class UnusualLocation(Detector[UnusualLocationConfig]):
    """Distance from the mean place of the user's payments ≥ `min_distance_km`.

    Key: user. The mean place fades: it stands on the latest hundred payments, about, and none that
    raised an alert is among them unless an analyst said that it was genuine. Abstains until it
    stands on `min_transactions`.
    """

    __slots__ = ()
    name = "unusual_location"
    wants_habits = True

    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Compare the distance with the smallest suspicious one."""
        usual = history.usual
        config = self.config
        if usual is None or usual.payments < config.min_transactions:
            return None
        if usual.distance_km < config.min_distance_km:
            return None
        return self._finding(
            observed=usual.distance_km,
            threshold=config.min_distance_km,
            unit="km",
            reason=(
                f"{usual.distance_km:,.0f} km from the usual place of {usual.payments} payments "
                "of the user"
            ),
            counterfactual=f"no finding within {config.min_distance_km:g} km",
        )
