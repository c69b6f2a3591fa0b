"""How a user's memory is written to keyed state (MessagePack).

These types are the schema of savepoints: new fields go to the end, with a default.
"""

from typing import Final

import msgspec

SCHEMA_VERSION: Final = 1


class StoredCard(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`CardState`, field by field."""

    transactions: int = 0
    amounts: int = 0
    amount_sum_minor: int = 0
    last_event_time: int = 0
    last_latitude: float = 0.0
    last_longitude: float = 0.0
    latitude_sum: float = 0.0
    longitude_sum: float = 0.0
    limit_minor: int | None = None
    near_limit_times: tuple[int, ...] = ()
    no_pin_times: tuple[int, ...] = ()


class HeldTransaction(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A transaction that waits for earlier ones, as it came."""

    event_time: int
    transaction_id: str
    value: bytes
    timestamp_ms: int
    traceparent: str | None


class StoredUser(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`UserState`, field by field."""

    version: int
    cards: dict[str, StoredCard] = {}
    recent_ids: list[str] = []
    recent_times: list[int] = []
    held: tuple[HeldTransaction, ...] = ()


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(StoredUser)


def pack(user: StoredUser) -> bytes:
    """Pack a user's memory."""
    return _encoder.encode(user)


def unpack(value: bytes) -> StoredUser:
    """Unpack a user's memory.

    Raises:
        ValueError: it was written by a newer version of Cardwatch.
    """
    user = _decoder.decode(value)
    if user.version > SCHEMA_VERSION:
        raise ValueError(
            f"user state of schema version {user.version}: this version reads up to "
            f"{SCHEMA_VERSION}; restore it with the newer Cardwatch that wrote it"
        )
    return user
