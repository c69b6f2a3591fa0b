import pytest
from benchmarks.commands.soak import lags
from benchmarks.latency import Spread
from benchmarks.soak import Soaked, missed_by

_WRITTEN = ["1-0", "2-0", "10-0", "11-0", "12-0"]


@pytest.mark.parametrize(
    ("had", "missed"),
    [
        (_WRITTEN, 0),
        (["2-0", "10-0", "11-0"], 0),
        (["2-0", "11-0"], 1),
        (["1-0", "12-0"], 3),
        (["2-0", "11-0", "12-0", "12-0"], 1),
        ([], 5),
    ],
)
def test_what_a_page_did_not_get_between_its_first_and_last_is_missed(
    had: list[str], missed: int
) -> None:
    assert missed_by(had, _WRITTEN) == missed


@pytest.mark.parametrize(
    ("p50_ms", "counted", "behind"),
    [(100.0, 1_000, False), (100.0, 900, True), (2_500.0, 1_000, True), (None, 1_000, True)],
)
def test_late_ticks_and_uncounted_alerts_are_a_lag(
    p50_ms: float | None, counted: int, behind: bool
) -> None:
    late = None if p50_ms is None else Spread(count=9, p50_ms=p50_ms, p99_ms=9_000, max_ms=9_000)
    found = Soaked(
        rate_per_s=100,
        seconds=10,
        sent=1_000,
        counted=counted,
        ticks=20,
        missed=0,
        late=late,
        cores={},
        memory_mb={},
        pages=[],
    )
    assert lags(found) == behind
