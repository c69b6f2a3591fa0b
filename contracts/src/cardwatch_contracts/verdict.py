"""What the job decided about a transaction whose sender waits for it, on the topic `verdicts`."""

from typing import Final, Literal

import msgspec

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.codec import decode

Decision = Literal["clear", "alert"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The decision about one transaction that came with `reply_to`, which is the record's key.

    It comes at once, before Flink's next checkpoint. After a failure the job judges again what it
    had judged since the last checkpoint: there may be a second verdict, and where the thresholds
    were changed meanwhile it may differ. The alert is what counts.
    """

    transaction_id: str
    decision: Decision
    """`alert` where a detector in force objects; one that is on trial changes nothing."""
    config: str
    """Name of the DetectorConfig that judged."""
    generation: int
    """Its generation; 0 for the built-in defaults."""
    findings: tuple[Finding, ...] = ()
    """Those of the alert."""
    alert_id: str | None = None
    """The alert, where there is one."""
    trace_id: str | None = None
    """W3C trace id, 32 hexadecimal digits, of the transaction's trace."""


_decoder: Final = msgspec.json.Decoder(Verdict)


def decode_verdict(value: bytes | None) -> Verdict:
    """Decode one verdict.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    return decode(_decoder, value)
