import numpy as np
import pytest

from cardwatch_contracts.privacy import is_card_number, redact_card_numbers
from cardwatch_generator.banks import BANK_A, Bank
from cardwatch_generator.cardholder import Population, build_population
from cardwatch_generator.places import DISTANCES_KM, PLACES, distances_km
from cardwatch_generator.settings import GeneratorSettings

_DAY_MS = 86_400_000
_START_MS = 1_795_262_400_000


@pytest.fixture(scope="module")
def population() -> Population:
    return build_population(GeneratorSettings(seed=5))


def test_the_distance_from_berlin_to_paris_is_878_km() -> None:
    km = distances_km(52.520, 13.405, 48.857, 2.352)

    assert float(km) == pytest.approx(878, abs=1)


def test_places_have_plausible_coordinates_and_are_apart() -> None:
    assert len(PLACES) > 75
    assert len({place.city for place in PLACES}) == len(PLACES)
    np.fill_diagonal(apart := DISTANCES_KM.copy(), np.inf)
    assert apart.min() > 50


def test_every_user_has_one_to_four_cards_of_one_bank(population: Population) -> None:
    users, counts = np.unique(population.user_id, return_counts=True)

    assert len(population) == 10_000
    assert set(counts) == {1, 2, 3, 4}
    assert users.min() >= 1000
    assert users.max() <= 9999
    for index, bank in enumerate(population.banks):
        mine = population.user_id[population.bank == index]
        assert mine.min() >= bank.first_user
        assert mine.max() <= bank.last_user
    assert np.bincount(population.bank).tolist() == [6250, 3750]


def test_a_full_bank_gives_every_user_four_cards() -> None:
    bank = Bank(id="F", first_user=1, last_user=25, tps=1.0)

    population = build_population(GeneratorSettings(banks=(bank,), cards=100))

    assert set(np.unique(population.user_id, return_counts=True)[1]) == {4}


def test_card_ids_are_unique_tokens_that_never_look_like_card_numbers() -> None:
    for seed in range(5):
        ids = build_population(GeneratorSettings(seed=seed)).card_ids
        assert len(set(ids)) == len(ids)
        for card_id in ids:
            assert card_id.startswith("tok_")
            assert not is_card_number(card_id)
            assert redact_card_numbers(card_id) == card_id


def test_cards_live_where_their_bank_has_customers(population: Population) -> None:
    for card in range(0, len(population), 50):
        place = PLACES[population.trips.home[card]]
        record = population.record(card)
        assert place.country in population.banks[population.bank[card]].countries
        assert record.currency == place.currency
        assert record.card_limit_minor is not None


def test_some_families_have_members_in_different_towns_at_the_same_time() -> None:
    settings = GeneratorSettings(seed=3, banks=(BANK_A,), cards=16_000)
    population = build_population(settings)
    everyone = np.arange(len(population))
    apart = 0
    for day in range(0, 40, 4):
        times_ms = np.full(len(population), _START_MS + day * _DAY_MS)
        city, _ = population.trips.at(everyone, times_ms)
        first_cards = np.flatnonzero(np.diff(population.user, prepend=-1))
        lowest = np.minimum.reduceat(city, first_cards)
        highest = np.maximum.reduceat(city, first_cards)
        apart += int((lowest != highest).sum())

    assert 0 < apart < 0.005 * 10 * 4_000


def test_no_journey_is_faster_than_750_km_an_hour(population: Population) -> None:
    travellers = np.flatnonzero(population.trips.goes)[:400]
    step_ms = 600_000
    last_city = population.trips.home[travellers]
    last_ms = np.full(len(travellers), _START_MS)
    journeys = 0
    for now_ms in range(_START_MS, _START_MS + 30 * _DAY_MS, step_ms):
        city, moving = population.trips.at(travellers, np.full(len(travellers), now_ms))
        known = ~moving
        moved = known & (now_ms > _START_MS) & (city != last_city)
        hours = (now_ms - last_ms[moved]) / 3_600_000
        speed = DISTANCES_KM[last_city[moved], city[moved]] / np.maximum(hours, 1e-9)
        if now_ms > _START_MS + 3 * _DAY_MS:  # by then every traveller has been seen at rest
            journeys += int(moved.sum())
            assert (speed < 750).all()
        last_city = np.where(known, city, last_city)
        last_ms = np.where(known, now_ms, last_ms)

    assert journeys > 100
