"""Kafka records as the job reads and writes them."""

import msgspec

from cardwatch_contracts.codec import encode


class InputRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record read from Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int
    offset: int
    timestamp_ms: int
    """When Kafka took it. Milliseconds since 1970-01-01 UTC."""
    traceparent: str | None = None
    """The header of that name."""


class OutputRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record to write to Kafka."""

    topic: str
    key: bytes
    value: bytes
    traceparent: str | None = None

    @classmethod
    def of(
        cls, topic: str, key: str, record: msgspec.Struct, *, traceparent: str | None = None
    ) -> "OutputRecord":
        """Encode a record of the contracts."""
        return cls(topic=topic, key=key.encode(), value=encode(record), traceparent=traceparent)
