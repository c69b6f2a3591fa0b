"""Time spans as people type them."""

import re
from typing import Final

_PATTERN = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}


def parse_duration(text: str) -> float:
    """Read `90`, `90s`, `10m`, `2h`, `7d` or `250ms`; seconds.

    Raises:
        ValueError: says what is allowed.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time span: allowed are 90s, 10m, 2h, 7d or seconds")
    return float(match[1]) * _SECONDS[match[2]]
