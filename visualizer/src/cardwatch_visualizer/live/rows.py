"""An alert as a line of the stream. Pure."""

from typing import Final

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.money import format_amount
from cardwatch_contracts.privacy import redact_card_numbers
from cardwatch_contracts.wording import printable
from cardwatch_visualizer.live.shapes import AlertRow

_MAX_TEXT: Final = 96
_MAX_REASON: Final = 280


def row_of(alert: Alert, written_at: int) -> AlertRow:
    """Return the line.

    Args:
        alert: of which.
        written_at: when the job wrote it. Milliseconds since 1970-01-01 UTC.
    """
    txn = alert.transaction
    return AlertRow(
        alert_id=alert.alert_id,
        event_time=txn.event_time,
        written_at=written_at,
        user_id=shown(txn.user_id),
        card_id=shown(txn.card_id),
        bank_id=shown(txn.bank_id),
        amount=format_amount(txn.amount_minor, txn.currency),
        merchant_id=shown(txn.merchant_id),
        category=shown(txn.merchant_category),
        country=txn.country,
        city=shown(txn.city),
        latitude=txn.latitude,
        longitude=txn.longitude,
        detectors=tuple(finding.detector for finding in alert.findings),
        reason=shown("; ".join(finding.reason for finding in alert.findings), _MAX_REASON),
        mode=alert.mode,
        config=shown(alert.config),
        generation=alert.generation,
    )


def shown(text: str, most: int = _MAX_TEXT) -> str:
    """Return text from outside as it may stand on a screen: no control, no card number, not long.

    It stays text: what shows it must not take it for HTML.
    """
    safe = redact_card_numbers(printable(text))
    return safe if len(safe) <= most else f"{safe[: most - 1]}…"
