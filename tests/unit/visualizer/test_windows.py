from hypothesis import given
from hypothesis import strategies as st

from cardwatch_visualizer.live.windows import Latest, WindowedCounts


def counts(most_keys: int = 100) -> WindowedCounts[str]:
    return WindowedCounts(buckets=3, bucket_ms=1_000, most_keys=most_keys)


def test_the_most_frequent_come_first() -> None:
    window = counts()
    for key in "abcab":
        window.add(key, 500)
    window.add("b", 1_500)

    assert window.top(2) == [("b", 3), ("a", 2)]


def test_what_is_too_old_is_forgotten() -> None:
    window = counts()
    window.add("old", 500)
    window.add("new", 2_500)
    window.forget_before(3_100)

    assert window.top(5) == [("new", 1)]
    assert len(window) == 1


def test_a_minute_holds_so_many_keys_and_goes_on_counting_them() -> None:
    window = counts(most_keys=2)
    for key in ("a", "b", "c", "a"):
        window.add(key, 0)

    assert dict(window.top(5)) == {"a": 2, "b": 1}


def test_what_comes_late_counts_for_now() -> None:
    window = counts()
    window.add("a", 2_500)
    window.add("late", 100)
    window.forget_before(4_900)

    assert dict(window.top(5)) == {"a": 1, "late": 1}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 20_000)), max_size=200))
def test_the_sum_is_that_of_its_pieces_and_bounded(entries: list[tuple[str, int]]) -> None:
    window = counts(most_keys=3)
    newest = 0
    for key, at in entries:
        newest = max(newest, at)
        window.add(key, at)
        window.forget_before(newest)

    assert len(window) <= 3 * 3
    assert all(count > 0 for _, count in window.top(100))


def test_the_latest_value_of_the_latest_keys_is_kept() -> None:
    latest: Latest[str, int] = Latest(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        latest.put(key, value)

    assert (latest.get("a"), latest.get("b"), latest.get("c")) == (3, None, 4)
    assert len(latest) == 2
