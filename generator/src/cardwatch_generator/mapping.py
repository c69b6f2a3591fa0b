"""How a file's columns become transactions: the declared form of a mapping.

A mapping names, for each field of a transaction, the column it is read from or a constant, and
how the column's cells are read. These structs are its schema; `mapping_file` reads the YAML.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from cardwatch_generator.times import TimeForm, check_format, zone_of

ColumnName = Annotated[str, Meta(min_length=1)]


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of a mapping; a key that it does not know is an error."""


def _need_one_of(given: dict[str, bool]) -> None:
    names = [name for name, is_given in given.items() if is_given]
    choices = " or ".join(f"`{name}`" for name in given)
    if len(names) != 1:
        found = " and ".join(f"`{name}`" for name in names) or "none of them"
        raise ValueError(f"Expected either {choices}, got {found}")


class TextSource(_Declared, frozen=True, kw_only=True):
    """A text. Steps on a cell: `lower`, then `values`, then `prefix`."""

    column: ColumnName | None = None
    constant: str | None = None
    default: str | None = None
    """Stands for an empty cell, as it is; without it such a row is rejected."""
    prefix: str = ""
    lower: bool = False
    values: dict[str, str] | None = None
    """What each cell means; a row with any other cell is rejected."""

    def __post_init__(self) -> None:
        _need_one_of({"column": self.column is not None, "constant": self.constant is not None})


class TransactionIdSource(_Declared, frozen=True, kw_only=True):
    """The transaction's id: a column, or the file's name and the number of the row."""

    column: ColumnName | None = None
    row_number: bool = False
    prefix: str = ""

    def __post_init__(self) -> None:
        _need_one_of({"column": self.column is not None, "row_number": self.row_number})


class TimeSource(_Declared, frozen=True, kw_only=True):
    """A time."""

    column: ColumnName
    read: TimeForm
    """`epoch_*`: a number since 1970-01-01 UTC. `iso8601`: a text such as `2026-11-21T11:47:15Z`,
    or a timestamp column of a Parquet file. `format`: a text in the form of `format`."""
    format: str | None = None
    """As Python's `strptime` takes it, such as `%d.%m.%Y %H:%M:%S`; only with `read: format`."""
    zone: str | None = None
    """IANA name, such as `UTC` or `Europe/Berlin`, for times that carry no offset."""

    def __post_init__(self) -> None:
        if (self.read == "format") != (self.format is not None):
            raise ValueError("Expected `format` together with `read: format`, and only there")
        if self.format is not None:
            check_format(self.format, has_zone=self.zone is not None)
        if self.zone is not None:
            if self.read.startswith("epoch"):
                raise ValueError(f"Expected no `zone` with `read: {self.read}`: it counts from UTC")
            zone_of(self.zone)


class AmountSource(_Declared, frozen=True, kw_only=True):
    """An amount of money. A constant and a default are minor units."""

    column: ColumnName | None = None
    constant: int | None = None
    default: int | None = None
    """Minor units for an empty cell."""
    unit: Literal["major", "minor"] | None = None
    """`major`: 12.34 is 1234 minor units at `scale: 2`. `minor`: whole minor units."""
    scale: Annotated[int, Meta(ge=0, le=6)] | None = None
    """Decimals of the currency, only with `unit: major`: 2 for EUR, 0 for JPY, 3 for KWD."""

    def __post_init__(self) -> None:
        _need_one_of({"column": self.column is not None, "constant": self.constant is not None})
        if self.column is not None and self.unit is None:
            raise ValueError("Expected `unit: major` or `unit: minor` with a column")
        if (self.unit == "major") != (self.scale is not None):
            raise ValueError("Expected `scale` together with `unit: major`, and only there")


class FlagSource(_Declared, frozen=True, kw_only=True):
    """A yes or no."""

    column: ColumnName | None = None
    constant: bool | None = None
    default: bool | None = None
    true_cells: tuple[str, ...] = msgspec.field(default=(), name="true")
    """Cells that mean yes. With `false` it lists all cells that are allowed."""
    false_cells: tuple[str, ...] = msgspec.field(default=(), name="false")

    def __post_init__(self) -> None:
        _need_one_of({"column": self.column is not None, "constant": self.constant is not None})
        if self.column is not None and not (self.true_cells and self.false_cells):
            raise ValueError("Expected the lists `true` and `false` with a column")
        if set(self.true_cells) & set(self.false_cells):
            raise ValueError("Expected no cell in both `true` and `false`")


class DegreesSource(_Declared, frozen=True, kw_only=True):
    """A latitude or longitude in degrees, WGS 84."""

    column: ColumnName | None = None
    constant: float | None = None
    default: float | None = None

    def __post_init__(self) -> None:
        _need_one_of({"column": self.column is not None, "constant": self.constant is not None})


class LabelSource(_Declared, frozen=True, kw_only=True):
    """Where the file says which transactions are fraudulent."""

    column: ColumnName
    genuine: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Cells of genuine transactions; `""` among them takes empty cells."""
    scenarios: dict[str, str] | None = None
    """Name of the scenario for each other cell; without it the cell itself is the label."""


class Fields(_Declared, frozen=True, kw_only=True):
    """Where each field of a transaction comes from."""

    transaction_id: TransactionIdSource
    event_time: TimeSource
    user_id: TextSource
    card_id: TextSource
    bank_id: TextSource
    payment_system: TextSource
    amount_minor: AmountSource
    currency: TextSource
    merchant_id: TextSource
    merchant_category: TextSource
    country: TextSource
    city: TextSource
    latitude: DegreesSource
    longitude: DegreesSource
    pin_used: FlagSource
    channel: TextSource
    card_limit_minor: AmountSource | None = None
    """An empty cell means that the transaction carries no limit."""


Source = (
    TextSource
    | TransactionIdSource
    | TimeSource
    | AmountSource
    | FlagSource
    | DegreesSource
    | LabelSource
)


class Mapping(_Declared, frozen=True, kw_only=True):
    """A whole mapping file."""

    description: str = ""
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    """What stands between the cells of a CSV file."""
    card_number_columns: tuple[ColumnName, ...] = ()
    """Columns of card numbers: every field that is read from one gets the token instead."""
    fields: Fields
    label: LabelSource | None = None

    @property
    def sources(self) -> dict[str, Source]:
        """Every source by the transaction field it fills."""
        sources = {name: getattr(self.fields, name) for name in self.fields.__struct_fields__}
        sources["label"] = self.label
        return {name: source for name, source in sources.items() if source is not None}

    @property
    def columns(self) -> dict[str, str]:
        """The file's column for each field that is read from one."""
        return {
            name: source.column
            for name, source in self.sources.items()
            if source.column is not None
        }
