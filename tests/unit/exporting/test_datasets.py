from datetime import UTC, datetime

import pytest

from cardwatch_contracts.transaction import Transaction
from cardwatch_local.exporting.datasets import DATASETS, Span
from cardwatch_local.exporting.writers import WRITERS

FROM = datetime(2026, 11, 21, tzinfo=UTC)
TO = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_span_takes_its_beginning_and_leaves_its_end() -> None:
    query = DATASETS["transactions"].query(Span(begins=FROM, ends=TO)).as_string()
    assert query.endswith(
        'FROM analytics."transactions" WHERE '
        "\"ingested_at\" >= '2026-11-21 00:00:00+00:00'::timestamptz AND "
        "\"ingested_at\" < '2026-11-22 00:00:00+00:00'::timestamptz"
    )


@pytest.mark.parametrize("name", DATASETS)
def test_a_query_without_bounds_takes_everything(name: str) -> None:
    query = DATASETS[name].query(Span(by="event")).as_string()
    assert query.endswith(f'FROM analytics."{DATASETS[name].view}"')
    assert "WHERE" not in query


def test_the_event_time_can_be_meant_where_there_is_one() -> None:
    by_event = DATASETS["alerts"].count_query(Span(by="event", begins=FROM)).as_string()
    assert by_event.startswith("SELECT count(*) FROM analytics")
    assert '"event_time" >=' in by_event
    feedback = DATASETS["feedback"].count_query(Span(by="event", begins=FROM)).as_string()
    assert '"given_at" >=' in feedback


def test_every_field_of_a_transaction_is_exported_but_how_it_travelled() -> None:
    fields = set(Transaction.__struct_fields__) - {"traceparent", "reply_to"}
    assert set(DATASETS["transactions"].columns) == fields | {"ingested_at"}


def test_there_is_a_writer_for_each_format() -> None:
    assert set(WRITERS) == {"csv", "parquet"}


@pytest.mark.parametrize("name", DATASETS)
def test_no_line_of_a_csv_file_begins_with_a_number(name: str) -> None:
    # `cells` relies on it.
    first = next(iter(DATASETS[name].columns.values()))
    assert first in ("text", "time")
