"""Rows that could not be mapped: counted by reason, the first ones kept for showing."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from cardwatch_contracts.privacy import redact_card_numbers

SHOWN: Final = 20
"""How many rejected rows are kept for showing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A row that was left out and why. Holds no cell of the row: it could be a card number."""

    line: int
    """CSV: the physical line on which the row begins, the header being line 1.
    Parquet: the row, from 1."""
    reason: str
    """What was wrong and what is allowed."""
    field: str = ""
    """The transaction's field; empty where the whole row could not be read."""
    column: str = ""
    """The file's column; empty where none is to blame."""

    @property
    def where(self) -> str:
        """The field and the column it is read from, in words."""
        column = redact_card_numbers(self.column)
        if not self.field:
            return "row"
        return f"{self.field} from column `{column}`" if column else self.field

    def __str__(self) -> str:
        return f"line {self.line:,}: {self.where}: {self.reason}"


@dataclass(slots=True)
class Rejections:
    """All rejected rows of a replay."""

    shown: list[Rejection] = field(default_factory=list)
    """The first rejected rows, `SHOWN` at most."""
    by_reason: Counter[str] = field(default_factory=Counter)
    """How many rows were rejected, by field and reason."""

    @property
    def total(self) -> int:
        """How many rows were rejected."""
        return self.by_reason.total()

    def add(self, rejection: Rejection) -> None:
        """Count one row."""
        self.by_reason[f"{rejection.where}: {rejection.reason}"] += 1
        if len(self.shown) < SHOWN:
            self.shown.append(rejection)
