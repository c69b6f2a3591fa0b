"""Mean and standard deviation of values that come in pieces. Pure."""

from math import sqrt


class Moments:
    """Those of all pieces together.

    Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample
    variances, Stanford 1979.
    """

    __slots__ = ("_squares", "count", "mean")

    def __init__(self) -> None:
        self.count = 0.0
        self.mean = 0.0
        self._squares = 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation; 0 before the first."""
        return sqrt(self._squares / self.count) if self.count else 0.0

    def add(self, count: float, mean: float, deviation: float) -> None:
        """Take a piece: how many values, their mean and their standard deviation."""
        if count <= 0:
            return
        total = self.count + count
        apart = mean - self.mean
        self._squares += count * deviation * deviation + apart * apart * self.count * count / total
        self.mean += apart * count / total
        self.count = total
