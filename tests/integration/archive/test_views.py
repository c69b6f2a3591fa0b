import uuid

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql
from tests.integration.archive.archived import Archived, an_answer, moment
from tests.integration.archive.postgres_server import PostgresServer
from tests.unit.cli.samples import a_finding, a_transaction, an_alert

from cardwatch_contracts.alert import Alert
from cardwatch_local.questions import QUESTIONS

ELEVEN_MS = 1_795_258_800_000  # 2026-11-21T11:00:00Z
HOUR_MS = 3_600_000
SPIKE = a_finding()
TRAVEL = a_finding("impossible_travel", observed=5550.0, unit="km/h", baseline=None)
TRIAL = a_finding("dormant_card", mode="shadow")


def story() -> list[Alert]:
    """Five alerts of two banks in two hours, one of them on trial."""
    return [
        an_alert(1, SPIKE, event_time=ELEVEN_MS + 1, amount_minor=10_000),
        an_alert(2, SPIKE, TRAVEL, event_time=ELEVEN_MS + HOUR_MS - 1, amount_minor=30_000),
        an_alert(
            3, TRAVEL, event_time=ELEVEN_MS + HOUR_MS, bank_id="B", user_id="7", card_id="tok_b",
            currency="JPY", amount_minor=-500, merchant_id="m-2", merchant_category="travel",
        ),
        an_alert(4, SPIKE, TRIAL, event_time=ELEVEN_MS + HOUR_MS + 1, amount_minor=20_000),
        trial(an_alert(5, TRIAL, event_time=ELEVEN_MS + HOUR_MS + 2, bank_id="B")),
    ]  # fmt: skip


def trial(alert: Alert) -> Alert:
    return Alert(
        alert_id=alert.alert_id, transaction=alert.transaction, findings=alert.findings,
        config="new", generation=3, ingested_at=alert.ingested_at, mode="shadow",
    )  # fmt: skip


@pytest.fixture
def told(archived: Archived) -> Archived:
    for alert in story():
        archived.add_alert(alert)
    return archived


def answer(archived: Archived, question: str) -> set[tuple[object, ...]]:
    return set(archived.rows(f"SELECT * FROM analytics.{QUESTIONS[question].function}"))


def test_findings_have_a_row_each_with_what_was_held_against_what(told: Archived) -> None:
    rows = told.rows(
        "SELECT detector, mode, observed, threshold, baseline, unit, reason, counterfactual "
        "FROM analytics.findings WHERE transaction_id = 'A-run-4' ORDER BY mode"
    )
    said = (SPIKE.reason, SPIKE.counterfactual)
    assert rows == [
        ("amount_spike", "active", 123_450.0, 80_000.0, 8_000.0, "minor", *said),
        ("dormant_card", "shadow", 123_450.0, 80_000.0, 8_000.0, "minor", *said),
    ]
    assert told.count("analytics.findings") == 7


def test_what_a_model_says_is_there_and_null_where_none_judged(told: Archived) -> None:
    model = a_finding("model", observed=0.93, threshold=0.5, unit="risk", model="0a" * 32)
    judged = replace(an_alert(6, SPIKE, model), risk=0.97, amount_deviations=-0.25)
    told.add_alert(judged)
    told.add_feedback(
        an_answer(judged, 1, event_time=judged.transaction.event_time, amount_deviations=-0.25)
    )
    told.add_feedback(an_answer(story()[0], 1))

    alerts = told.rows(
        "SELECT transaction_id, risk, amount_deviations FROM analytics.alerts "
        "WHERE transaction_id IN ('A-run-5', 'A-run-6') ORDER BY 1"
    )
    findings = told.rows(
        "SELECT detector, model, observed, unit FROM analytics.findings "
        "WHERE transaction_id = 'A-run-6' ORDER BY 1"
    )
    feedback = told.rows(
        "SELECT transaction_id, event_time, amount_deviations FROM analytics.latest_feedback "
        "ORDER BY 1"
    )

    assert alerts == [("A-run-5", None, None), ("A-run-6", 0.97, -0.25)]
    assert findings == [
        ("amount_spike", None, 123_450.0, "minor"),
        ("model", "0a" * 32, 0.93, "risk"),
    ]
    event_time = moment(judged.transaction.event_time)
    assert feedback == [("A-run-1", None, None), ("A-run-6", event_time, -0.25)]


def test_alerts_have_their_reasons_in_order(told: Archived) -> None:
    rows = told.rows(
        "SELECT detectors, reasons, channel, pin_used FROM analytics.alerts "
        "WHERE transaction_id = 'A-run-2'"
    )
    names = ["amount_spike", "impossible_travel"]
    assert rows == [(names, [SPIKE.reason, TRAVEL.reason], "chip", True)]


def test_alerts_are_counted_by_bank_hour_detector_category_and_merchant(told: Archived) -> None:
    assert answer(told, "banks") == {("A", 3, 0, 1, 1), ("B", 1, 1, 2, 2)}
    # The server's own time zone is half an hour off.
    eleven, noon = moment(ELEVEN_MS), moment(ELEVEN_MS + HOUR_MS)
    assert answer(told, "hours") == {(eleven, 2, 0, 1, 1), (noon, 2, 1, 2, 2)}
    assert answer(told, "detectors") == {
        ("amount_spike", 3, 0, 1),
        ("impossible_travel", 2, 0, 1),
        ("dormant_card", 0, 2, 1),
    }
    assert answer(told, "categories") == {("grocery", 3, 1, 1), ("travel", 1, 0, 1)}
    latest = moment(ELEVEN_MS + HOUR_MS + 2)
    assert answer(told, "merchants") == {
        ("m-1", "grocery", 3, 1, 1, latest),
        ("m-2", "travel", 1, 0, 1, noon),
    }


