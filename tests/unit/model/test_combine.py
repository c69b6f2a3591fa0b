import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.model.made import artefact

from cardwatch_job.model.artefact import Budget, Combination
from cardwatch_job.model.budgets import threshold_for_budget
from cardwatch_job.model.combine import combined_risk, log_odds

_FITTED = artefact(
    combination=Combination(bias=-0.5, model=0.8, detectors={"amount_spike": 2.0, "many_no_pin": 0})
)
_BUDGETS = artefact(
    budgets=tuple(
        Budget(alerts_per_thousand_cards=alerts, threshold=threshold)
        for alerts, threshold in ((1.0, 0.8), (10.0, 0.4), (100.0, 0.1))
    )
)


def test_the_risk_is_the_logistic_function_of_the_weighted_parts() -> None:
    # log-odds of 0.2 are ln(0.25); -0.5 + 0.8 * ln(0.25) + 2.0 = 0.390965.
    by_hand = 1 / (1 + math.exp(-(-0.5 + 0.8 * math.log(0.25) + 2.0)))
    assert combined_risk(_FITTED, 0.2, ["amount_spike"]) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.5965, abs=1e-4)
    assert combined_risk(_FITTED, 0.2, ["many_no_pin"]) == combined_risk(_FITTED, 0.2, [])


def test_a_rule_without_a_weight_lifts_the_risk_to_the_threshold() -> None:
    plain = artefact()
    assert combined_risk(plain, 0.2, []) == 0.2
    assert combined_risk(plain, 0.2, ["very_high_value"]) == plain.threshold == 0.5
    assert combined_risk(plain, 0.7, ["very_high_value"]) == 0.7
    assert combined_risk(_FITTED, 0.0, ["very_high_value"]) == _FITTED.threshold


@given(
    risk=st.floats(0, 1),
    detectors=st.sets(st.sampled_from(["amount_spike", "many_no_pin", "very_high_value"])),
)
def test_a_finding_never_lowers_the_risk_and_no_risk_leaves_its_bounds(
    risk: float, detectors: set[str]
) -> None:
    for made in (artefact(), _FITTED):
        combined = combined_risk(made, risk, detectors)
        assert combined_risk(made, risk, ()) <= combined <= 1
        assert combined >= 0
        assert combined_risk(made, min(1.0, risk + 0.01), detectors) >= combined


def test_log_odds_are_finite_at_the_ends() -> None:
    assert log_odds(0.5) == 0
    assert log_odds(1.0) == pytest.approx(-log_odds(0.0), rel=1e-9)
    assert log_odds(1.0) == pytest.approx(math.log(999_999), rel=1e-6)


def test_the_threshold_of_a_budget_lies_between_its_neighbours() -> None:
    assert threshold_for_budget(_BUDGETS, 10.0) == 0.4
    # Half way from 1 to 10 by the logarithm.
    assert threshold_for_budget(_BUDGETS, math.sqrt(10)) == pytest.approx(0.6)
    assert threshold_for_budget(_BUDGETS, 50.0) == pytest.approx(0.4 - 0.3 * math.log10(5))


def test_a_budget_beyond_the_known_ones_has_the_last_ones_threshold() -> None:
    assert threshold_for_budget(_BUDGETS, 0.01) == 0.8
    assert threshold_for_budget(_BUDGETS, 1000.0) == 0.1
    assert threshold_for_budget(artefact(), 5.0) == artefact().threshold
