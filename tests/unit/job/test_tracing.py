import json
from typing import Any

import pytest
from tests.unit.transactions import NOON_MS, encoded_transaction
from tests.unit.written_spans import read_span

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.spans import Span, encode_resource, encode_spans
from cardwatch_contracts.topics import ALERTS
from cardwatch_contracts.trace_context import read_traceparent
from cardwatch_job.judge import Judge
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.reference import UsersInMemory
from cardwatch_job.rules import Rules
from cardwatch_job.tracing import JudgedBatch, Traces

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_SENT = "b7ad6b7169203331"
_SAMPLED = f"00-{_TRACE}-{_SENT}-01"
_UNSAMPLED = f"00-{_TRACE}-{_SENT}-00"
_CANARY = "4111111111111111"


class Court:
    """A judge whose transactions become spans."""

    def __init__(self) -> None:
        self.judge = Judge(Rules(), traces=Traces())
        self.users = UsersInMemory()

    def hear(self, value: bytes, traceparent: str | None) -> list[OutputRecord]:
        record = InputRecord(
            topic="transactions",
            key=b"user-1",
            value=value,
            partition=3,
            offset=7,
            timestamp_ms=NOON_MS + 100,
            traceparent=traceparent,
        )
        return list(self.judge.process(record, self.users))

    def spans(self) -> list[Span]:
        return [read_span(written) for written in self.written()]

    def written(self) -> list[bytes]:
        assert self.judge.traces is not None
        judged = self.judge.traces.take()
        if not judged:
            return []
        start_ns = (NOON_MS + 130) * 1_000_000
        batch = JudgedBatch(
            judged=judged, records=12, subtask=1, start_ns=start_ns, end_ns=start_ns + 5_000_000
        )
        return list(batch.written())


def test_a_sampled_transaction_is_one_span_that_links_to_its_batch() -> None:
    court = Court()
    court.hear(encoded_transaction(), _SAMPLED)
    batch, span = court.spans()
    assert (batch.name, batch.parent_id, batch.attributes[t.BATCH_COUNT]) == (t.JUDGE_BATCH, "", 12)
    assert batch.context.trace_id != _TRACE
    assert span.name is t.PROCESS_TRANSACTIONS
    assert (span.context.trace_id, span.parent_id, span.links) == (_TRACE, _SENT, (batch.context,))
    assert span.attributes == {
        t.MESSAGING_SYSTEM: "kafka",
        t.DESTINATION: "transactions",
        t.OPERATION_NAME: "process",
        t.OPERATION_TYPE: "process",
        t.CONSUMER_GROUP: "cardwatch-job",
        t.PARTITION: "3",
        t.OFFSET: 7,
        t.QUEUED: 30,
        t.SUBTASK: 1,
        t.TRANSACTION_ID: "txn-1",
        t.BANK_ID: "bank-a",
    }


@pytest.mark.parametrize("traceparent", [None, _UNSAMPLED, "no context"])
def test_one_that_nobody_chose_and_that_raises_no_alert_costs_no_span(
    traceparent: str | None,
) -> None:
    court = Court()
    court.hear(encoded_transaction(), traceparent)
    assert court.spans() == []


def test_an_alert_is_recorded_whether_its_transaction_was_chosen_or_not() -> None:
    court = Court()
    alert_record, _profile = court.hear(encoded_transaction(amount_minor=-1), _UNSAMPLED)
    _batch, process, send = court.spans()
    alert = decode_alert(alert_record.value)
    assert alert_record.topic == ALERTS.name
    assert read_traceparent(alert_record.traceparent) == send.context
    assert send.context.sampled
    assert (send.name, send.parent_id) == (t.SEND_ALERTS, process.context.span_id)
    assert process.parent_id == _SENT
    for span in (process, send):
        assert span.context.trace_id == alert.trace_id == _TRACE
        assert span.attributes[t.IS_ALERT] is True
        assert span.attributes[t.ALERT_ID] == alert.alert_id
    (event,) = process.events
    (finding,) = alert.findings
    assert (event.name, event.time_ns) == (t.FINDING, process.end_ns)
    assert event.attributes == {
        t.DETECTOR: "negative_amount",
        t.OBSERVED: finding.observed,
        t.THRESHOLD: finding.threshold,
        t.FINDING_UNIT: "minor",
        t.FINDING_MODE: "active",
    }


