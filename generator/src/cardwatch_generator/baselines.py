"""What is known of a card before a scenario misuses it: home, average, limit, last place."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final, Protocol, cast

import valkey

from cardwatch_contracts.card import PROFILE_KEY_PREFIX, CardProfile, decode_card_profile
from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_generator.activity import NEVER, CardActivity
from cardwatch_generator.cardholder import Population

_RETRY_AFTER_S: Final = 5.0


class Baselines(Protocol):
    """Where scenarios look up what is usual for a card."""

    def lookup(self, card_ids: Sequence[str]) -> Mapping[str, CardProfile]:
        """Return the profiles that are known; a card that is not known is left out."""
        ...


class SimulatedBaselines:
    """Profiles from what the simulation itself knows. Knows every card."""

    def __init__(self, population: Population, activity: CardActivity) -> None:
        self._population = population
        self._activity = activity
        self._cards = {card_id: card for card, card_id in enumerate(population.card_ids)}

    def lookup(self, card_ids: Sequence[str]) -> Mapping[str, CardProfile]:
        """Return the profiles of the population's cards."""
        return {
            card_id: self.profile(self._cards[card_id])
            for card_id in card_ids
            if card_id in self._cards
        }

    def profile(self, card: int) -> CardProfile:
        """Return the profile of a card by its index."""
        population, activity = self._population, self._activity
        payments = int(activity.payments[card])
        paid = bool(activity.last_ms[card] != NEVER)
        return CardProfile(
            card_id=population.card_ids[card],
            user_id=str(population.user_id[card]),
            version=payments,
            transactions=payments,
            average_amount_minor=float(population.mean_minor[card]),
            card_limit_minor=int(population.limit_minor[card]),
            last_event_time=int(activity.last_ms[card]) if paid else None,
            last_latitude=float(activity.last_latitude[card]) if paid else None,
            last_longitude=float(activity.last_longitude[card]) if paid else None,
            home_latitude=float(population.home_latitude[card]),
            home_longitude=float(population.home_longitude[card]),
        )


class ValkeyBaselines:
    """Profiles as the job learned them from the stream, kept in Valkey.

    A Valkey that is gone or hangs costs one short timeout, then is left alone for five seconds:
    the stream goes on without it and `degraded` grows.
    """

    def __init__(
        self, url: str, *, timeout_s: float = 0.2, clock: Callable[[], float] = monotonic
    ) -> None:
        self._client = valkey.Valkey.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self._clock = clock
        self._retry_at = float("-inf")
        self.degraded = 0
        """Lookups that Valkey did not answer."""
        self.unknown = 0
        """Cards that Valkey has no readable profile of."""

    def lookup(self, card_ids: Sequence[str]) -> Mapping[str, CardProfile]:
        """Return the profiles that Valkey has; none while it does not answer."""
        if not card_ids:
            return {}
        if self._clock() < self._retry_at:
            self.degraded += 1
            return {}
        try:
            keys = [PROFILE_KEY_PREFIX + card_id for card_id in card_ids]
            values = cast(list[bytes | None], self._client.mget(keys))
        except (valkey.ValkeyError, OSError):
            self.degraded += 1
            self._retry_at = self._clock() + _RETRY_AFTER_S
            return {}
        profiles = {}
        for card_id, value in zip(card_ids, values, strict=True):
            try:
                profiles[card_id] = decode_card_profile(value)
            except InvalidRecordError:
                self.unknown += 1
        return profiles

    def close(self) -> None:
        """Close the connection."""
        self._client.close()  # type: ignore[no-untyped-call]  # valkey leaves it unannotated
