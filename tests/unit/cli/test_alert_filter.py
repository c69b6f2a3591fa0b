import pytest
from tests.unit.cli.samples import a_finding, an_alert

from cardwatch_local.reading.alert_filter import AlertFilter

ALERT = an_alert(1, a_finding("amount_spike"), a_finding("limit_exceeded"))


def test_without_conditions_every_alert_is_wanted() -> None:
    assert AlertFilter().accepts(ALERT)


@pytest.mark.parametrize(
    ("condition", "accepted"),
    [
        (AlertFilter(detector="limit_exceeded"), True),
        (AlertFilter(detector="dormant_card"), False),
        (AlertFilter(bank="A"), True),
        (AlertFilter(bank="B"), False),
        (AlertFilter(user="1042"), True),
        (AlertFilter(user="104"), False),
        (AlertFilter(mode="active"), True),
        (AlertFilter(mode="shadow"), False),
        (AlertFilter(min_amount=1234.5), True),
        (AlertFilter(min_amount=1234.51), False),
        (AlertFilter(bank="A", detector="dormant_card"), False),
    ],
)
def test_every_condition_must_hold(condition: AlertFilter, accepted: bool) -> None:
    assert condition.accepts(ALERT) is accepted


def test_the_smallest_amount_is_in_units_of_the_currency() -> None:
    yen = an_alert(1, amount_minor=5000, currency="JPY")
    assert AlertFilter(min_amount=5000).accepts(yen)
    assert not AlertFilter(min_amount=5001).accepts(yen)
