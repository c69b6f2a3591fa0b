"""Which alerts a client wants to see. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

import msgspec

from cardwatch_contracts.alert import Alert, FindingMode
from cardwatch_contracts.card_numbers import is_disguised_card_number
from cardwatch_gateway.keys import ApiKey
from cardwatch_gateway.problems import ProblemError, invalid

FIELDS: Final = ("bank_id", "user_id", "detector", "mode", "min_amount_minor")
_MAX_TEXT: Final = 128
_MAX_INT: Final = 2**63 - 1


class AlertFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert must be like; None: whatever."""

    bank_id: str | None = None
    user_id: str | None = None
    detector: str | None = None
    """A detector that one of its findings is of."""
    mode: FindingMode | None = None
    min_amount_minor: int | None = None
    """Smallest amount, minor units of whatever currency."""

    def accepts(self, alert: Alert) -> bool:
        """Return whether an alert is wanted."""
        txn = alert.transaction
        return (
            (self.bank_id is None or txn.bank_id == self.bank_id)
            and (self.user_id is None or txn.user_id == self.user_id)
            and (self.mode is None or alert.mode == self.mode)
            and (self.min_amount_minor is None or txn.amount_minor >= self.min_amount_minor)
            and (self.detector is None or any(f.detector == self.detector for f in alert.findings))
        )


def read_filter(query: Mapping[str, str], key: ApiKey) -> AlertFilter:
    """Read a filter from a request's query; a key of one bank sees that bank's alerts alone.

    Raises:
        ProblemError: 422 where a value is not allowed, 403 where another bank's are asked for.
    """
    mode = query.get("mode")
    if mode is not None and mode not in get_args(FindingMode):
        raise invalid(f"mode: {one_of(get_args(FindingMode))}", field="mode")
    wanted: Literal["active", "shadow"] | None = mode  # type: ignore[assignment] # just checked
    bank_id = read_text(query, "bank_id")
    if bank_id is not None and not key.is_of(bank_id):
        raise ProblemError(403, "other-bank", "bank_id: the key is another bank's")
    return AlertFilter(
        bank_id=bank_id or key.only_bank,
        user_id=read_text(query, "user_id"),
        detector=read_text(query, "detector"),
        mode=wanted,
        min_amount_minor=read_int(query, "min_amount_minor", lowest=-_MAX_INT),
    )


def refuse_others(query: Mapping[str, str], allowed: Iterable[str]) -> None:
    """Refuse parameters that nobody looks at: one that is misspelt would filter nothing.

    Raises:
        ProblemError: 422 where there is one.
    """
    allowed = tuple(allowed)
    if any(name not in allowed for name in query):
        raise invalid(f"unknown parameter; allowed: {', '.join(allowed) or 'none'}")


def read_text(query: Mapping[str, str], name: str) -> str | None:
    """Return a parameter's text.

    Raises:
        ProblemError: 422 where it is too long, not printable, or a card number.
    """
    text = query.get(name)
    if text is None:
        return None
    if not 0 < len(text) <= _MAX_TEXT or not text.isprintable() or is_disguised_card_number(text):
        raise invalid(
            f"{name}: 1 to {_MAX_TEXT} printable characters are allowed, no card number", field=name
        )
    return text


def read_int(
    query: Mapping[str, str], name: str, *, lowest: int = 0, highest: int = _MAX_INT
) -> int | None:
    """Return a parameter's number.

    Raises:
        ProblemError: 422 where it is none, or out of its range.
    """
    text = query.get(name)
    if text is None:
        return None
    digits = text.removeprefix("-")
    if (
        digits.isascii()
        and digits.isdigit()
        and len(digits) < 20
        and lowest <= int(text) <= highest
    ):
        return int(text)
    raise invalid(f"{name}: a whole number from {lowest} to {highest} is allowed", field=name)


def one_of(allowed: Iterable[str]) -> str:
    """Say what is allowed."""
    return f"allowed: {', '.join(allowed)}"
