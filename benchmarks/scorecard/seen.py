"""What alerts said of the payments, as columns."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.scorecard.marks import MARKS, Marks
from benchmarks.scorecard.protocol import Rows
from benchmarks.scorecard.records import World

_MODEL: Final = "model"
_CHALLENGER: Final = "challenger"
Column = NDArray[np.float64]


class _Transaction(msgspec.Struct):
    transaction_id: str


class _Finding(msgspec.Struct):
    detector: str
    observed: float


class _Alert(msgspec.Struct):
    """The part of an alert that is looked at: decoding all of it takes several times as long."""

    transaction: _Transaction
    findings: tuple[_Finding, ...]
    risk: float | None = None
    amount_deviations: float | None = None


_decoder: Final = msgspec.json.Decoder(_Alert)


class Said:
    """What was said of the payments of one world. NaN, or no rule: no alert said it."""

    def __init__(self, payments: int) -> None:
        self.model: Column = np.full(payments, np.nan)
        """Risk by the config's model."""
        self.challenger: Column = np.full(payments, np.nan)
        """Risk by the model on trial."""
        self.combined: Column = np.full(payments, np.nan)
        """Model and rules taken together."""
        self.deviations: Column = np.full(payments, np.nan)
        """Of the amount from what is usual for the user. Standard deviations."""
        self.rules: NDArray[np.int16] = np.zeros(payments, np.int16)
        """How many rules object."""
        self.alerts: NDArray[np.bool_] = np.zeros(payments, np.bool_)

    def take(self, row: int, alert: _Alert) -> None:
        """Take what an alert says of a payment."""
        self.alerts[row] = True
        if alert.risk is not None:
            self.combined[row] = alert.risk
        if alert.amount_deviations is not None:
            self.deviations[row] = alert.amount_deviations
        rules = 0
        for finding in alert.findings:
            if finding.detector == _MODEL:
                self.model[row] = finding.observed
            elif finding.detector == _CHALLENGER:
                self.challenger[row] = finding.observed
            else:
                rules += 1
        self.rules[row] = rules


class Seen:
    """What was said in all worlds."""

    def __init__(self, worlds: Sequence[World], numbers: Sequence[str]) -> None:
        """Expect alerts on payments with these ids, in each of the worlds."""
        self._rows = {number: row for row, number in enumerate(numbers)}
        self.of = {world.bank_id: Said(len(numbers)) for world in worlds}
        """By bank."""
        self.marks = Marks()

    def without_alert(self, worlds: Iterable[World], rows: Rows) -> int:
        """Return how many of these payments have no alert yet, in these worlds together."""
        return sum(int((~self.of[world.bank_id].alerts[rows]).sum()) for world in worlds)

    def take(self, value: bytes | None) -> None:
        """Take the value of a record of the topic `alerts`; the same alert twice counts once."""
        if value is None:
            return
        alert = _decoder.decode(value)
        bank_id, _, number = alert.transaction.transaction_id.partition("-")
        if bank_id == MARKS.bank_id:
            self.marks.take(number, _risk_of(alert))
            return
        self.of[bank_id].take(self._rows[number], alert)


def _risk_of(alert: _Alert) -> float:
    return next(each.observed for each in alert.findings if each.detector == _MODEL)
