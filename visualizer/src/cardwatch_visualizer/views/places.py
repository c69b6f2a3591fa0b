"""What was paid where. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cardwatch_contracts.money import format_amount
from cardwatch_visualizer.live.rows import shown

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A city, and what was paid there in one currency."""

    country: str
    city: str
    latitude: float
    """Mean of its transactions. Degrees, WGS 84."""
    longitude: float
    transactions: int
    """Estimated, where a sample was read."""
    total_minor: int
    """Minor units of the currency; estimated likewise. Refunds are negative."""
    average_minor: int
    alerts: int
    """In force, whatever their currency."""

    @property
    def name(self) -> str:
        """City and country."""
        return ", ".join(filter(None, (self.city, self.country)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What was paid where, in one currency."""

    currency: str
    """Empty where there is nothing."""
    currencies: tuple[str, ...]
    """There are others, too; most transactions first."""
    places: tuple[Place, ...]
    """The largest amounts first."""
    one_in: int
    """One transaction that was read stands for so many."""
    is_cut: bool
    """Whether there were more than are read."""

    def lines(self) -> Iterator[tuple[str, ...]]:
        """Yield it as a table: place, transactions, amount, average, alerts."""
        for place in self.places:
            yield (
                place.name,
                f"{place.transactions:,}",
                format_amount(place.total_minor, self.currency),
                format_amount(place.average_minor, self.currency),
                f"{place.alerts:,}",
            )

    def caveat(self) -> str:
        """Say what the figures stand on, empty where it is every transaction."""
        if self.is_cut:
            return "There are more transactions than are read: choose a shorter window."
        if self.one_in > 1:
            return f"Estimated from one transaction in {self.one_in:,}."
        return ""


def amounts_by_place(
    rows: Sequence[Row],
    alerts: Sequence[Row],
    *,
    currency: str,
    one_in: int,
    most: int,
) -> Amounts:
    """Return what the archive's rows say.

    Args:
        rows: of `archive.analytics.places`.
        alerts: of `archive.analytics.alert_places`.
        currency: which is wanted; the one with most transactions where there is none of it.
        one_in: one transaction of `rows` stands for so many.
        most: how many are read at most.
    """
    currencies = tuple(dict.fromkeys(row["currency"] for row in rows))
    chosen = currency if currency in currencies else next(iter(currencies), "")
    raised = {(row["country"], row["city"]): row["alerts"] for row in alerts}
    places = [
        Place(
            country=shown(row["country"]),
            city=shown(row["city"]),
            latitude=row["latitude"],
            longitude=row["longitude"],
            transactions=row["transactions"] * one_in,
            total_minor=int(row["total_minor"]) * one_in,
            average_minor=round(row["total_minor"] / row["transactions"]),
            alerts=raised.get((row["country"], row["city"]), 0),
        )
        for row in rows
        if row["currency"] == chosen
    ]
    return Amounts(
        currency=chosen,
        currencies=currencies,
        places=tuple(places),
        one_in=one_in,
        is_cut=bool(rows) and rows[0]["read"] >= most,
    )
