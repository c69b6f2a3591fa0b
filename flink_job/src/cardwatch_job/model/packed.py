"""What packed memories of users and merchants have in common: little-endian, without gaps.

The version comes first. What is read is checked: of what it holds no feature can become NaN or
infinite. `flat_habits.pyx` and `flat_merchants.pyx` read and write the same bytes.
"""

import math
from collections.abc import Iterable
from typing import Final

HIGHEST: Final = 1e30
"""Largest number that is read."""
LATEST_MS: Final = 2**53


class BrokenMemoryError(ValueError):
    """What was to be a packed memory is none of this version; the message says why."""


def check_version(packed: bytes, whose: str, version: int, shortest: int) -> None:
    """Check that a memory begins as one of a version.

    Raises:
        BrokenMemoryError: it does not.
    """
    if packed and packed[0] != version:
        raise BrokenMemoryError(
            f"a {whose}'s memory of version {packed[0]}; this Cardwatch reads version {version}"
        )
    if len(packed) < shortest:
        raise BrokenMemoryError(f"broken: a {whose}'s memory has {shortest} bytes at least")


def check_length(packed: bytes, whose: str, expected: int) -> None:
    """Check that a memory has as many bytes as it should.

    Raises:
        BrokenMemoryError: it has not.
    """
    if len(packed) != expected:
        raise BrokenMemoryError(
            f"broken: a {whose}'s memory of {len(packed)} bytes that should have {expected}"
        )


def are_times(times: Iterable[int]) -> bool:
    """Whether all may be times, or counts."""
    return all(0 <= time_ms < LATEST_MS for time_ms in times)


def are_usual(numbers: Iterable[float]) -> bool:
    """Whether all are finite, and not so large that what is worked out of them would not be."""
    return all(math.isfinite(number) and abs(number) <= HIGHEST for number in numbers)
