"""What is said to people in the same words everywhere. Pure."""

from typing import Final

from cardwatch_contracts.money import format_amount

_SUFFIX: Final = {"s": "s", "d": "days", "km/h": "km/h", "transactions": "transactions"}


def printable(text: str) -> str:
    """Make text from a merchant safe to show.

    Control characters could move a terminal's cursor or hide text, and right-to-left marks reorder
    it: each becomes `?`.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def format_measure(value: float, unit: str, currency: str) -> str:
    """Write what a detector measured, such as `1,234.50 EUR`, `2.5 s` or `4,210 km/h`."""
    if unit == "minor":
        return format_amount(round(value), currency)
    number = f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.3g}"
    return f"{number} {_SUFFIX.get(unit, unit)}"
