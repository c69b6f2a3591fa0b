from typing import Any

import numpy as np
import pytest
from tests.unit.model.paying import paid, payments_of, stream

from cardwatch_contracts.detector_config import AmountSpikeConfig, Detectors
from cardwatch_local.errors import StackError
from cardwatch_local.training.payments import Payments
from cardwatch_local.training.rules import rule_findings


def _with(payments: Payments, **columns: Any) -> Payments:
    known = {name: getattr(payments, name) for name in payments.__dataclass_fields__}
    return Payments(**(known | columns))


def test_rules_object_as_the_job_does() -> None:
    rows = [paid(number) for number in range(6)]
    rows += [paid(6, amount_minor=24_000), paid(7, amount_minor=-1), paid(8, event_time=0)]
    rows += [paid(9, event_time=rows[7].event_time + 1_000)]
    order = sorted(rows, key=lambda row: row.event_time)
    payments = payments_of(order, [0] * len(order))
    findings = rule_findings(payments)

    def objects(number: int) -> set[str]:
        row = payments.transaction_id.tolist().index(f"t{number}")
        return {name for name, at in zip(findings.rules, findings.found[row], strict=True) if at}

    assert objects(3) == set()
    assert "amount_spike" in objects(6)
    assert "negative_amount" in objects(7)
    assert "rapid_transactions" in objects(9)
    # 12 times the average of six payments and the one of 1970, all of 20.00.
    assert findings.times_average.max() == pytest.approx(12.0)
    assert findings.of(findings.times_average > 0).found.shape == (1, len(findings.rules))


def test_settings_of_rules_count() -> None:
    rows = [paid(number) for number in range(6)] + [paid(6, amount_minor=5_000)]
    payments = payments_of(rows, [0] * 7)
    low = Detectors(amount_spike=AmountSpikeConfig(factor=2.0))

    assert not rule_findings(payments).found.any()
    assert rule_findings(payments, detectors=low).times_average[6] == pytest.approx(2.5)


def test_what_payments_lack_is_named_and_its_rules_are_left_out() -> None:
    plain = stream(payments=200)
    nowhere = _with(plain, latitude=np.zeros(200), longitude=np.zeros(200))
    assert rule_findings(nowhere).lacking == {
        "impossible_travel": "latitude and longitude",
        "multi_card_distance": "latitude and longitude",
        "pin_avoidance": "pin_used",
        "many_no_pin": "pin_used",
        "limit_exceeded": "card_limit_minor",
    }
    whole = _with(
        plain,
        card_id=np.array([f"card of {user}" for user in plain.user_id], object),
        currency=np.full(200, "EUR", object),
        pin_used=np.zeros(200, bool),
        card_limit_minor=np.full(200, 100),
    )
    findings = rule_findings(whole)
    assert findings.lacking == {}
    limit = findings.found[:, findings.rules.index("limit_exceeded")]
    assert np.array_equal(limit, plain.amount_minor > 100)


def test_a_payment_that_the_job_would_not_take_is_told() -> None:
    payments = payments_of([paid(0), paid(1, user_id="")], [0, 0])
    with pytest.raises(StackError, match="1 of the payments are none"):
        rule_findings(payments)
