"""Names as numbers: what is remembered of merchants, trades and transactions holds no names."""

from functools import lru_cache
from typing import Final

_OFFSET: Final = 0xCBF29CE484222325
_PRIME: Final = 0x100000001B3
_64_BITS: Final = 2**64 - 1


@lru_cache(maxsize=65_536)
def hash_of(name: str) -> int:
    """Return the 64-bit hash of a name (FNV-1a, Fowler, Noll and Vo, of its UTF-8 form)."""
    value = _OFFSET
    for byte in name.encode():
        value = ((value ^ byte) * _PRIME) & _64_BITS
    return value
