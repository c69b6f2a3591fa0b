"""The table, the detail, answers and exports, on a real PostgreSQL and a real Kafka."""

import csv
import io
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace
from tests.integration.gateway.alerts import archive_alert, new_alert
from tests.integration.gateway.running import records
from tests.integration.visualizer.running import RunningVisualizer

from cardwatch_contracts.database_settings import Database
from cardwatch_contracts.feedback import Feedback, decode_feedback
from cardwatch_contracts.topics import FEEDBACK
from cardwatch_local.endpoints import Endpoints
from cardwatch_visualizer.archive import questions
from cardwatch_visualizer.archive.answering import Answers, NotAnsweredError
from cardwatch_visualizer.archive.connection import Archive, ArchiveAwayError
from cardwatch_visualizer.archive.filters import ReviewFilter
from cardwatch_visualizer.live.topics import value_of

_HOSTILE = '=cmd|"/C calc"!A0<script>alert(1)</script>'


@pytest.fixture
def archive(archive_url: str) -> Iterator[Archive]:
    archive = Archive(Database(url=archive_url))
    archive.open()
    yield archive
    archive.close()


def ids(archive: Archive, **wanted: object) -> list[str]:
    return [row["alert_id"] for row in questions.alerts(archive, ReviewFilter(**wanted))]  # type: ignore[arg-type] # by their names


def test_a_filter_finds_what_it_says(archive: Archive, archive_url: str) -> None:
    mine = new_alert(bank_id="filtered", user_id="u%_1", amount_minor=5_000, currency="JPY")
    other = new_alert("pin_avoidance", "shadow", bank_id="filtered", amount_minor=5_000)
    for alert in (mine, other):
        archive_alert(archive_url, alert)
    both = {mine.alert_id, other.alert_id}

    assert set(ids(archive, banks=("filtered",))) == both
    assert ids(archive, search="u%_1") == [mine.alert_id]
    assert ids(archive, banks=("filtered",), detectors=("pin_avoidance",)) == [other.alert_id]
    assert ids(archive, banks=("filtered",), mode="active") == [mine.alert_id]
    assert ids(archive, banks=("filtered",), min_amount=100) == [mine.alert_id], "5,000 yen"
    assert set(ids(archive, banks=("filtered",), answer="unanswered")) == both
    assert ids(archive, banks=("filtered",), answer="genuine") == []
    assert "filtered" in questions.banks(archive)


def test_a_table_is_sorted_and_comes_in_pieces(archive: Archive, archive_url: str) -> None:
    for amount in (300, 100, 200):
        archive_alert(archive_url, new_alert(bank_id="sorted", amount_minor=amount))
    wanted = ReviewFilter(banks=("sorted",))
    by_amount = [{"colId": "amount", "sort": "asc"}]

    first = questions.alerts(archive, wanted, sort=by_amount, limit=2)
    rest = questions.alerts(archive, wanted, sort=by_amount, offset=2, limit=2)

    assert [row["amount_minor"] for row in first] == [100, 200, 300], "one more: there is more"
    assert [row["amount_minor"] for row in rest] == [300]


def test_a_detail_has_findings_and_the_cards_history(archive: Archive, archive_url: str) -> None:
    alert = new_alert(card_id="detailed")
    archive_alert(archive_url, alert)
    alert_id = UUID(alert.alert_id)

    row = questions.alert(archive, alert_id)
    (finding,) = questions.findings(archive, alert_id)

    assert row is not None
    assert row["card_id"] == "detailed"
    assert (finding["observed"], finding["threshold"]) == (41_200, 22_780)
    assert questions.history(archive, "detailed", row["event_time"]) == []
    assert questions.answers(archive, alert_id) == []
    assert questions.alert(archive, UUID(int=0)) is None


