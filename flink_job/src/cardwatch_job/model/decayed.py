"""What fades: it weighs half as much after each half-life of event time."""

from math import exp2
from typing import Final

DAY_MS: Final = 86_400_000


def fading(age_ms: int, half_life_d: float) -> float:
    """Return what is left of a weight of 1 after so many milliseconds; 1 for what is to come."""
    return 1.0 if age_ms <= 0 else exp2(-age_ms / (half_life_d * DAY_MS))
