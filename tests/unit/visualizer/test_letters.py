import base64
from datetime import UTC
from typing import Any

from tests.unit.transactions import NOON_MS

from cardwatch_contracts.dead_letter import DeadLetter
from cardwatch_visualizer.views.letters import (
    EMPTY,
    LOST,
    find_letter,
    letter_row,
    shown_letter,
)

CARD = "4111111111111111"


def a_letter(**changes: Any) -> DeadLetter:
    given: dict[str, Any] = {
        "reason": "Expected `int` - at `$.amount_minor`",
        "topic": "transactions",
        "partition": 3,
        "offset": 42,
        "ingested_at": NOON_MS,
        "size_bytes": 1_234,
        "excerpt": '{"amount_minor": "a lot"}',
    }
    return DeadLetter(**(given | changes))


def test_a_line_says_what_was_wrong_and_where_the_original_stands() -> None:
    assert letter_row(a_letter()) == {
        "id": "transactions/3/42",
        "ingested_at": NOON_MS,
        "topic": "transactions",
        "partition": 3,
        "offset": 42,
        "size_bytes": 1_234,
        "reason": "Expected `int` - at `$.amount_minor`",
    }


def test_a_letter_is_found_by_what_its_line_is_called() -> None:
    one, other = a_letter(), a_letter(offset=43)
    assert find_letter([one, other], letter_row(other)["id"]) is other
    assert find_letter([one], "transactions/3/43") is None
    assert find_letter([one], None) is None


def test_a_letter_is_shown_with_its_beginning() -> None:
    shown = shown_letter(a_letter(excerpt='{"a": 1,\n"b": 2}'), UTC)
    assert shown.excerpt == '{"a": 1,\n"b": 2}'
    assert shown.note == ""
    facts = dict(shown.facts)
    assert facts["taken by Kafka"] == "2025-10-09 09:00:00 UTC"
    assert (facts["partition"], facts["offset"], facts["length"]) == ("3", "42", "1,234 bytes")


def test_a_letter_that_somebody_else_wrote_shows_no_card_number_either() -> None:
    disguised = base64.b64encode(f'{{"card": "{CARD}"}}'.encode()).decode()
    for secret in (CARD, "4111 1111 1111 1111", disguised):
        letter = a_letter(excerpt=f"x {secret} y", reason=f"Card {CARD}", topic=f"t-{CARD}")
        told = repr((shown_letter(letter, UTC), letter_row(letter)))
        assert "4111" not in told
        assert disguised not in told


def test_bytes_that_are_no_text_are_not_shown() -> None:
    lost = shown_letter(a_letter(encoding="lost", excerpt=""), UTC)
    assert (lost.excerpt, lost.note) == ("", LOST)
    assert shown_letter(a_letter(excerpt=""), UTC).note == EMPTY


def test_hostile_text_is_text_without_controls() -> None:
    shown = shown_letter(a_letter(excerpt="<script>\x00\u202e\x1b[2J"), UTC)
    assert shown.excerpt.startswith("<script>"), "text, which no page takes for HTML"
    assert shown.excerpt.isprintable()
