"""Rates and times in words. Pure."""

from typing import Final

_UNITS: Final = ((172_800.0, 86_400.0, "days"), (7_200.0, 3_600.0, "h"), (120.0, 60.0, "min"))
"""From how many seconds on a unit is used, how many it has, and its name."""


def rate(per_s: float | None) -> str:
    """Write a rate, such as `1,234/s`; nothing where it is not known."""
    if per_s is None:
        return ""
    digits = 0 if per_s >= 100 or per_s == int(per_s) else 1 if per_s >= 1 else 2
    return f"{per_s:,.{digits}f}/s"


def lasted(seconds: float) -> str:
    """Write how long something has lasted, such as `12 s`, `3 min` or `5 h`."""
    for begins, length, name in _UNITS:
        if seconds >= begins:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds:.0f} s"
