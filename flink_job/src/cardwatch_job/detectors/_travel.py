"""Distance and speed between two transactions."""

from collections.abc import Callable
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Final

from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors.history import CardState

_EARTH_RADIUS_KM: Final = 6371.0088  # mean radius, IUGG
_FARTHEST_KM: Final = 20_016.0  # half of a great circle
_KM_PER_DEGREE: Final = 111.2  # of latitude; of longitude at most
_SHORTEST_H: Final = 1 / 3600
"""Times below a second count as one: the clocks of two terminals do not agree better."""


@dataclass(slots=True, frozen=True)
class Journey:
    """A way between two transactions that nobody can have travelled."""

    distance_km: float
    hours: float
    """Time between the two, by their own clocks."""

    @property
    def speed_kmh(self) -> float:
        """Mean speed on the great circle."""
        return self.distance_km / max(self.hours, _SHORTEST_H)

    def missing_hours(self, max_speed_kmh: float) -> float:
        """How much later the second would have been believable."""
        return self.distance_km / max_speed_kmh - self.hours


def distance_km(latitude: float, longitude: float, latitude_2: float, longitude_2: float) -> float:
    """Great-circle distance by the haversine formula (Sinnott 1984). Degrees in."""
    phi, phi_2 = radians(latitude), radians(latitude_2)
    # No powers: a multiplication is rounded alike in Python and in machine code.
    north = sin((phi_2 - phi) / 2)
    east = sin(radians(longitude_2 - longitude) / 2)
    half_chord = north * north + cos(phi) * cos(phi_2) * east * east
    return 2 * _EARTH_RADIUS_KM * asin(min(1.0, sqrt(half_chord)))


def too_fast(
    txn: Transaction, earlier: CardState, *, max_speed_kmh: float, min_distance_km: float
) -> Journey | None:
    """Return the journey from `earlier`'s latest place to `txn` if it is too fast.

    None also where `earlier` has no transaction yet, or one later than `txn`.
    """
    if not earlier.transactions or txn.event_time < earlier.last_event_time:
        return None
    # Most people pay near where they paid before: first a bound that costs little.
    degrees = abs(txn.latitude - earlier.last_latitude) + abs(
        txn.longitude - earlier.last_longitude
    )
    if degrees * _KM_PER_DEGREE < min_distance_km:
        return None
    hours = (txn.event_time - earlier.last_event_time) / 3_600_000
    reachable_km = max(hours, _SHORTEST_H) * max_speed_kmh
    if reachable_km >= _FARTHEST_KM:
        return None
    km = distance_km(txn.latitude, txn.longitude, earlier.last_latitude, earlier.last_longitude)
    if km < min_distance_km or km <= reachable_km:
        return None
    return Journey(distance_km=km, hours=hours)


def in_words(hours: float, rounding: Callable[[float], int] = round) -> str:
    """Write a length of time for a person, such as `2 h 05 min` or `40 s`.

    `rounding` is `ceil` where the time must not be shorter than `hours`.
    """
    seconds = rounding(hours * 3600)
    if seconds < 120:
        return f"{seconds} s"
    minutes = rounding(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