@pytest.mark.parametrize("traceparent", [None, "", _CANARY, f"00-{'0' * 32}-{_SENT}-01", "x" * 999])
def test_without_a_good_context_a_trace_begins_with_the_job(traceparent: str | None) -> None:
    court = Court()
    record, _profile = court.hear(encoded_transaction(amount_minor=-1), traceparent)
    _batch, process, send = court.spans()
    assert process.parent_id == ""
    assert decode_alert(record.value).trace_id == process.context.trace_id
    assert read_traceparent(record.traceparent) == send.context
    malformed = court.judge.take_counts().malformed_traceparents
    assert malformed == (1 if traceparent else 0)


def test_without_room_nothing_is_noted_but_the_alert_keeps_its_trace() -> None:
    court = Court()
    traces = court.judge.traces
    assert traces is not None
    traces.room = 1
    court.hear(encoded_transaction(), _SAMPLED)
    record, _profile = court.hear(
        encoded_transaction(transaction_id="txn-2", amount_minor=-1), _SAMPLED
    )
    assert [span.attributes.get(t.TRANSACTION_ID) for span in court.spans()] == [None, "txn-1"]
    assert traces.dropped == 1
    assert decode_alert(record.value).trace_id == _TRACE


def test_the_same_transaction_again_has_the_same_spans() -> None:
    def ids() -> list[str]:
        court = Court()
        court.hear(encoded_transaction(amount_minor=-1), _SAMPLED)
        return [span.context.span_id for span in court.spans()[1:]]

    assert ids() == ids()


def test_what_cannot_be_read_is_an_error_in_its_trace() -> None:
    court = Court()
    court.hear(b'{"transaction_id":"%s"}' % _CANARY.encode(), _SAMPLED)
    _batch, span = court.spans()
    assert span.parent_id == _SENT
    assert span.attributes[t.ERROR_TYPE] == "InvalidRecordError"
    assert span.error
    assert t.TRANSACTION_ID not in span.attributes


def test_spans_tell_neither_who_paid_nor_what_anybody_wrote() -> None:
    secrets: dict[str, Any] = {
        "user_id": "canary-user",
        "card_id": "canary-card",
        "merchant_id": "canary-merchant",
        "city": "canary-city",
        "label": "canary-label",
    }
    court = Court()
    for traceparent in (_SAMPLED, "canary-context"):
        court.hear(
            encoded_transaction(transaction_id=f"txn{traceparent[:5]}", amount_minor=-1, **secrets),
            traceparent,
        )
    for value in (b'{"city":"canary-city"', b'{"user_id":"%s"}' % _CANARY.encode()):
        court.hear(value, _SAMPLED)
    written = encode_spans(encode_resource({}), court.written())
    assert b"canary" not in written
    assert _CANARY.encode() not in written


def test_all_that_is_said_is_declared() -> None:
    court = Court()
    court.hear(encoded_transaction(), _SAMPLED)
    court.hear(encoded_transaction(transaction_id="txn-2", amount_minor=-1), _SAMPLED)
    court.hear(b"{", _SAMPLED)
    for span in court.spans():
        assert span.name in t.SPANS
        for attribute, value in span.attributes.items():
            assert attribute in t.ATTRIBUTES
            assert type(value) is attribute.type, attribute.name
        for event in span.events:
            assert event.name in t.EVENTS
            assert all(type(value) is a.type for a, value in event.attributes.items())


def test_ids_are_json_that_needs_no_escape() -> None:
    court = Court()
    court.hear(encoded_transaction(amount_minor=-1), f"cc-{_TRACE}-{_SENT}-01-\"'\\")
    assert json.loads(encode_spans(encode_resource({}), court.written()))


def test_spans_that_cannot_be_written_harm_nobody(caplog: pytest.LogCaptureFixture) -> None:
    traces = Traces()
    record = InputRecord(
        topic="transactions", key=b"user-1", value=b"{", partition=3, offset=7, timestamp_ms=NOON_MS
    )
    context = read_traceparent(_SAMPLED)
    assert context is not None
    traces.sampled(record, context)
    batch = JudgedBatch(judged=traces.take(), records=1, subtask=1, start_ns=1, end_ns=2)
    written = batch.now_written()
    assert (len(written), list(written.written())) == (0, [])
    assert "the spans of 1 transactions cannot be written" in caplog.text
