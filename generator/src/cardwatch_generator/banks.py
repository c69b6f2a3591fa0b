"""Banks: whose cards there are and how often they are used."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from cardwatch_contracts.privacy import redact_card_numbers
from cardwatch_generator.places import COUNTRIES

MAX_TPS: Final = 100_000.0
MAX_CARDS_PER_USER: Final = 4
_MAX_USER_ID: Final = 10**9  # ten digits at most: no user id is as long as a card number
_BANK_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_SYSTEM = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class Bank(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bank that issues cards.

    Raises:
        ValueError: a field is out of its range; the message names it and what is allowed.
    """

    id: str
    """Begins with a letter; letters, digits, `_` and `-`; 32 at most."""

    first_user: int
    """Smallest user id of the bank's customers, > 0."""

    last_user: int
    """Largest user id, inclusive, at most 1,000,000,000. No two banks share a user."""

    tps: float
    """Transactions a second, genuine and fraudulent. > 0, at most 100,000."""

    countries: Mapping[str, float] = msgspec.field(default_factory=lambda: {"DE": 1.0})
    """Share of its cardholders by the country they live in (ISO 3166-1 alpha-2). Relative."""

    payment_systems: Mapping[str, float] = msgspec.field(default_factory=lambda: {"visa": 1.0})
    """Share of its cards by scheme. Relative."""

    sends_limit: bool = True
    """Whether its transactions carry the card's limit; otherwise the limit on record counts."""

    def __post_init__(self) -> None:
        shown_id = redact_card_numbers(self.id)
        if shown_id != self.id or not _BANK_ID.fullmatch(self.id):
            raise ValueError(
                f"bank id {shown_id!r}: a letter, then letters, digits, `_` or `-`, 32 at most"
            )
        if not 0 < self.first_user <= self.last_user <= _MAX_USER_ID:
            raise ValueError(
                f"bank {self.id}: users first_user {self.first_user} to last_user "
                f"{self.last_user}: allowed is 0 < first_user <= last_user <= {_MAX_USER_ID:,}"
            )
        if not 0 < self.tps <= MAX_TPS:
            raise ValueError(f"bank {self.id}: tps {self.tps:g}: allowed is 0 < tps <= 100,000")
        self._check_shares("countries", self.countries)
        self._check_shares("payment_systems", self.payment_systems)
        for country in self.countries:
            if country not in COUNTRIES:
                raise ValueError(
                    f"bank {self.id}: countries names {country!r}: "
                    f"allowed are {', '.join(COUNTRIES)}"
                )
        for system in self.payment_systems:
            if not _SYSTEM.fullmatch(system):
                raise ValueError(
                    f"bank {self.id}: payment_systems names {system!r}: a small letter, then "
                    "small letters, digits, `_` or `-`, 32 at most"
                )

    def _check_shares(self, field: str, shares: Mapping[str, float]) -> None:
        if not shares or not all(0 < share <= 1e9 for share in shares.values()):
            raise ValueError(
                f"bank {self.id}: {field} {dict(shares)}: at least one, each share > 0"
            )

    @property
    def users(self) -> int:
        """How many user ids the bank has."""
        return self.last_user - self.first_user + 1


BANK_A: Final = Bank(
    id="A",
    first_user=1000,
    last_user=4999,
    tps=50.0,
    countries={
        "DE": 30, "FR": 18, "IT": 14, "ES": 13, "NL": 6, "AT": 5, "BE": 4, "PT": 3, "IE": 2,
        "FI": 2, "GR": 2, "CH": 4,
    },
    payment_systems={"visa": 45, "mastercard": 45, "amex": 6, "maestro": 4},
)  # fmt: skip
BANK_B: Final = Bank(
    id="B",
    first_user=5000,
    last_user=9999,
    tps=30.0,
    countries={"GB": 45, "US": 25, "CA": 8, "AU": 6, "IE": 6, "PL": 6, "SE": 4},
    payment_systems={"visa": 55, "mastercard": 35, "amex": 10},
    sends_limit=False,
)
"""Sends no limit with its transactions: detectors take the one on record (topic `cards`)."""


def cards_by_bank(banks: tuple[Bank, ...], cards: int) -> tuple[int, ...]:
    """Divide `cards` over the banks in proportion to their rates, by largest remainders.

    Raises:
        ValueError: a bank has fewer than one card, or more than its users can hold.
    """
    total_tps = sum(bank.tps for bank in banks)
    exact = [cards * bank.tps / total_tps for bank in banks]
    quotas = [int(share) for share in exact]
    by_remainder = sorted(range(len(banks)), key=lambda i: (quotas[i] - exact[i], i))
    for index in by_remainder[: cards - sum(quotas)]:
        quotas[index] += 1
    for bank, quota in zip(banks, quotas, strict=True):
        if not 1 <= quota <= MAX_CARDS_PER_USER * bank.users:
            raise ValueError(
                f"cards {cards:,}: bank {bank.id}'s part by its rate is {quota:,}; allowed is 1 to "
                f"{MAX_CARDS_PER_USER * bank.users:,}, {MAX_CARDS_PER_USER} for each of its "
                f"{bank.users:,} users"
            )
    return tuple(quotas)