def test_an_answer_is_in_kafka_when_the_analyst_is_told(
    archive: Archive, archive_url: str, stack_without_job: Endpoints
) -> None:
    alerts = [new_alert(), replace(new_alert(), risk=0.9, amount_deviations=-1.5)]
    for alert in alerts:
        archive_alert(archive_url, alert)
    answers = Answers(stack_without_job.bootstrap_servers, archive)
    wanted = [*(UUID(alert.alert_id) for alert in alerts), UUID(int=0)]

    given = answers.give(
        wanted, "fraudulent", given_by="ana", once="1", reason="her card is 4111 1111 1111 1111"
    )

    assert given == 2, "the one that nobody knows is passed over"
    found = feedback_on(stack_without_job, *(alert.alert_id for alert in alerts))
    assert {each.label for each in found} == {"fraudulent"}
    assert {each.given_by for each in found} == {"ana"}
    assert all("4111" not in each.reason for each in found)
    known = {each.alert_id: (each.event_time, each.amount_deviations) for each in found}
    assert known == {
        alert.alert_id: (alert.transaction.event_time, alert.amount_deviations) for alert in alerts
    }
    assert {deviations for _, deviations in known.values()} == {None, -1.5}
    answers.close()


def test_the_same_click_sent_again_is_no_other_answer(
    archive: Archive, archive_url: str, stack_without_job: Endpoints
) -> None:
    alert = new_alert()
    archive_alert(archive_url, alert)
    answers = Answers(stack_without_job.bootstrap_servers, archive)
    for once in ("click", "click", "another"):
        answers.give([UUID(alert.alert_id)], "genuine", given_by="ana", once=once)

    assert len({each.feedback_id for each in feedback_on(stack_without_job, alert.alert_id)}) == 2
    answers.close()


def test_a_kafka_that_is_away_is_said(archive: Archive, archive_url: str) -> None:
    alert = new_alert()
    archive_alert(archive_url, alert)
    answers = Answers("127.0.0.1:1", archive)
    with pytest.raises(NotAnsweredError, match="Kafka"):
        answers.give([UUID(alert.alert_id)], "genuine", given_by="ana", once="1")


def test_an_archive_that_is_away_is_said() -> None:
    archive = Archive(Database(url="postgresql://nobody@127.0.0.1:1/nothing"))
    archive.open()
    try:
        with pytest.raises(ArchiveAwayError, match="does not answer"):
            questions.alerts(archive, ReviewFilter())
    finally:
        archive.close()
    with pytest.raises(ArchiveAwayError, match="no archive is set up"):
        questions.banks(Archive(None))


def test_an_export_is_filtered_and_harmless_in_a_spreadsheet(
    visualizer: RunningVisualizer, archive_url: str
) -> None:
    alert = new_alert(bank_id="exported", merchant_id=_HOSTILE)
    archive_alert(archive_url, alert)

    answer = visualizer.client.get("/review/export.csv?bank=exported&period=all")

    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert row["alert_id"] == alert.alert_id
    assert row["merchant_id"] == f"'{_HOSTILE}"
    parquet = visualizer.client.get("/review/export.parquet?bank=exported&period=all")
    assert parquet.content.startswith(b"PAR1")


def test_a_card_number_is_not_searched_for_and_not_repeated(visualizer: RunningVisualizer) -> None:
    answer = visualizer.client.get("/review/export.csv", params={"search": "4111111111111111"})
    assert answer.status_code == 422
    assert "4111" not in answer.text
    assert "4111" not in visualizer.log.read_text()


def test_every_answer_has_the_headers_that_let_nothing_else_run(
    visualizer: RunningVisualizer,
) -> None:
    for path in ("/", "/healthz", "/review", "/nothing/here.js", "/assets/live.js"):
        answer = visualizer.client.get(path)
        policy = answer.headers["content-security-policy"]
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "unsafe" not in scripts
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers or "gunicorn/" not in answer.headers["server"]


def test_what_another_sites_page_sends_is_refused(visualizer: RunningVisualizer) -> None:
    evil = {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}
    with httpx.Client(base_url=visualizer.url, headers=evil) as client:
        assert client.post("/_dash-update-component", content=b"{}").status_code == 403


def feedback_on(endpoints: Endpoints, *alert_ids: str) -> list[Feedback]:
    found = records(endpoints.bootstrap_servers, FEEDBACK.name, lambda message: True)
    decoded = [decode_feedback(value_of(message)) for message in found]
    return [each for each in decoded if each.alert_id in alert_ids]
