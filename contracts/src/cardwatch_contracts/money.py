"""Amounts in words: minor units and ISO 4217 exponents."""

from typing import Final

_NO_MINOR_UNIT: Final = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()
)
_THOUSANDTHS: Final = frozenset("BHD IQD JOD KWD LYD OMR TND".split())


def exponent_of(currency: str) -> int:
    """How many decimals the currency has (ISO 4217, table A.1)."""
    if currency in _NO_MINOR_UNIT:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def unusual_exponents() -> dict[str, int]:
    """Return the currencies that have not two decimals, and how many they have."""
    return dict.fromkeys(_NO_MINOR_UNIT, 0) | dict.fromkeys(_THOUSANDTHS, 3)


def format_amount(amount_minor: int, currency: str) -> str:
    """Write an amount for a person, such as `1,234.50 EUR`. Exact for every integer."""
    exponent = exponent_of(currency)
    units, minor = divmod(abs(amount_minor), 10**exponent)
    sign = "-" if amount_minor < 0 else ""
    decimals = f".{minor:0{exponent}d}" if exponent else ""
    return f"{sign}{units:,}{decimals} {currency}"
