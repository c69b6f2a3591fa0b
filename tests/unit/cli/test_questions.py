from datetime import UTC, datetime
from decimal import Decimal

from typer.testing import CliRunner

from cardwatch_local.cli import app
from cardwatch_local.questions import QUESTIONS, Row, heading, plain, shown


def test_without_a_name_every_question_is_listed() -> None:
    result = CliRunner().invoke(app, ["ask"])
    assert result.exit_code == 0
    for name, question in QUESTIONS.items():
        assert f"{name} " in result.output
        assert question.asks in result.output


def test_amounts_are_written_in_the_currency_of_their_row() -> None:
    row: Row = {"currency": "JPY", "alerts": 1_200, "total_minor": -5_000, "median_minor": None}
    assert list(shown(row)) == ["JPY", "1,200", "-5,000 JPY", "–"]


def test_shares_times_and_hostile_names_are_for_people() -> None:
    row: Row = {
        "merchant_id": "evil\x1b[2J",
        "false_positive_share": 0.375,
        "latest": datetime(2026, 11, 21, 11, 47, 15, tzinfo=UTC),
    }
    assert list(shown(row)) == ["evil?[2J", "37.5%", "2026-11-21 11:47"]


def test_headings_say_what_is_in_a_column_and_numbers_are_on_the_right() -> None:
    columns = ("bank_id", "total_minor", "on_trial", "latest", "false_positive_share")
    assert [heading(column) for column in columns] == [
        "bank",
        "total:right",
        "on trial:right",
        "latest (UTC)",
        "false positive share:right",
    ]


def test_a_sum_is_whole_however_large() -> None:
    assert plain(Decimal("123456789012345678901234567890")) == 123456789012345678901234567890
