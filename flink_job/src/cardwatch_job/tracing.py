"""Which transactions become spans, and which spans.

Those that who sent them chose to have recorded, and all that raise an alert. While a batch is
judged they are only noted; spans are made of them later, in the exporter's thread.
"""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

import msgspec

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.alert import Alert, Finding
from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_contracts.messaging import config_context, place, processing, sending
from cardwatch_contracts.span_export import Exporter, exporter_of
from cardwatch_contracts.spans import Event, Span, Value
from cardwatch_contracts.topics import ALERTS, DETECTOR_CONFIGS, JOB_GROUP
from cardwatch_contracts.trace_context import TraceContext, new_trace, read_traceparent
from cardwatch_job.records import InputRecord

SERVICE: Final = "cardwatch-job"
_SEND_ALERT: Final = {**sending(ALERTS.name), t.IS_ALERT: True}


_UNLIMITED: Final = 2**31 - 1


class _Ids(msgspec.Struct, frozen=True, gc=False):
    """What a span says of a transaction."""

    transaction_id: str
    bank_id: str


_ids: Final = msgspec.json.Decoder(_Ids)


class Judged(msgspec.Struct, frozen=True, gc=False):
    """A transaction of which spans are to be made."""

    record: InputRecord
    context: TraceContext
    """Where it was sent."""
    alert: Alert | None = None
    error: str = ""
    """Why it could not be read."""
    processing: TraceContext | None = None
    """The span of judging it, where that is known already."""


class Traces:
    """Notes transactions, in the order in which they are judged."""

    def __init__(self) -> None:
        self._judged: list[Judged] = []
        self.room = _UNLIMITED
        """How many more may be noted; the others are counted."""
        self.dropped = 0

    def sampled(self, record: InputRecord, context: TraceContext) -> None:
        """Note one that its sender has chosen."""
        self._note(Judged(record, context))

    def alerted(self, record: InputRecord, context: TraceContext, alert: Alert) -> TraceContext:
        """Note one that raised an alert; return the context with which the alert is sent."""
        processing = _processing(record, context)
        self._note(Judged(record, context, alert, processing=processing))
        return _sending(processing)

    def failed(self, record: InputRecord, error: str) -> None:
        """Note one that could not be read."""
        context = read_traceparent(record.traceparent)
        if context is None:
            context = new_trace(record.topic, record.partition, record.offset)
        self._note(Judged(record, context, None, error))

    def _note(self, judged: Judged) -> None:
        if self.room > 0:
            self.room -= 1
            self._judged.append(judged)
        else:
            self.dropped += 1

    def take(self) -> list[Judged]:
        """Return what was noted since the last call."""
        judged, self._judged = self._judged, []
        return judged


class JudgedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The noted transactions of one call, which took from `start_ns` to `end_ns`."""

    judged: Sequence[Judged]
    records: int
    """All transactions of the call."""
    subtask: int
    start_ns: int
    end_ns: int

    def __len__(self) -> int:
        return len(self.judged) + 1

    def spans(self) -> Iterator[Span]:
        """Make the batch's own span, and those of each transaction."""
        first = self.judged[0]
        batch = new_trace("batch", self.subtask, self.start_ns, first.context.trace_id)
        batch = batch.child("judge")
        yield Span(
            name=t.JUDGE_BATCH,
            context=batch,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            attributes={t.BATCH_COUNT: self.records, t.SUBTASK: self.subtask},
        )
        for judged in self.judged:
            yield from self._spans_of(judged, batch)

    def _spans_of(self, judged: Judged, batch: TraceContext) -> Iterator[Span]:
        record, alert = judged.record, judged.alert
        context = judged.processing or _processing(record, judged.context)
        attributes: dict[t.Attribute, Value] = {
            **processing(record.topic, JOB_GROUP),
            **place(record.partition, record.offset),
            t.QUEUED: max(0, self.start_ns // 1_000_000 - record.timestamp_ms),
            t.SUBTASK: self.subtask,
        }
        events: Sequence[Event] = ()
        if judged.error:
            attributes[t.ERROR_TYPE] = "InvalidRecordError"
        elif alert is None:
            ids = _ids.decode(record.value or b"")
            attributes[t.TRANSACTION_ID] = ids.transaction_id
            attributes[t.BANK_ID] = ids.bank_id
        else:
            attributes[t.TRANSACTION_ID] = alert.transaction.transaction_id
            attributes[t.BANK_ID] = alert.transaction.bank_id
            attributes[t.IS_ALERT] = True
            attributes[t.ALERT_ID] = alert.alert_id
            attributes[t.CONFIG_NAME] = alert.config
            attributes[t.CONFIG_GENERATION] = alert.generation
            events = [_event(finding, self.end_ns) for finding in alert.findings]
        yield Span(
            name=t.PROCESS_TRANSACTIONS,
            context=context,
            parent_id=judged.context.span_id,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            attributes=attributes,
            events=events,
            links=(batch,),
            error=judged.error,
        )
        if alert is not None:
            yield Span(
                name=t.SEND_ALERTS,
                context=_sending(context),
                parent_id=context.span_id,
                start_ns=self.end_ns,
                end_ns=self.end_ns,
                attributes={**_SEND_ALERT, t.ALERT_ID: alert.alert_id},
            )


class ConfigApplied(msgspec.Struct, frozen=True, kw_only=True):
    """A config that a subtask has put into force."""

    record: ConfigRecord
    subtask: int
    start_ns: int
    end_ns: int

    def __len__(self) -> int:
        return 1

    def spans(self) -> Iterator[Span]:
        """Make its span."""
        context = config_context(self.record)
        yield Span(
            name=t.PROCESS_CONFIGS,
            context=context.child("process", self.subtask),
            parent_id=context.span_id,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            attributes={
                **processing(DETECTOR_CONFIGS.name, JOB_GROUP),
                t.CONFIG_NAME: self.record.name,
                t.CONFIG_GENERATION: self.record.generation,
                t.SUBTASK: self.subtask,
            },
        )


@cache
def exporter() -> Exporter | None:
    """Return this process' exporter, None where spans are not wanted.

    Raises:
        ValueError: a variable of the environment has a value that is not allowed.
    """
    return exporter_of(os.environ, service=SERVICE)


def _processing(record: InputRecord, context: TraceContext) -> TraceContext:
    return context.child("process", record.topic, record.partition, record.offset)


def _sending(processing: TraceContext) -> TraceContext:
    return processing.child("send")


def _event(finding: Finding, time_ns: int) -> Event:
    return Event(
        t.FINDING,
        time_ns,
        {
            t.DETECTOR: finding.detector,
            t.OBSERVED: finding.observed,
            t.THRESHOLD: finding.threshold,
            t.FINDING_UNIT: finding.unit,
            t.FINDING_MODE: finding.mode,
        },
    )
