"""How times in a file are read: numbers since 1970, ISO 8601, or a declared format."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Inexact
from typing import Final, Literal
from zoneinfo import ZoneInfo

from cardwatch_generator.cells import EXACT, Cell, CellError, number_of, text_of

TimeForm = Literal["epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "iso8601", "format"]

_MS_EXPONENT: Final = {"epoch_s": 3, "epoch_ms": 0, "epoch_us": -3, "epoch_ns": -6}
_MAX_TIME_MS: Final = 10**15
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = _EPOCH.replace(tzinfo=None)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DATE_CHARS: Final = 10
_PROBE_TIME: Final = datetime(2020, 11, 23, 14, 45, 56, tzinfo=UTC)


def epoch_reader(form: str) -> Callable[[Cell], int]:
    """Return a reader of numbers since 1970-01-01 UTC, to milliseconds (rounded down).

    Args:
        form: `epoch_s`, `epoch_ms`, `epoch_us` or `epoch_ns`.
    """
    exponent = _MS_EXPONENT[form]

    def read(cell: Cell) -> int:
        if isinstance(cell, datetime):
            raise CellError(f"a timestamp column; allowed: numbers, or `read: iso8601`, not {form}")
        try:
            ms = number_of(cell).scaleb(exponent, EXACT)
        except Inexact:
            raise CellError("too many digits for a time") from None
        if abs(ms) > _MAX_TIME_MS:
            raise CellError(f"too large; allowed: `{form}` up to the year 2100")
        return math.floor(ms)

    return read


def calendar_reader(form: str | None, zone: tzinfo | None) -> Callable[[Cell], int]:
    """Return a reader of dates with a time of day, to milliseconds since 1970-01-01 UTC.

    Args:
        form: as `strptime` takes it; None: ISO 8601.
        zone: of times without an offset; None: these are rejected.
    """

    def read(cell: Cell) -> int:
        moment = cell if isinstance(cell, datetime) else _parse_time(cell, form)
        return _epoch_ms(moment, zone)

    return read


def _parse_time(cell: Cell, form: str | None) -> datetime:
    text = text_of(cell)
    try:
        if form is not None:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is applied by the caller
        if len(text) > _DATE_CHARS:
            return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        pass
    allowed = f"the format `{form}`" if form else "ISO 8601 such as 2026-11-21T11:47:15Z"
    raise CellError(f"not a time; allowed: {allowed}")


def _epoch_ms(moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None:
        if zone is UTC:
            return (moment - _NAIVE_EPOCH) // _MILLISECOND  # the common case, four times as fast
        if zone is None:
            raise CellError("a time without offset; allowed: an offset, or `zone` in the mapping")
        moment = moment.replace(tzinfo=zone)
        if moment.utcoffset() != moment.replace(fold=1).utcoffset():
            raise CellError(
                f"the clocks of {zone} change here, the time is skipped or happens twice; "
                "allowed: a time with an offset"
            )
    return (moment - _EPOCH) // _MILLISECOND


def zone_of(name: str) -> tzinfo:
    """Return the time zone of an IANA name.

    Raises:
        ValueError: there is no such zone on this machine.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("Expected an IANA `zone` such as `UTC` or `Europe/Berlin`") from None


def check_format(form: str, *, has_zone: bool) -> None:
    """Refuse a `strptime` format that cannot tell the time.

    Raises:
        ValueError: says what is missing.
    """
    try:
        again = datetime.strptime(_PROBE_TIME.strftime(form), form)  # noqa: DTZ007 - zone optional
    except ValueError:
        raise ValueError("Expected a `format` that strptime takes") from None
    if again.replace(tzinfo=UTC, second=0) != _PROBE_TIME.replace(second=0):
        raise ValueError("Expected a `format` with date, hour and minute")
    if again.tzinfo is None and not has_zone:
        raise ValueError("Expected a `zone`, or `%z` in the `format`")
