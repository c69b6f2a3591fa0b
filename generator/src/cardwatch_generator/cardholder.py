"""The population: who holds which cards, where they live and how they pay."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cardwatch_contracts.card import Card
from cardwatch_generator.banks import MAX_CARDS_PER_USER, Bank, cards_by_bank
from cardwatch_generator.habits import HOURS, LIFESTYLES
from cardwatch_generator.identifiers import card_tokens
from cardwatch_generator.places import MINOR_PER_EURO, PLACES
from cardwatch_generator.randomness import Purpose, generator_for
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_generator.trips import Trips, plan_trips

_CARDS_PER_USER_SHARES: Final = (0.40, 0.30, 0.20, 0.10)
_FAMILY_SHARE: Final = 0.30
_TRAVELLER_SHARE: Final = 0.12
_ALONE_SHARE: Final = 0.06
"""Share of travelling families of whom one goes and the other stays: then two cards of one user
are rightly used far apart at the same time."""
_HOME_SPREAD_DEG: Final = 0.05  # about 5.5 km
_EUROS_MEDIAN: Final = 26.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Population:
    """All cards; every array has one entry for each card, cards of one user side by side."""

    banks: tuple[Bank, ...]
    bank: NDArray[np.int64]
    """Index in `banks`; ascending."""
    user: NDArray[np.int64]
    """Dense index of the card's user, ascending from 0."""
    user_id: NDArray[np.int64]
    holder: NDArray[np.int64]
    """Who of the user's household holds the card; 0 is the user."""
    home_latitude: NDArray[np.float64]
    home_longitude: NDArray[np.float64]
    utc_offset_h: NDArray[np.int64]
    hour_profile: NDArray[np.int64]
    """Row of `habits.HOURS`."""
    lifestyle: NDArray[np.int64]
    activity: NDArray[np.float64]
    """How often the card is used, relative to others of its bank."""
    mean_minor: NDArray[np.float64]
    """Usual amount, minor units of the card's currency."""
    spread: NDArray[np.float64]
    """Standard deviation of the logarithm of the amounts."""
    no_pin_share: NDArray[np.float64]
    """How often the holder pays without PIN where that is possible."""
    online_share: NDArray[np.float64]
    limit_minor: NDArray[np.int64]
    """Limit for one transaction."""
    system: NDArray[np.int64]
    """Index among the bank's payment systems."""
    dormant: NDArray[np.bool_]
    """In the reserve that genuine traffic does not use."""
    trips: Trips
    card_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.card_ids)

    def record(self, card: int) -> Card:
        """Return what the bank has on record for a card."""
        bank = self.banks[self.bank[card]]
        return Card(
            card_id=self.card_ids[card],
            user_id=str(self.user_id[card]),
            bank_id=bank.id,
            payment_system=tuple(bank.payment_systems)[self.system[card]],
            currency=PLACES[self.trips.home[card]].currency,
            card_limit_minor=int(self.limit_minor[card]),
        )

    def records(self) -> list[Card]:
        """Return what the banks have on record, one `Card` for each card."""
        return [self.record(card) for card in range(len(self))]


def build_population(settings: GeneratorSettings) -> Population:
    """Draw the population; the same banks, cards, dormant share and seed give the same one."""
    rng = generator_for(settings.seed, Purpose.POPULATION)
    quotas = cards_by_bank(settings.banks, settings.cards)
    users, homes = [], []
    for bank, quota in zip(settings.banks, quotas, strict=True):
        users.append(_users(bank, quota, rng))
        homes.append(_homes(bank, users[-1], rng))
    bank_index = np.repeat(np.arange(len(quotas)), quotas)
    return _population(settings, bank_index, np.concatenate(users), np.concatenate(homes), rng)


