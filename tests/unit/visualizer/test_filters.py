import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_visualizer.archive.filters import (
    InvalidFilterError,
    ReviewFilter,
    conditions_of,
    order_of,
)
from cardwatch_visualizer.views.links import filter_of, query_of

_NOW_MS = 1_760_000_000_000


def test_nothing_wanted_is_no_condition() -> None:
    assert conditions_of(ReviewFilter()) == ([], {})


def test_every_wish_is_a_condition_with_parameters() -> None:
    conditions, values = conditions_of(
        ReviewFilter(
            search="a_b%",
            banks=("A",),
            detectors=("amount_spike",),
            mode="active",
            answer="genuine",
            since_ms=1,
            until_ms=2,
            min_amount=5.5,
            user_id="u",
            card_id="c",
        )
    )
    assert len(conditions) == 10
    assert values["search"] == "%a\\_b\\%%", "what LIKE would read is meant as it is"
    assert values["least"] == 5.5


@given(st.text(max_size=128))
def test_what_people_type_is_never_part_of_the_sql(text: str) -> None:
    try:
        wanted = ReviewFilter(search=f"needle{text}"[:128], banks=(f"needle{text}"[:128],))
    except InvalidFilterError:
        return
    conditions, _ = conditions_of(wanted)
    assert "needle" not in " ".join(conditions)


@pytest.mark.parametrize(
    "wrong",
    [
        {"search": "x" * 129},
        {"search": "nul\0"},
        {"search": "card 4111 1111 1111 1111"},
        {"card_id": "4111111111111111"},
        {"banks": ("b",) * 51},
    ],
)
def test_a_filter_that_is_not_allowed_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidFilterError) as refused:
        ReviewFilter(**wrong)  # type: ignore[arg-type] # on purpose
    assert "4111" not in str(refused.value)


def test_unanswered_is_what_has_no_answer() -> None:
    assert conditions_of(ReviewFilter(answer="unanswered")) == (["l.label IS NULL"], {})


@pytest.mark.parametrize(
    ("model", "order"),
    [
        ([], "a.event_time DESC, a.alert_id"),
        ([{"colId": "amount", "sort": "asc"}], "a.amount_minor ASC, a.alert_id"),
        ([{"colId": "label", "sort": "desc"}], "l.label DESC NULLS LAST, a.alert_id"),
        ([{"colId": "1; DROP TABLE alerts", "sort": "x"}], "a.event_time DESC, a.alert_id"),
    ],
)
def test_a_table_is_sorted_by_known_columns_alone(model: list[dict[str, str]], order: str) -> None:
    assert order_of(model) == order


def test_a_link_stands_for_a_filter() -> None:
    wanted = filter_of(
        {
            "search": " phones ",
            "bank": "A,B",
            "detector": ["amount_spike"],
            "mode": "shadow",
            "answer": "unanswered",
            "period": "1h",
            "amount": "12.5",
            "user": "u",
        },
        _NOW_MS,
    )
    assert wanted == ReviewFilter(
        search="phones",
        banks=("A", "B"),
        detectors=("amount_spike",),
        mode="shadow",
        answer="unanswered",
        since_ms=_NOW_MS - 3_600_000,
        min_amount=12.5,
        user_id="u",
    )


def test_a_link_without_anything_is_the_last_day() -> None:
    assert filter_of({}, _NOW_MS) == ReviewFilter(since_ms=_NOW_MS - 24 * 3_600_000)
    assert filter_of({"period": "all"}, _NOW_MS) == ReviewFilter()


@pytest.mark.parametrize("amount", ["much", "nan", "inf", "1e99", [], {}])
def test_an_amount_is_a_number(amount: object) -> None:
    with pytest.raises(InvalidFilterError, match="a number is allowed"):
        filter_of({"amount": amount}, _NOW_MS)


def test_a_link_leaves_out_what_filters_nothing() -> None:
    assert query_of({"search": "", "bank": [], "period": "24h", "mode": None}) == ""
    assert query_of({"search": "a&b", "bank": ["A", "B"]}) == "?search=a%26b&bank=A%2CB"
