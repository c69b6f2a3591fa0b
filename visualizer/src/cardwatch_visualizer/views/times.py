"""Times in the viewer's zone. Pure."""

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MAX_NAME: Final = 64


def zone_of(name: object) -> tzinfo:
    """Return a zone by the name that a browser gives, UTC where it is none."""
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def format_time(at_ms: int, zone: tzinfo) -> str:
    """Write a time, such as `2026-11-21 12:47:15 CET`."""
    moment = datetime.fromtimestamp(at_ms / 1000, zone)
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment.tzname() or 'UTC'}"


def plot_time(at_ms: int, zone: tzinfo) -> str:
    """Write a time for plotly, which knows no zones: what the clock on the wall showed."""
    moment = datetime.fromtimestamp(at_ms / 1000, zone)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


def iso_time(at_ms: int) -> str:
    """Write a time for programs, such as `2026-11-21T11:47:15.000Z`."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"
