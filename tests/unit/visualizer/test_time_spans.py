import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_visualizer.archive.filters import InvalidFilterError
from cardwatch_visualizer.archive.time_spans import (
    STATS_MS,
    WINDOWS,
    TimeSpan,
    alert_conditions,
    end_of,
    stats_conditions,
    transaction_conditions,
)
from cardwatch_visualizer.views.analytics_links import (
    address,
    held_end,
    review_address,
    span_of,
    titles,
)

_NOW_MS = 1_760_000_004_321
_UNTIL_MS = 1_759_999_990_000
"""The newest window of ten seconds that ended five seconds before then."""


def test_windows_go_from_ten_seconds_to_thirty_days() -> None:
    spans = [window.span_ms for window in WINDOWS.values()]
    assert spans == sorted(spans)
    assert (spans[0], spans[-1]) == (10_000, 30 * 86_400_000)


@pytest.mark.parametrize("name", list(WINDOWS))
def test_a_windows_steps_fill_it_and_are_not_too_many_to_draw(name: str) -> None:
    window = WINDOWS[name]
    for step_ms in (window.step_ms, window.alert_step_ms):
        assert window.span_ms % step_ms == 0
        assert window.span_ms // step_ms <= 120
    assert window.step_ms % STATS_MS == 0, "the job counts in windows of ten seconds"
    assert window.refresh_ms >= 10_000


def test_a_span_ends_with_the_newest_window_that_can_be_archived() -> None:
    assert end_of(_NOW_MS) == _UNTIL_MS
    assert end_of(_UNTIL_MS + 15_000) == _UNTIL_MS + 10_000
    assert end_of(_UNTIL_MS + 14_999) == _UNTIL_MS


def test_every_wish_is_a_condition_with_parameters() -> None:
    span = TimeSpan(
        until_ms=_UNTIL_MS,
        window="10m",
        banks=("A",),
        countries=("DE",),
        categories=("travel",),
        detectors=("amount_spike",),
        mode="active",
    )
    condition, values = alert_conditions(span)
    assert condition.count(" AND ") == 7
    assert values == {
        "since": _UNTIL_MS - 600_000,
        "until": _UNTIL_MS,
        "bank_id": ["A"],
        "country": ["DE"],
        "merchant_category": ["travel"],
        "detectors": ["amount_spike"],
        "mode": "active",
    }
    of_transactions, values = transaction_conditions(span)
    assert "detectors" not in of_transactions
    assert "mode" not in values
    of_stats, values = stats_conditions(span)
    assert values["bank_id"] == ["A"]
    assert "country" not in of_stats


@given(st.text(max_size=100))
def test_what_people_type_is_never_part_of_the_sql(text: str) -> None:
    try:
        span = TimeSpan(until_ms=0, banks=(f"needle{text}",), categories=(f"needle{text}",))
    except InvalidFilterError:
        return
    for conditions in (alert_conditions, transaction_conditions, stats_conditions):
        assert "needle" not in conditions(span)[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": "1y"},
        {"banks": ("x" * 129,)},
        {"countries": ("nul\0",)},
        {"categories": ("4111 1111 1111 1111",)},
        {"detectors": ("d",) * 51},
    ],
)
def test_a_filter_that_is_not_allowed_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidFilterError) as refused:
        TimeSpan(until_ms=0, **wrong)  # type: ignore[arg-type] # on purpose
    assert "4111" not in str(refused.value)


def test_what_the_job_counts_by_bank_is_known_for_banks_alone() -> None:
    assert TimeSpan(until_ms=0, banks=("A",)).counts_whole_banks
    assert not TimeSpan(until_ms=0, countries=("DE",)).counts_whole_banks
    assert not TimeSpan(until_ms=0, mode="active").counts_whole_banks


def test_a_link_stands_for_a_span_and_a_span_for_a_link() -> None:
    query = {"window": "7d", "bank": "A,B", "detector": ["amount_spike"], "mode": "shadow"}
    span = span_of(query, _NOW_MS)
    assert span == TimeSpan(
        until_ms=_UNTIL_MS,
        window="7d",
        banks=("A", "B"),
        detectors=("amount_spike",),
        mode="shadow",
    )
    assert address(span, held=False) == (
        "/analytics?window=7d&bank=A%2CB&detector=amount_spike&mode=shadow"
    )
    assert address(span_of({}, _NOW_MS), held=False) == "/analytics"


def test_a_held_end_stays_where_it_was_and_is_never_in_the_future() -> None:
    held = {"until": "1750000004999"}
    assert span_of(held, _NOW_MS).until_ms == 1_750_000_000_000
    assert address(span_of(held, _NOW_MS), held=True) == "/analytics?until=1750000000000"
    assert span_of({"until": "99999999999999"}, _NOW_MS).until_ms == _UNTIL_MS
    assert held_end({}) is None


@pytest.mark.parametrize("until", ["soon", "-1", "0", "1e12", "9" * 40, ["1"]])
def test_an_end_is_a_time(until: object) -> None:
    with pytest.raises(InvalidFilterError, match="milliseconds"):
        span_of({"until": until}, _NOW_MS)


def test_an_unknown_mode_filters_nothing_and_an_unknown_window_is_refused() -> None:
    assert span_of({"mode": "x"}, _NOW_MS).mode is None
    with pytest.raises(InvalidFilterError, match="10s, 1m"):
        span_of({"window": "x"}, _NOW_MS)


@pytest.mark.parametrize(
    ("window", "period"),
    [("10s", "1h"), ("1h", "24h"), ("6h", "24h"), ("24h", "7d"), ("7d", "30d"), ("30d", "all")],
)
def test_the_review_is_asked_for_the_period_that_has_all_of_it(window: str, period: str) -> None:
    span = span_of({"window": window, "bank": "A"}, _NOW_MS)
    assert review_address(span, _NOW_MS) == f"/review?period={period}&bank=A"


def test_every_window_has_a_name() -> None:
    assert titles()["10s"] == "last 10 seconds"
    assert list(titles()) == list(WINDOWS)
