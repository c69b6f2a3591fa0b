"""Shares of few, with how sure they are. Pure."""

from math import sqrt
from typing import Final

_Z: Final = 1.959964
"""Of 95 in 100."""


def interval(hits: int, of: int) -> tuple[float, float]:
    """Return between which shares the true one lies in 95 of 100 cases: Wilson's score interval.

    Wilson, Probable inference, the law of succession, and statistical inference, Journal of the
    American Statistical Association 22(158), 1927.

    Raises:
        ValueError: there are none, or more hits than there are.
    """
    if not 0 <= hits <= of or of == 0:
        raise ValueError(f"{hits} of {of}")
    share, squared = hits / of, _Z * _Z / of
    middle = share + squared / 2
    width = _Z * sqrt(share * (1 - share) / of + squared / of / 4)
    return max(0.0, (middle - width) / (1 + squared)), min(1.0, (middle + width) / (1 + squared))


def precision_words(fraudulent: int, genuine: int) -> str:
    """Write a precision, such as `67 % of 12 (39 to 86 %)`; a dash where nobody has answered."""
    of = fraudulent + genuine
    if not of:
        return "–"
    low, high = interval(fraudulent, of)
    return f"{fraudulent / of:.0%} of {of:,} ({100 * low:.0f} to {high:.0%})".replace("%", " %")
