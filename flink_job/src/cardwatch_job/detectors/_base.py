"""What a detector is."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from cardwatch_contracts.alert import Finding, FindingMode
from cardwatch_contracts.detector_config import DetectorSettings
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors.history import History

C = TypeVar("C", bound=DetectorSettings)


class Detector(ABC, Generic[C]):
    """One rule: looks at a transaction in the light of what came before it.

    `score` is always called before `update`, and never changes anything. Time is event time.
    """

    __slots__ = ("config", "mode")

    name: ClassVar[str]
    """In snake_case; the field of `spec.detectors` has the same name in camelCase."""
    wants_habits: ClassVar[bool] = False
    """Whether it looks at `History.usual`: users' habits are remembered only for those who do."""

    def __init__(self, config: C) -> None:
        self.config = config
        self.mode: FindingMode = "shadow" if config.mode == "Shadow" else "active"

    @abstractmethod
    def score(self, txn: Transaction, history: History) -> Finding | None:
        """Return what is suspicious; None where nothing is, or not enough is known yet."""

    @property
    def learns(self) -> bool:
        """Whether `update` does anything."""
        return type(self).update is not Detector.update

    @property
    def memory_d(self) -> float:
        """How long the detector needs to know of a card that is not used. Days."""
        return 0.0

    def update(self, txn: Transaction, history: History) -> None:
        """Remember what this detector alone needs of `txn`; most need nothing.

        What several detectors need is learned once, by `History.learn`.
        """

    def _finding(
        self,
        *,
        observed: float,
        threshold: float,
        unit: str,
        reason: str,
        counterfactual: str,
        baseline: float | None = None,
    ) -> Finding:
        """Sign a finding with this detector's name and mode."""
        return Finding(
            detector=self.name,
            # An int is a float too, but would be written without its point.
            observed=float(observed),
            threshold=float(threshold),
            unit=unit,
            baseline=None if baseline is None else float(baseline),
            reason=reason,
            counterfactual=counterfactual,
            mode=self.mode,
        )

    def __reduce__(self) -> tuple[type["Detector[C]"], tuple[C]]:
        """Pickle as the class and its config."""
        return type(self), (self.config,)
