import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.detectors.past import Past, detector_of
from tests.unit.detectors.stories import KM_PER_DEGREE
from tests.unit.transactions import make_transaction

from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors._travel import distance_km

_latitudes = st.floats(-90, 90)
_longitudes = st.floats(-180, 180)


def _at(latitude: float, longitude: float, after_s: float = 0.0) -> Transaction:
    return make_transaction(latitude=latitude, longitude=longitude, after_s=after_s)


def _past(*transactions: Transaction, **settings: float) -> Past:
    return Past(detector_of("impossible_travel", **settings), transactions=transactions)


def test_a_thousand_kilometres_in_an_hour_are_found_with_their_figures() -> None:
    # 9 degrees of the equator: 9 × 111.195 km = 1000.76 km, in one hour 1000.76 km/h.
    finding = _past(_at(0, 0)).score(_at(0, 9, after_s=3600))

    assert finding is not None
    assert finding.observed == pytest.approx(9 * KM_PER_DEGREE, abs=0.001)
    assert (finding.threshold, finding.unit) == (900.0, "km/h")
    assert finding.reason == "1,001 km from the card's previous transaction 60 min earlier"
    # 1000.76 km / 900 km/h = 1.11195 h = 66.7 min.
    assert finding.counterfactual == "no finding 67 min after the previous transaction"


def test_a_known_distance_between_two_cities() -> None:
    # Berlin to Munich, as the crow flies: 504 km by any map.
    assert distance_km(52.52, 13.405, 48.137, 11.575) == pytest.approx(504.4, abs=0.5)


@pytest.mark.parametrize(("after_s", "found"), [(4003, True), (4004, False)])
def test_the_edge_is_at_900_km_an_hour(after_s: float, found: bool) -> None:
    # 1000.756 km at 900 km/h take 4003.02 s.
    assert (_past(_at(0, 0)).score(_at(0, 9, after_s=after_s)) is not None) == found


@pytest.mark.parametrize(("degrees", "found"), [(0.449, False), (0.450, True)])
def test_distances_within_a_town_are_no_travel(degrees: float, found: bool) -> None:
    # 50 km are 0.44966 degrees.
    assert (_past(_at(0, 0)).score(_at(degrees, 0, after_s=1)) is not None) == found


def test_the_date_line_is_no_distance() -> None:
    # From 179.5° E to 179.5° W is one degree, 111.2 km: in 600 s 667 km/h, in 400 s 1001 km/h.
    past = _past(_at(0, 179.5))

    assert past.score(_at(0, -179.5, after_s=600)) is None
    assert past.score(_at(0, -179.5, after_s=400)) is not None


def test_all_longitudes_meet_at_the_pole() -> None:
    assert _past(_at(90, 0)).score(_at(90, 180, after_s=0)) is None


def test_two_places_at_the_same_time_are_found() -> None:
    finding = _past(_at(0, 0)).score(_at(0, 9, after_s=0))

    assert finding is not None
    # Held to be a second apart: 1000.756 km × 3600.
    assert finding.observed == pytest.approx(9 * KM_PER_DEGREE * 3600, rel=1e-6)


def test_a_first_transaction_and_a_late_one_are_no_travel() -> None:
    assert _past().score(_at(0, 9)) is None
    assert _past(_at(0, 0, after_s=3600)).score(_at(0, 9, after_s=0)) is None


def test_a_late_transaction_does_not_become_the_previous_place() -> None:
    past = _past(_at(0, 0, after_s=3600), _at(0, 90, after_s=0))

    assert past.score(_at(0, 0, after_s=3660)) is None


def test_the_way_is_measured_from_the_card_s_own_previous_transaction() -> None:
    past = _past(_at(0, 0), make_transaction(card_id="card-2", latitude=0, longitude=9))

    assert past.score(_at(0, 0, after_s=60)) is None


@given(_latitudes, _longitudes, _latitudes, _longitudes)
def test_there_and_back_are_as_far(
    latitude: float, longitude: float, latitude_2: float, longitude_2: float
) -> None:
    there = distance_km(latitude, longitude, latitude_2, longitude_2)
    back = distance_km(latitude_2, longitude_2, latitude, longitude)

    assert there == pytest.approx(back, abs=1e-9)
    assert 0 <= there <= 180 * KM_PER_DEGREE + 0.001


@given(_latitudes, _longitudes, _latitudes, _longitudes, st.integers(0, 86_400))
def test_speed_is_the_same_in_both_directions(
    latitude: float, longitude: float, latitude_2: float, longitude_2: float, after_s: int
) -> None:
    here, there = (latitude, longitude), (latitude_2, longitude_2)

    out = _past(_at(*here)).score(_at(*there, after_s=after_s))
    back = _past(_at(*there)).score(_at(*here, after_s=after_s))

    assert (out is None) == (back is None)
    if out is not None and back is not None:
        assert out.observed == pytest.approx(back.observed)


@given(_latitudes, _longitudes, _latitudes, _longitudes, st.integers(0, 86_400))
def test_after_the_time_the_counterfactual_names_there_is_no_finding(
    latitude: float, longitude: float, latitude_2: float, longitude_2: float, after_s: int
) -> None:
    past = _past(_at(latitude, longitude))
    finding = past.score(_at(latitude_2, longitude_2, after_s=after_s))
    assume(finding is not None)
    assert finding is not None

    named_s = seconds_in(finding.counterfactual)

    assert named_s > after_s
    assert past.score(_at(latitude_2, longitude_2, after_s=named_s)) is None


def seconds_in(text: str) -> int:
    """Read a time such as `2 h 05 min`, `67 min` or `40 s` from a sentence."""
    in_one = {"h": 3600, "min": 60, "s": 1}
    return sum(int(count) * in_one[unit] for count, unit in re.findall(r"(\d+) (h|min|s)\b", text))
