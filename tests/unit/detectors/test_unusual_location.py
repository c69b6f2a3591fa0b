from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.detectors.past import Past, detector_of
from tests.unit.detectors.stories import KM_PER_DEGREE
from tests.unit.transactions import NOON_MS, make_transaction

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    Mode,
    UnusualLocationConfig,
)
from cardwatch_contracts.topics import ALERTS
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.judge import Judge
from cardwatch_job.records import InputRecord
from cardwatch_job.reference import UsersInMemory
from cardwatch_job.rules import Rules

_HOUR_S = 3600


def _at(longitude: float, hour: int = 0, **changes: Any) -> Transaction:
    """A transaction on the equator, hours after the first."""
    return make_transaction(
        latitude=0.0,
        longitude=longitude,
        after_s=hour * _HOUR_S,
        transaction_id=f"txn-{hour}",
        **changes,
    )


def _past(*longitudes: float, **settings: Any) -> Past:
    """One whose payments were at these places, an hour after each other."""
    transactions = (_at(longitude, hour) for hour, longitude in enumerate(longitudes))
    return Past(detector_of("unusual_location", **settings), transactions=transactions)


def test_it_is_found_with_its_figures() -> None:
    # The mean of five payments at 0 and five at 2 degrees is 1 degree; from there to 10 are nine.
    finding = _past(*[0.0, 2.0] * 5).score(_at(10.0, hour=24))

    assert finding is not None
    assert finding.observed == pytest.approx(9 * KM_PER_DEGREE, abs=0.001)
    assert (finding.threshold, finding.unit) == (500.0, "km")
    assert finding.reason == "1,001 km from the usual place of 10 payments of the user"
    assert finding.counterfactual == "no finding within 500 km"


def test_it_abstains_until_it_stands_on_enough_payments() -> None:
    far = _at(90.0, hour=240)

    assert _past(*[0.0] * 9).score(far) is None
    assert _past(*[0.0] * 10).score(far) is not None
    assert _past(*[0.0] * 9, min_transactions=9).score(far) is not None


def test_the_smallest_suspicious_distance_is_suspicious() -> None:
    far = _at(5.0, hour=24)
    seen = _past(*[0.0] * 10).score(far)
    assert seen is not None

    just, more = seen.observed, seen.observed + 0.001
    assert _past(*[0.0] * 10, min_distance_km=just).score(far) is not None
    assert _past(*[0.0] * 10, min_distance_km=more).score(far) is None


def test_it_is_the_user_s_place_and_not_the_card_s() -> None:
    past = _past(*[0.0] * 10)

    assert past.score(_at(9.0, hour=24, card_id="card-2")) is not None
    assert past.score(_at(9.0, hour=24, user_id="user-2")) is None


def test_who_moves_and_is_in_the_shadow_is_at_home_there_before_long() -> None:
    """Shadow findings keep nobody from learning: after 11 payments 10 degrees away the mean,
    of 10 at 0 and 11 at 10 degrees, is at 5.24 degrees, 4.76 degrees or 529.5 km away; after 13
    at 5.65, which are 483.5 km.
    """
    past = _past(*[0.0] * 10, mode="Shadow")

    found = [bool(past.judge(_at(10.0, hour))) for hour in range(10, 25)]

    assert found == [True] * 13 + [False] * 2


class _Court:
    """A judge with a config, and what it remembers."""

    def __init__(self, mode: Mode) -> None:
        settings = Detectors(unusual_location=UnusualLocationConfig(mode=mode))
        config = ConfigRecord(
            name="far", generation=1, created_at=0, spec=DetectorConfigSpec(detectors=settings)
        )
        self._users = UsersInMemory()
        self._judge = Judge(Rules([config]))

    def hear(self, txn: Transaction) -> Alert | None:
        record = InputRecord(
            topic="transactions",
            key=txn.user_id.encode(),
            value=encode(txn),
            partition=0,
            offset=0,
            timestamp_ms=NOON_MS + 1000 * 24 * _HOUR_S * 1000,
        )
        outputs = self._judge.process(record, self._users)
        alerts = [each.value for each in outputs if each.topic == ALERTS.name]
        return decode_alert(alerts[0]) if alerts else None


def test_what_alerted_teaches_no_habit() -> None:
    court = _Court("Active")
    for hour in range(10):
        assert court.hear(_at(0.0, hour)) is None

    # A day after each other: slow enough for every other detector.
    alerts = [court.hear(_at(10.0, 24 * day)) for day in range(1, 21)]

    observed = [alert.findings[0].observed for alert in alerts if alert is not None]
    assert len(observed) == 20
    assert observed == pytest.approx([10 * KM_PER_DEGREE] * 20, abs=0.001)
    assert {f.detector for a in alerts if a for f in a.findings} == {"unusual_location"}


def test_nor_does_what_alerted_for_another_reason() -> None:
    court = _Court("Active")
    for hour in range(9):
        assert court.hear(_at(0.0, hour)) is None

    refund = court.hear(_at(0.0, 9, amount_minor=-1))
    assert refund is not None
    assert court.hear(_at(10.0, 24)) is None, "nine payments are too few"


def test_when_it_is_off_it_finds_nothing_and_nothing_is_remembered_for_it() -> None:
    court = _Court("Off")
    far = replace(_at(10.0, 24), transaction_id="far")
    for hour in range(10):
        court.hear(_at(0.0, hour))

    assert court.hear(far) is None
    assert len(court._users.habits) == 0
