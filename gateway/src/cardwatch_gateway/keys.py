"""API keys: who may do what, for which bank. Pure.

The file holds hashes alone. A key is `cw_<id>_<secret>`: its id finds the entry, whose hash is then
compared in constant time.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from cardwatch_contracts.privacy import is_card_number
from cardwatch_contracts.transaction import Identifier

Role = Literal["ingest", "read", "analyst"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
EVERY_BANK: Final = "*"
_KEY: Final = re.compile(r"cw_([a-z0-9]{1,32})_([A-Za-z0-9_-]{20,128})")
_NOBODY: Final = sha256(b"").hexdigest()


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a key."""

    id: Annotated[str, Meta(pattern="^[a-z0-9]{1,32}$")]
    """Small letters and digits; a part of the key, and no secret."""
    bank_id: Identifier
    """Whose transactions it may send and see; `*`: every bank's."""
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """Of the whole key, hexadecimal."""
    roles: frozenset[Role]
    """`ingest` sends transactions, `read` sees alerts, `analyst` does that and gives feedback."""
    rate_per_s: Annotated[float, Meta(gt=0, le=1e6)] = 1_000.0
    """Transactions, or requests of another kind, a second, on average, in each replica."""
    not_after: date | None = None
    """The last day on which it is taken, UTC; None: no end."""

    def may(self, role: Role) -> bool:
        """Return whether it has a role; analysts read too."""
        return role in self.roles or (role == "read" and "analyst" in self.roles)

    def is_of(self, bank_id: str) -> bool:
        """Return whether it may have to do with a bank's transactions."""
        return self.bank_id in (bank_id, EVERY_BANK)

    @property
    def only_bank(self) -> str | None:
        """The one bank it is of; None: every bank."""
        return None if self.bank_id == EVERY_BANK else self.bank_id


class _KeysFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[ApiKey]


NO_AUTH: Final = ApiKey(
    id="noauth",
    bank_id=EVERY_BANK,
    sha256=_NOBODY,
    roles=frozenset(ROLES),
    rate_per_s=1e6,
)
"""Everybody, where no keys are asked for."""
_decoder: Final = msgspec.json.Decoder(_KeysFile)


class InvalidKeysError(ValueError):
    """A file of keys that cannot be used; the message says why, and has no hash."""


class KeyRing:
    """The keys there are."""

    def __init__(self, keys: Mapping[str, ApiKey]) -> None:
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, presented: str, now: datetime) -> ApiKey | None:
        """Return who presents a key; None where it is no key, or not taken any more."""
        match = _KEY.fullmatch(presented)
        key = self._keys.get(match[1]) if match else None
        expected = _NOBODY if key is None else key.sha256
        # Compared whether there is such an id or not: the time tells nothing.
        if not hmac.compare_digest(_hash(presented), expected) or key is None:
            return None
        if key.not_after is not None and now >= _end_of(key.not_after):
            return None
        return key


def read_keys(text: bytes) -> KeyRing:
    """Read a file of keys.

    Raises:
        InvalidKeysError: it is not JSON, breaks its contract, or has an id twice.
    """
    try:
        file = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidKeysError(f"keys: {error}") from None
    keys: dict[str, ApiKey] = {}
    for index, key in enumerate(file.keys):
        if key.id in keys:
            raise InvalidKeysError(f"keys[{index}].id: the same as another's; allowed: a new one")
        if is_card_number(key.bank_id):
            raise InvalidKeysError(f"keys[{index}].bank_id: a card number; allowed: a bank's id")
        keys[key.id] = key
    return KeyRing(keys)


def new_key(
    *, bank_id: str, roles: frozenset[Role], rate_per_s: float, not_after: str | None
) -> tuple[str, bytes]:
    """Make a key: return it, which is kept nowhere, and its entry for the file, JSON.

    Raises:
        ValueError: the bank or the day is not allowed.
    """
    key_id = secrets.token_hex(6)
    key = f"cw_{key_id}_{secrets.token_urlsafe(32)}"
    try:
        last_day = None if not_after is None else date.fromisoformat(not_after)
    except ValueError:
        raise ValueError("--not-after: allowed: a day such as 2027-12-31") from None
    if not 0 < len(bank_id) <= 128 or is_card_number(bank_id):
        raise ValueError("--bank: allowed: a bank's id of 1 to 128 characters, or *")
    entry = ApiKey(
        id=key_id,
        bank_id=bank_id,
        sha256=_hash(key),
        roles=roles,
        rate_per_s=rate_per_s,
        not_after=last_day,
    )
    return key, msgspec.json.format(msgspec.json.encode(entry, order="sorted"))


def _hash(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
