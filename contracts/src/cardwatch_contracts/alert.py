"""An alert with its reasons, as it travels on the topic `alerts`."""

from hashlib import sha1
from typing import Final, Literal
from uuid import UUID

import msgspec

from cardwatch_contracts.codec import decode
from cardwatch_contracts.transaction import Transaction

_ALERT_NAMESPACE: Final = UUID("5f2d8f5e-3c5b-5c39-9c56-6a0f0d1d7c11").bytes

FindingMode = Literal["active", "shadow"]


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why one detector objects to a transaction."""

    detector: str
    """Name of the detector, such as `amount_spike`."""
    observed: float
    """What was measured, in `unit`."""
    threshold: float
    """What it was held against, in `unit`."""
    unit: str
    """`minor` (minor units of the currency), `s`, `d`, `km`, `km/h`, `transactions` or `risk`."""
    reason: str
    """One sentence a person can read."""
    counterfactual: str
    """What would have raised no finding, such as `no alert below 412.00 EUR`."""
    baseline: float | None = None
    """What is usual for the card, in `unit`, where the detector knows it."""
    mode: FindingMode = "active"
    """`shadow`: computed to try the detector out, not to act on."""
    model: str | None = None
    """Hash of the model whose finding it is; None: a rule's."""


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert per suspicious transaction, with one finding per detector that objects."""

    alert_id: str
    """UUIDv5 of the transaction id: the same transaction judged again overwrites its alert."""
    transaction: Transaction
    findings: tuple[Finding, ...]
    config: str
    """Name of the DetectorConfig that judged."""
    generation: int
    """Its generation; 0 for the built-in defaults."""
    ingested_at: int
    """When Kafka took the transaction. Milliseconds since 1970-01-01 UTC."""
    mode: FindingMode = "active"
    """`shadow` when every finding is."""
    trace_id: str | None = None
    """W3C trace id, 32 hexadecimal digits, of the transaction's trace."""
    risk: float | None = None
    """Model and rules taken together, in [0, 1]; None: no model judged."""
    amount_deviations: float | None = None
    """By how many standard deviations the amount was over the user's usual one; None: no model
    judged. Feedback brings it back: a fraud far over what is usual does not blame the merchant."""


_decoder: Final = msgspec.json.Decoder(Alert)


def alert_id_of(transaction_id: str) -> str:
    """Return the id of the alert on `transaction_id` (UUID version 5, RFC 9562)."""
    # As `uuid.uuid5` does, without its objects: every alert pays for this.
    digest = bytearray(
        sha1(_ALERT_NAMESPACE + transaction_id.encode(), usedforsecurity=False).digest()
    )
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def decode_alert(value: bytes | None) -> Alert:
    """Decode one alert.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    return decode(_decoder, value)
