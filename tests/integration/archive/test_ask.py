import csv
import io
import json

import pytest
from tests.integration.archive.archived import Archived, an_answer
from tests.integration.archive.postgres_server import PostgresServer
from tests.unit.cli.samples import a_finding, an_alert
from typer.testing import CliRunner

from cardwatch_local.cli import app
from cardwatch_local.errors import StackError
from cardwatch_local.questions import QUESTIONS
from cardwatch_local.reading.database import open_archive

RUNNER = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})


@pytest.fixture
def told(archived: Archived) -> Archived:
    for number, (bank, currency) in enumerate((("A", "EUR"), ("A", "EUR"), ("=B", "JPY"))):
        alert = an_alert(number, bank_id=bank, currency=currency, amount_minor=1_250)
        archived.add_alert(alert)
        archived.add_feedback(an_answer(alert, 1, label="fraudulent" if number else "genuine"))
    return archived


def ask(archived: Archived, *arguments: str) -> str:
    result = RUNNER.invoke(app, ["ask", *arguments], env={"CARDWATCH_DATABASE_URL": archived.url})
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_an_answer_in_every_form(told: Archived, question: str) -> None:
    objects = [json.loads(line) for line in ask(told, question, "--format", "json").splitlines()]
    rows = list(csv.DictReader(io.StringIO(ask(told, question, "--format", "csv"), newline="")))
    table = ask(told, question).splitlines()
    assert objects and len(objects) == len(rows) == len(table) - 1
    assert [list(row) for row in rows] == [list(one) for one in objects]


def test_a_table_is_for_people(told: Archived) -> None:
    lines = [line.split() for line in ask(told, "amounts").splitlines()]
    assert lines == [
        ["currency", "alerts", "total", "smallest", "median", "largest"],
        ["EUR", "2", *("25.00", "EUR"), *("12.50", "EUR") * 3],
        ["JPY", "1", *("1,250", "JPY") * 4],
    ]


def test_other_programs_get_numbers_in_minor_units(told: Archived) -> None:
    first = json.loads(ask(told, "amounts", "--format", "json").splitlines()[0])
    assert first == {
        "currency": "EUR", "alerts": 2, "total_minor": 2500, "smallest_minor": 1250,
        "median_minor": 1250, "largest_minor": 1250,
    }  # fmt: skip
    share = json.loads(ask(told, "false-positives", "--format", "json"))
    assert share["false_positive_share"] == pytest.approx(1 / 3)


def test_the_largest_come_first_and_can_be_limited(told: Archived) -> None:
    assert ask(told, "banks", "--limit", "1", "--format", "csv").splitlines() == [
        '"bank_id","alerts","on_trial","users","cards"',
        '"A",2,0,1,1',
    ]


def test_a_spreadsheet_runs_no_bank(told: Archived) -> None:
    assert '"\'=B",1,0,1,1' in ask(told, "banks", "--format", "csv")


def test_an_answer_is_of_the_span_that_was_asked_for(told: Archived) -> None:
    # The alerts are of 11:47:15.
    assert "A" in ask(told, "banks", "--from", "2026-11-21T12:47+01:00", "--to", "2026-11-22")
    assert "nothing in this span" in ask(told, "banks", "--from", "2026-11-21T11:47:16")
    assert "nothing in this span" in ask(told, "banks", "--to", "2026-11-21T11:47:15Z")


def test_nothing_can_be_changed_where_one_only_reads(archived: Archived) -> None:
    with (
        pytest.raises(StackError, match="read-only transaction"),
        open_archive(archived.url) as connection,
    ):
        connection.execute("DELETE FROM alerts")


def test_a_database_without_an_archive_is_named(postgres: PostgresServer) -> None:
    with (
        pytest.raises(StackError, match="holds no archive of this version") as told,
        open_archive(postgres.url()) as connection,
    ):
        connection.execute("SELECT * FROM analytics.alerts")
    assert f"127.0.0.1:{postgres.port}/postgres" in str(told.value)


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with (
        pytest.raises(StackError, match=r"PostgreSQL at 127\.0\.0\.1:9/cw does not") as told,
        open_archive("postgresql://ana:s3cret@127.0.0.1:9/cw"),
    ):
        pass
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    "url", ["s3cret", "mysql://ana:s3cret@db/cw", "postgresql://ana:s3cret@[db/cw"]
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StackError, match="--database-url is no address") as told, open_archive(url):
        pass
    assert "s3cret" not in str(told.value)


def test_a_finding_on_trial_has_a_share_of_its_own(archived: Archived) -> None:
    for number, mode in enumerate(("active", "shadow")):
        alert = an_alert(number, a_finding(mode=mode))
        archived.add_alert(alert)
        archived.add_feedback(an_answer(alert, 1, label="genuine" if number else "unsure"))
    lines = [line.split() for line in ask(archived, "false-positives").splitlines()[1:]]
    assert lines == [
        ["amount_spike", "shadow", "1", "1", "0", "0", "0", "100.0%"],
        ["amount_spike", "active", "1", "0", "0", "1", "0", "–"],
    ]