def test_amounts_of_different_currencies_are_never_added_up(told: Archived) -> None:
    assert answer(told, "amounts") == {
        ("EUR", 3, 60_000, 10_000, 20_000, 30_000),
        ("JPY", 1, -500, -500, -500, -500),
    }


def test_the_latest_answer_to_an_alert_counts(told: Archived) -> None:
    first, second, third, *_ = story()
    told.add_feedback(an_answer(first, 2, label="fraudulent"))
    told.add_feedback(an_answer(first, 1, label="genuine"))
    told.add_feedback(an_answer(second, 1, label="genuine"))
    told.add_feedback(an_answer(third, 1, label="unsure"))
    assert told.count("analytics.feedback") == 4
    rows = told.rows("SELECT alert_id::text, label FROM analytics.latest_feedback")
    assert set(rows) == {
        (first.alert_id, "fraudulent"),
        (second.alert_id, "genuine"),
        (third.alert_id, "unsure"),
    }
    assert answer(told, "false-positives") == {
        ("amount_spike", "active", 3, 1, 1, 0, 1, 0.5),
        ("impossible_travel", "active", 2, 1, 0, 1, 0, 1.0),
        ("dormant_card", "shadow", 2, 0, 0, 0, 2, None),
    }


def test_an_alert_answered_in_the_same_moment_twice_has_one_latest_answer(told: Archived) -> None:
    first = story()[0]
    for number, label in ((1, "genuine"), (2, "fraudulent")):
        told.add_feedback(an_answer(first, number, label=label, given_at=ELEVEN_MS))
    assert told.rows("SELECT label FROM analytics.latest_feedback") == [("fraudulent",)]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_can_be_asked_of_a_span_of_event_time(told: Archived, name: str) -> None:
    function = QUESTIONS[name].function
    everything = told.rows(f"SELECT * FROM analytics.{function} ORDER BY 1, 2")
    span = (moment(ELEVEN_MS), moment(ELEVEN_MS + 2 * HOUR_MS))
    of_span = f"SELECT * FROM analytics.{function}(%s, %s) ORDER BY 1, 2"
    assert told.rows(of_span, *span) == everything != []
    assert told.rows(of_span, span[1], span[1]) == []


def test_a_span_takes_its_beginning_and_leaves_its_end(told: Archived) -> None:
    noon = moment(ELEVEN_MS + HOUR_MS)
    query = "SELECT sum(alerts + on_trial) FROM analytics.alerts_by_bank(%s, %s)"
    assert told.rows(query, moment(0), noon) == [(2,)]
    assert told.rows(query, noon, moment(2 * ELEVEN_MS)) == [(3,)]


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_empty_archive_answers_with_nothing(archived: Archived, name: str) -> None:
    assert answer(archived, name) == set()


def test_a_reader_sees_the_views_and_answers_but_no_table(told: Archived) -> None:
    told.add_transaction(a_transaction())
    reader = f"reader_{uuid.uuid4().hex[:8]}"
    name = sql.Identifier(reader)
    told.execute("CREATE ROLE {} LOGIN IN ROLE cardwatch_reader", name)
    try:
        with psycopg.connect(told.url_of(reader), autocommit=True) as connection:
            for view in ("transactions", "alerts", "findings", "latest_feedback", "top_merchants"):
                connection.execute(f"SELECT count(*) FROM analytics.{view}".encode())
            connection.execute("SELECT * FROM analytics.alerts_by_hour(now(), now())")
            for table in ("transactions", "alerts", "erased_users", "erasure_key"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"SELECT * FROM public.{table}".encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("DELETE FROM analytics.transactions")
    finally:
        told.execute("DROP ROLE {}", name)


def test_who_may_not_create_roles_gets_the_views_and_is_told(postgres: PostgresServer) -> None:
    owner = f"owner_{uuid.uuid4().hex[:8]}"
    archived = Archived(postgres, f"archive_{uuid.uuid4().hex[:12]}")
    said: list[str] = []
    try:
        _without_reader(archived)
        archived.execute("CREATE ROLE {} LOGIN", sql.Identifier(owner))
        archived.execute("GRANT CREATE ON SCHEMA public TO {}", sql.Identifier(owner))
        database = sql.Identifier(archived.connection.info.dbname)
        archived.execute("GRANT CREATE ON DATABASE {} TO {}", database, sql.Identifier(owner))
        with psycopg.connect(archived.url_of(owner), autocommit=True) as connection:
            connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
            archived.migrate(connection)
            assert connection.execute("SELECT * FROM analytics.alerts").fetchall() == []
    finally:
        archived.close()
    assert [line for line in said if f"{owner} may not create it" in line]


def _without_reader(archived: Archived) -> None:
    """Drop the role with what it was granted in every database of the server."""
    if not archived.rows("SELECT FROM pg_roles WHERE rolname = 'cardwatch_reader'"):
        return
    archived.execute("DROP OWNED BY cardwatch_reader")
    archived.execute("DROP ROLE cardwatch_reader")
