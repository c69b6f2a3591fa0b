from tests.unit.cli.samples import a_finding, an_alert

from cardwatch_local.demo.latency import Percentiles
from cardwatch_local.demo.tally import RECENT, AlertTally


def test_alerts_are_counted_by_detector_and_timed_from_kafka() -> None:
    tally = AlertTally(since_ms=0)
    first = an_alert(1, a_finding("amount_spike"), a_finding("limit_exceeded"))
    second = an_alert(2, a_finding("amount_spike"))
    tally.add(first, seen_at_ms=first.ingested_at + 40)
    tally.add(second, seen_at_ms=second.ingested_at + 60)
    assert tally.alerts == 2
    assert tally.by_detector == {"amount_spike": 2, "limit_exceeded": 1}
    assert tally.latency == Percentiles(p50=40.0, p99=60.0)
    assert tally.recent == (second, first), "newest first"


def test_an_alert_that_comes_again_is_counted_once() -> None:
    tally = AlertTally(since_ms=0)
    for seen_at_ms in (1_900_000_000_000, 1_900_000_000_500):
        tally.add(an_alert(1), seen_at_ms=seen_at_ms)
    assert tally.alerts == 1
    assert len(tally.recent) == 1


def test_alerts_on_the_history_are_left_out() -> None:
    alert = an_alert(1)
    tally = AlertTally(since_ms=alert.ingested_at + 1)
    tally.add(alert, seen_at_ms=alert.ingested_at + 40)
    assert tally.alerts == 0


def test_only_the_last_alerts_are_kept_for_showing() -> None:
    tally = AlertTally(since_ms=0)
    for number in range(RECENT + 5):
        tally.add(an_alert(number), seen_at_ms=1_900_000_000_000)
    assert tally.alerts == RECENT + 5
    assert len(tally.recent) == RECENT
