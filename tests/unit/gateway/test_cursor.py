import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardwatch_gateway.cursor import Cursor, InvalidCursorError, read_cursor, resumed

offsets = st.lists(st.integers(0, 2**60), min_size=1, max_size=12).map(tuple)


@given(offsets)
def test_a_cursor_is_read_as_it_was_written(places: tuple[int, ...]) -> None:
    assert read_cursor(str(Cursor(places))) == Cursor(places)


@pytest.mark.parametrize("text", ["", "o1", "o1.", "o1.A", "o1.-1", "o2.1", "1", "o1.1.", "o1.1\n"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        read_cursor(text)


def test_a_cursor_goes_on_with_a_record() -> None:
    assert Cursor((3, 5)).after(1, 9) == Cursor((3, 10))
    assert Cursor((3, 5)).is_behind(Cursor((3, 6)))
    assert not Cursor((3, 6)).is_behind(Cursor((3, 5)))


def test_what_kafka_has_not_any_more_is_told() -> None:
    assert resumed(Cursor((5, 5)), [0, 0], [9, 9]) == (Cursor((5, 5)), {})
    cursor, missing = resumed(Cursor((1, 5, 99)), [3, 0, 0, 7], [9, 9, 9, 9])
    assert cursor == Cursor((3, 5, 0, 7))
    assert missing == {0: "older than Kafka keeps", 2: "the topic was made anew"}
