"""What each scenario does, measured by hand against the detectors' default thresholds."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from cardwatch_contracts.detector_config import Detectors
from cardwatch_generator.acts import Case
from cardwatch_generator.payments import Payments
from cardwatch_generator.places import distances_km
from cardwatch_generator.scenarios import CATALOGUE
from cardwatch_generator.settings import SCENARIOS

_START_MS = 1_795_262_400_000
_LAST_MS = _START_MS - 120_000
_AVERAGE_MINOR = 2_500.0
_LIMIT_MINOR = 100_000
_EPISODES = 600

_defaults = Detectors()


def _case(rng: np.random.Generator) -> Case:
    return Case(
        rng=rng,
        card=17,
        start_ms=_START_MS,
        average_minor=_AVERAGE_MINOR,
        limit_minor=_LIMIT_MINOR,
        latitude=52.52,
        longitude=13.405,
        last_ms=_LAST_MS,
    )


def _episodes(name: str) -> list[Payments]:
    rng = np.random.default_rng(8)
    return [CATALOGUE[name].act(_case(rng)) for _ in range(_EPISODES)]


def _share(name: str, looks_wrong: Callable[[Payments], bool]) -> float:
    return sum(map(looks_wrong, _episodes(name))) / _EPISODES


def _windows(payments: Payments, window_s: float) -> Iterator[Payments]:
    for txn in payments:
        inside = payments["time_ms"] <= txn["time_ms"]
        yield payments[inside & (payments["time_ms"] > txn["time_ms"] - window_s * 1000)]


def test_scenarios_are_named_like_the_detectors() -> None:
    assert tuple(CATALOGUE) == SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_stated_mean_length_is_the_mean_length(name: str) -> None:
    lengths = [len(payments) for payments in _episodes(name)]

    assert np.mean(lengths) == pytest.approx(CATALOGUE[name].mean_length, rel=0.06)


@pytest.mark.parametrize("name", SCENARIOS)
def test_payments_of_an_episode_are_in_order_and_of_one_card(name: str) -> None:
    for payments in _episodes(name):
        assert (np.diff(payments["time_ms"]) >= 0).all()
        assert payments["time_ms"][0] >= _START_MS
        assert set(payments["card"]) == {17}
        assert (payments["amount_minor"] != 0).all()


def test_an_amount_spike_is_mostly_ten_times_the_average_but_not_always() -> None:
    factor = _defaults.amount_spike.factor
    share = _share("amount_spike", lambda p: bool(p["amount_minor"][0] >= factor * _AVERAGE_MINOR))

    assert 0.75 < share < 0.92


def test_a_negative_amount_is_negative() -> None:
    assert _share("negative_amount", lambda p: bool(p["amount_minor"][0] < 0)) == 1


def test_a_limit_is_mostly_exceeded_but_not_always() -> None:
    share = _share("limit_exceeded", lambda p: bool(p["amount_minor"][0] > _LIMIT_MINOR))

    assert 0.85 < share < 0.97


def test_a_very_high_value_is_mostly_over_ten_thousand_but_not_always() -> None:
    highest = _defaults.very_high_value.max_amount_minor
    share = _share("very_high_value", lambda p: bool(p["amount_minor"][0] > highest))

    assert 0.83 < share < 0.96


def _speed_kmh(payments: Payments) -> float:
    km = distances_km(52.52, 13.405, payments["latitude"], payments["longitude"])[0]
    return float(km / ((payments["time_ms"][0] - _LAST_MS) / 3_600_000))


def test_impossible_travel_is_mostly_too_fast_but_not_always() -> None:
    fastest = _defaults.impossible_travel.max_speed_kmh
    share = _share("impossible_travel", lambda p: _speed_kmh(p) > fastest)

    assert 0.85 < share < 0.99


@pytest.mark.parametrize("name", ["impossible_travel", "multi_card_distance"])
def test_far_away_is_300_to_9000_km(name: str) -> None:
    for payments in _episodes(name):
        km = distances_km(52.52, 13.405, payments["latitude"], payments["longitude"])
        assert 280 < km[0] < 9_020


def test_another_card_of_the_user_is_too_far_away_for_two_minutes() -> None:
    fastest = _defaults.multi_card_distance.max_speed_kmh

    assert _share("multi_card_distance", lambda p: _speed_kmh(p) > fastest) == 1


def test_an_unusual_location_is_mostly_500_km_away_and_a_plane_gets_there() -> None:
    config = _defaults.unusual_location

    def found(payments: Payments) -> bool:
        km = distances_km(52.52, 13.405, payments["latitude"], payments["longitude"])
        assert 280 < km[0] < 3_020
        return bool(km[0] >= config.min_distance_km)

    fastest = _defaults.impossible_travel.max_speed_kmh
    assert 0.55 < _share("unusual_location", found) < 0.95
    assert _share("unusual_location", lambda p: _speed_kmh(p) > fastest) == 0


def test_rapid_transactions_mostly_follow_within_ten_seconds() -> None:
    gaps = np.concatenate([np.diff(p["time_ms"]) for p in _episodes("rapid_transactions")]) / 1000

    assert 0.8 < np.mean(gaps < _defaults.rapid_transactions.min_gap_s) < 0.97


def test_pin_avoidance_is_mostly_a_series_just_below_the_limit() -> None:
    config = _defaults.pin_avoidance
    lowest = config.pin_free_limit_minor * (1 - config.margin)

    def found(payments: Payments) -> bool:
        amounts = payments["amount_minor"]
        near = payments[(amounts >= lowest) & (amounts < config.pin_free_limit_minor)]
        return any(len(w) >= config.min_transactions for w in _windows(near, config.window_s))

    assert 0.75 < _share("pin_avoidance", found) < 0.97
    assert all(not p["pin_used"].any() for p in _episodes("pin_avoidance"))
    assert all((p["amount_minor"] < 10_000).all() for p in _episodes("pin_avoidance"))


def test_many_payments_without_pin_are_mostly_five_within_the_window() -> None:
    config = _defaults.many_no_pin

    def found(payments: Payments) -> bool:
        without = payments[~payments["pin_used"]]
        return any(len(w) >= config.min_transactions for w in _windows(without, config.window_s))

    assert 0.75 < _share("many_no_pin", found) < 0.9
