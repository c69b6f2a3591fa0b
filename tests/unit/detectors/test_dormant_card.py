import pytest
from tests.unit.detectors.past import Past, detector_of
from tests.unit.detectors.stories import DAY_S
from tests.unit.transactions import make_transaction


def _past(**settings: float) -> Past:
    return Past(detector_of("dormant_card", **settings), transactions=[make_transaction()])


def test_a_hundred_days_of_silence_are_found_with_their_figures() -> None:
    finding = _past().score(make_transaction(after_s=100 * DAY_S))

    assert finding is not None
    assert (finding.observed, finding.threshold, finding.unit) == (100.0, 90.0, "d")
    assert finding.reason == "first transaction after 100 days of silence"
    assert finding.counterfactual == "no finding within 90 days"


@pytest.mark.parametrize(
    ("after_s", "found"), [(90 * DAY_S - 0.001, False), (90 * DAY_S, True), (-100 * DAY_S, False)]
)
def test_the_edge_is_at_ninety_days(after_s: float, found: bool) -> None:
    assert (_past().score(make_transaction(after_s=after_s)) is not None) == found


def test_a_card_s_first_transaction_breaks_no_silence() -> None:
    assert Past(detector_of("dormant_card")).score(make_transaction()) is None
    assert _past().score(make_transaction(card_id="card-2", after_s=100 * DAY_S)) is None


def test_only_the_first_transaction_after_the_silence_is_found() -> None:
    past = _past()

    assert past.judge(make_transaction(after_s=100 * DAY_S)) != ()
    assert past.judge(make_transaction(after_s=100 * DAY_S + 60)) == ()


def test_a_late_transaction_does_not_make_a_silence() -> None:
    past = _past()
    past.judge(make_transaction(after_s=-50 * DAY_S))

    assert past.score(make_transaction(after_s=80 * DAY_S)) is None
    assert past.score(make_transaction(after_s=90 * DAY_S)) is not None
