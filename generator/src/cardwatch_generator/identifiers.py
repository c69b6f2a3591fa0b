"""Ids of cards, runs and traces: unique, made from the seed, never like a card number.

A card number is 13 to 19 digits. Letters alone stand for what would be hexadecimal digits, so no
id ever holds a long run of digits.
"""

from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LETTERS: Final = str.maketrans("0123456789abcdef", "bcdfghjkmnpqrstv")
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread 64-bit integers evenly, one to one: the output function of SplitMix64.

    Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
    """
    mixed = values + _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def hash64(*values: object) -> int:
    """Return 64 bits that depend on all `values` (BLAKE2b over their text)."""
    text = "\0".join(str(value) for value in values)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def card_tokens(seed: int, count: int) -> tuple[str, ...]:
    """Return `count` different tokens such as `tok_kqbvdthgmrscpnfj`."""
    numbers = np.arange(count, dtype=np.uint64) + np.uint64(hash64("cards", seed))
    return tuple("tok_" + f"{number:016x}".translate(_LETTERS) for number in mix(numbers).tolist())


def run_tag(seed: int, start_ms: int) -> str:
    """Return eight letters that stand for one run; part of its transactions' ids."""
    return f"{hash64('run', seed, start_ms) >> 32:08x}".translate(_LETTERS)


class TraceParents:
    """W3C trace contexts of a run's transactions (https://www.w3.org/TR/trace-context/)."""

    __slots__ = ("_base", "_prefix", "_sampled_below")

    def __init__(self, *, seed: int, start_ms: int, sampled_share: float, series: str = "") -> None:
        run = hash64("trace", seed, start_ms, series)
        self._prefix = f"00-{run or 1:016x}"
        self._base = np.uint64(run)
        self._sampled_below = int(sampled_share * 2**64)

    def of(self, first: int, count: int) -> list[str]:
        """Return `traceparent` of the run's transactions `first` to `first + count - 1`."""
        numbers = np.arange(first, first + count, dtype=np.uint64) + self._base
        low = mix(numbers)
        spans = np.maximum(mix(low), np.uint64(1))  # all zeros is not a span id
        prefix, sampled_below = self._prefix, self._sampled_below
        return [
            f"{prefix}{trace:016x}-{span:016x}-{'01' if trace < sampled_below else '00'}"
            for trace, span in zip(low.tolist(), spans.tolist(), strict=True)
        ]
