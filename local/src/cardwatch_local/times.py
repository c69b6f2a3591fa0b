"""Times as people type them."""

from datetime import UTC, datetime


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 date or time; UTC where it says no offset, a date from its first moment.

    Raises:
        ValueError: says what is allowed.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time: allowed are a date such as 2026-11-21 and a time such as "
            "2026-11-21T12:30 (UTC), 2026-11-21T12:30+01:00"
        ) from None


def check_span(begins: datetime | None, ends: datetime | None) -> None:
    """Check that a span from one time to another, exclusive, is not empty.

    Raises:
        ValueError: it is.
    """
    if begins is not None and ends is not None and begins >= ends:
        raise ValueError(
            f"--from {begins.isoformat()} is not before --to {ends.isoformat()}, which is exclusive"
        )
