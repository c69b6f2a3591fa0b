"""Detectors together with what they remember of one user, habits included."""

from collections.abc import Iterable
from typing import Any

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import Detectors
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors import Detector, History, UserState, build_detectors
from cardwatch_job.detectors.history import Usual
from cardwatch_job.model.features import DISTANCE_KM, PAYMENTS_KNOWN
from cardwatch_job.model.merchants import Merchants
from cardwatch_job.model.users import ModelUsers


class Past:
    """Judges a user's transactions in order, as the job does: score, update, learn."""

    def __init__(self, *detectors: Detector[Any], transactions: Iterable[Transaction] = ()) -> None:
        self.detectors = detectors
        self.user = UserState()
        self.habits = ModelUsers()
        for txn in transactions:
            self.judge(txn)

    def history(self, txn: Transaction) -> History:
        """Return what came before `txn`."""
        vector = self.habits.look(txn, Merchants())
        usual = Usual(int(vector[PAYMENTS_KNOWN]), vector[DISTANCE_KM])
        return History(self.user.card(txn.card_id), self.user.cards, usual)

    def score(self, txn: Transaction) -> Finding | None:
        """Look at `txn` with the one detector there is, and remember nothing."""
        (detector,) = self.detectors
        return detector.score(txn, self.history(txn))

    def judge(self, txn: Transaction) -> tuple[Finding, ...]:
        """Look at `txn` and remember it."""
        history = self.history(txn)
        findings = [detector.score(txn, history) for detector in self.detectors]
        for detector in self.detectors:
            detector.update(txn, history)
        history.card.learn(txn)
        found = tuple(finding for finding in findings if finding is not None)
        self.habits.learn(txn, alerted=any(finding.mode == "active" for finding in found))
        return found


def detector_of(name: str, **settings: Any) -> Detector[Any]:
    """Build one detector by its name: active, with its defaults apart from `settings`."""
    defaults = getattr(Detectors(), name)
    detectors = build_detectors(
        Detectors(**{name: type(defaults)(**{"mode": "Active"} | settings)})
    )
    return next(detector for detector in detectors if detector.name == name)
