"""Which alerts an analyst wants to see, as conditions of SQL. Pure.

What people type is only ever a parameter; the texts of the conditions are constants of this module.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

import msgspec

from cardwatch_contracts.alert import FindingMode
from cardwatch_contracts.card_numbers import holds_card_number
from cardwatch_contracts.detector_config import Detectors
from cardwatch_contracts.feedback import Label
from cardwatch_contracts.model_stats import Role
from cardwatch_contracts.money import unusual_exponents

Answer = Label | Literal["unanswered"]
DETECTORS: Final = (*Detectors.__struct_fields__, *get_args(Role))
"""Whose findings there are: rules, models and their challengers."""
MOST_CHOSEN: Final = 50
_MAX_TEXT: Final = 128
_SEARCHED: Final = (
    *("transaction_id", "user_id", "card_id", "bank_id"),
    *("merchant_id", "merchant_category", "city"),
)


class InvalidFilterError(ValueError):
    """A filter that is not allowed; the message says what is."""


class ReviewFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an alert must be like; empty or None: whatever.

    Raises:
        InvalidFilterError: a value is too long, or a card number.
    """

    search: str = ""
    """Part of an id, a merchant or a place."""
    banks: tuple[str, ...] = ()
    detectors: tuple[str, ...] = ()
    """One of its findings is of one of them."""
    mode: FindingMode | None = None
    answer: Answer | None = None
    """What the latest feedback says."""
    since_ms: int | None = None
    """Event time from then on. Milliseconds since 1970-01-01 UTC."""
    until_ms: int | None = None
    """Event time before then."""
    min_amount: float | None = None
    """Smallest amount, in each currency's own units."""
    user_id: str | None = None
    card_id: str | None = None

    def __post_init__(self) -> None:
        texts = (self.search, self.user_id or "", self.card_id or "", *self.banks, *self.detectors)
        if any(len(text) > _MAX_TEXT or "\0" in text for text in texts):
            raise InvalidFilterError(f"a filter: at most {_MAX_TEXT} characters are allowed")
        if any(map(holds_card_number, texts)):
            raise InvalidFilterError("a card number: nothing is stored under one; search its token")
        if max(len(self.banks), len(self.detectors)) > MOST_CHOSEN:
            raise InvalidFilterError(f"a filter: at most {MOST_CHOSEN} choices are allowed")


def conditions_of(wanted: ReviewFilter) -> tuple[list[str], dict[str, Any]]:
    """Return conditions on alerts, `a`, with their latest answer, `l`, and their parameters."""
    conditions: list[str] = []
    values: dict[str, Any] = {}

    def add(condition: str, **of: Any) -> None:
        conditions.append(condition)
        values.update(of)

    if wanted.since_ms is not None:
        add("a.event_time >= to_timestamp(%(since)s / 1000.0)", since=wanted.since_ms)
    if wanted.until_ms is not None:
        add("a.event_time < to_timestamp(%(until)s / 1000.0)", until=wanted.until_ms)
    if wanted.search:
        either = " OR ".join(f"a.{column} ILIKE %(search)s" for column in _SEARCHED)
        add(f"({either})", search=f"%{_literal(wanted.search)}%")
    for column in ("user_id", "card_id", "mode"):
        value = getattr(wanted, column)
        if value is not None:
            add(f"a.{column} = %({column})s", **{column: value})
    if wanted.banks:
        add("a.bank_id = ANY (%(banks)s)", banks=list(wanted.banks))
    if wanted.detectors:
        add("a.detectors && %(detectors)s::text[]", detectors=list(wanted.detectors))
    if wanted.answer == "unanswered":
        add("l.label IS NULL")
    elif wanted.answer is not None:
        add("l.label = %(answer)s", answer=wanted.answer)
    if wanted.min_amount is not None:
        add(f"a.amount_minor >= %(least)s * ({_UNITS})", least=wanted.min_amount)
    return conditions, values


def _units() -> str:
    """Return how many minor units a currency's unit has, in SQL."""
    cases = " ".join(
        f"WHEN '{currency}' THEN {10**exponent}"
        for currency, exponent in sorted(unusual_exponents().items())
    )
    return f"CASE a.currency {cases} ELSE 100 END"


_UNITS: Final = _units()

SORTABLE: Final[Mapping[str, str]] = {
    "event_time": "a.event_time",
    "amount": "a.amount_minor",
    "risk": "a.risk",
    "bank_id": "a.bank_id",
    "user_id": "a.user_id",
    "card_id": "a.card_id",
    "merchant_id": "a.merchant_id",
    "city": "a.city",
    "mode": "a.mode",
    "config": "a.config",
    "label": "l.label",
}
"""Columns by which pages sort."""


def order_of(model: Sequence[Mapping[str, Any]]) -> str:
    """Return the order that a grid asks for, in SQL; unknown columns are passed over.

    Args:
        model: AG Grid's sort model: `colId` and `sort`, `asc` or `desc`.
    """
    parts = []
    for each in model:
        column = SORTABLE.get(str(each.get("colId")))
        if column is not None:
            direction = "ASC" if each.get("sort") == "asc" else "DESC"
            # Where nothing is ever missing, saying so would keep PostgreSQL from its index.
            nulls = " NULLS LAST" if column in ("l.label", "a.risk") else ""
            parts.append(f"{column} {direction}{nulls}")
    return ", ".join([*(parts or ["a.event_time DESC"]), "a.alert_id"])


def _literal(text: str) -> str:
    """Return text as LIKE takes it for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