def _users(bank: Bank, quota: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Give cards to users in random order until the quota is met. Returns user ids by card."""
    sizes = 1 + rng.choice(MAX_CARDS_PER_USER, size=bank.users, p=_CARDS_PER_USER_SHARES)
    short = quota - int(sizes.sum())
    if short > 0:
        room = np.repeat(np.arange(bank.users), MAX_CARDS_PER_USER - sizes)
        np.add.at(sizes, rng.choice(room, size=short, replace=False), 1)
    ids = bank.first_user + rng.permutation(bank.users)
    return np.asarray(np.repeat(ids, sizes)[:quota], dtype=np.int64)


def _homes(bank: Bank, users: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the home city of each card's user: by country, then by the city's size."""
    in_country: dict[str, float] = {}
    for place in PLACES:
        in_country[place.country] = in_country.get(place.country, 0.0) + place.millions
    weights = np.array(
        [bank.countries.get(p.country, 0.0) * p.millions / in_country[p.country] for p in PLACES]
    )
    _, index = np.unique(users, return_inverse=True)
    drawn = rng.choice(len(PLACES), size=int(index.max()) + 1, p=weights / weights.sum())
    return np.asarray(drawn[index], dtype=np.int64)


def _population(
    settings: GeneratorSettings,
    bank: NDArray[np.int64],
    user_id: NDArray[np.int64],
    home: NDArray[np.int64],
    rng: np.random.Generator,
) -> Population:
    cards = len(user_id)
    starts = np.flatnonzero(np.r_[True, user_id[1:] != user_id[:-1]])
    sizes = np.diff(np.r_[starts, cards])
    user = np.repeat(np.arange(len(starts)), sizes)
    within = np.arange(cards) - np.repeat(starts, sizes)
    family = (rng.random(len(starts)) < _FAMILY_SHARE)[user]
    holder = np.where(family, np.minimum(within, 2), 0)
    travels = (rng.random(len(starts)) < _TRAVELLER_SHARE)[user]
    alone = (rng.random(len(starts)) < _ALONE_SHARE)[user]
    return Population(
        banks=settings.banks,
        bank=bank,
        user=user,
        user_id=user_id,
        holder=holder,
        dormant=_dormant(bank, settings.dormant_share, rng),
        trips=plan_trips(home, user, travels & ((holder == 0) | ~alone), rng),
        card_ids=card_tokens(settings.seed, cards),
        **_where(home, user, rng),
        **_how(settings.banks, bank, home, rng),
    )


def _dormant(bank: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    dormant = np.zeros(len(bank), dtype=np.bool_)
    for index in range(int(bank.max()) + 1):
        cards = np.flatnonzero(bank == index)
        dormant[rng.choice(cards, size=int(share * len(cards)), replace=False)] = True
    return dormant


def _where(
    home: NDArray[np.int64], user: NDArray[np.int64], rng: np.random.Generator
) -> dict[str, Any]:
    """Draw the household's address around its city; no time zone data: 15 degrees an hour."""
    latitude = np.array([place.latitude for place in PLACES])[home]
    longitude = np.array([place.longitude for place in PLACES])[home]
    offsets = rng.normal(0.0, _HOME_SPREAD_DEG, (int(user.max()) + 1, 2))[user]
    return {
        "home_latitude": latitude + offsets[:, 0],
        "home_longitude": longitude + offsets[:, 1] / np.cos(np.radians(latitude)),
        "utc_offset_h": np.rint(longitude / 15).astype(np.int64),
    }


def _how(
    banks: tuple[Bank, ...],
    bank: NDArray[np.int64],
    home: NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Draw the ways the cards are used."""
    cards = len(bank)
    worth = np.array([MINOR_PER_EURO[place.currency] for place in PLACES])[home]
    mean_minor = worth * _EUROS_MEDIAN * np.exp(rng.normal(0.0, 0.4, cards))
    step = 10 ** np.floor(np.log10(100 * worth))  # limits are round: hundreds of euros or so
    limit = np.ceil(mean_minor * rng.uniform(25, 80, cards) / step) * step
    return {
        "hour_profile": rng.choice(len(HOURS), size=cards, p=(0.25, 0.40, 0.20, 0.15)),
        "lifestyle": rng.integers(LIFESTYLES, size=cards),
        "activity": rng.gamma(4.0, 0.25, cards) + 0.05,
        "mean_minor": mean_minor,
        "spread": rng.uniform(0.40, 0.60, cards),
        "no_pin_share": rng.beta(3.0, 31.0, cards),
        "online_share": rng.beta(2.0, 8.0, cards),
        "limit_minor": limit.astype(np.int64),
        "system": _systems(banks, bank, rng),
    }


def _systems(
    banks: tuple[Bank, ...], bank: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    systems = np.zeros(len(bank), dtype=np.int64)
    for index, issuer in enumerate(banks):
        weights = np.array(list(issuer.payment_systems.values()))
        mine = bank == index
        systems[mine] = rng.choice(len(weights), size=int(mine.sum()), p=weights / weights.sum())
    return systems
