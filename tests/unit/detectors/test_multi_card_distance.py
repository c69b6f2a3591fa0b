import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.detectors.past import Past, detector_of
from tests.unit.detectors.stories import KM_PER_DEGREE
from tests.unit.detectors.test_impossible_travel import seconds_in
from tests.unit.transactions import make_transaction

from cardwatch_contracts.transaction import Transaction


def _at(card_id: str, longitude: float, after_s: float = 0.0) -> Transaction:
    """A transaction on the equator."""
    return make_transaction(card_id=card_id, latitude=0.0, longitude=longitude, after_s=after_s)


def _past(*transactions: Transaction) -> Past:
    return Past(detector_of("multi_card_distance"), transactions=transactions)


def test_another_card_a_thousand_kilometres_away_is_found_with_its_figures() -> None:
    # 9 degrees are 1000.76 km, in half an hour 2001.5 km/h; at 900 km/h they take 66.7 min.
    finding = _past(_at("card-1", 0)).score(_at("card-2", 9, after_s=1800))

    assert finding is not None
    assert finding.observed == pytest.approx(2 * 9 * KM_PER_DEGREE, abs=0.001)
    assert (finding.threshold, finding.unit) == (900.0, "km/h")
    assert finding.reason == (
        "1,001 km from where another card of this user was used 30 min earlier"
    )
    # 66.7 - 30 = 36.7 min more.
    assert finding.counterfactual == "no finding 37 min later"


@pytest.mark.parametrize(("after_s", "found"), [(4003, True), (4004, False)])
def test_the_edge_is_at_900_km_an_hour(after_s: float, found: bool) -> None:
    past = _past(_at("card-1", 0))

    assert (past.score(_at("card-2", 9, after_s=after_s)) is not None) == found


def test_a_card_s_own_way_is_not_looked_at() -> None:
    past = _past(_at("card-1", 0), _at("card-2", 9, after_s=7200))

    # Nine degrees from card-1's own place a minute ago, and next to card-2's two hours ago.
    past.judge(_at("card-1", 0, after_s=14_340))
    assert past.score(_at("card-1", 9, after_s=14_400)) is None


def test_cards_of_one_family_in_one_town_are_not_found() -> None:
    # 0.4 degrees are 44.5 km, below the 50 km that are looked at.
    past = _past(_at("card-1", 0), _at("card-2", 0.2))

    assert past.score(_at("card-3", 0.4, after_s=1)) is None


def test_of_several_cards_the_fastest_way_is_named() -> None:
    # card-1: 9 degrees in 1800 s = 2001.5 km/h; card-2: 18 degrees in 4800 s = 1501.1 km/h.
    past = _past(_at("card-2", -9), _at("card-1", 0, after_s=3000))

    finding = past.score(_at("card-3", 9, after_s=4800))

    assert finding is not None
    assert finding.observed == pytest.approx(2 * 9 * KM_PER_DEGREE, abs=0.001)
    # card-1 asks for 66.7 - 30 = 36.7 min more, card-2 for 133.4 - 80 = 53.4 min.
    assert finding.counterfactual == "no finding 54 min later"


def test_a_card_on_record_that_was_never_used_is_nowhere() -> None:
    past = _past()
    past.user.card("card-2").limit_minor = 50_000

    assert past.score(_at("card-1", 9)) is None


def test_a_late_transaction_is_not_held_against_a_later_one() -> None:
    past = _past(_at("card-1", 0, after_s=3600))

    assert past.score(_at("card-2", 90, after_s=0)) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["card-1", "card-2"]), st.floats(-180, 180), st.integers(0, 9000)
        ),
        min_size=1,
        max_size=6,
    ),
    st.floats(-180, 180),
)
def test_after_the_time_the_counterfactual_names_there_is_no_finding(
    uses: list[tuple[str, float, int]], longitude: float
) -> None:
    past = _past(*(_at(card_id, place, after_s) for card_id, place, after_s in uses))
    finding = past.score(_at("card-3", longitude, after_s=9000))
    assume(finding is not None)
    assert finding is not None

    later_s = seconds_in(finding.counterfactual)

    assert later_s > 0
    assert past.score(_at("card-3", longitude, after_s=9000 + later_s)) is None
