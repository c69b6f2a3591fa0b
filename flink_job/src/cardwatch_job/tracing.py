"""Which transactions become spans, and which spans.

Those that who sent them chose to have recorded, and all that raise an alert. While a batch is
judged they are only noted; when it is judged their spans are written, and the exporter's thread
sends them.
"""

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final

import msgspec

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.alert import Alert, Finding
from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_contracts.messaging import config_context, processing
from cardwatch_contracts.span_export import Exporter, Written, exporter_of
from cardwatch_contracts.spans import (
    Span,
    events_of,
    links_to,
    quoted,
    write_span,
)
from cardwatch_contracts.topics import DETECTOR_CONFIGS, JOB_GROUP
from cardwatch_contracts.trace_context import TraceContext, new_trace, read_traceparent
from cardwatch_job.records import InputRecord
from cardwatch_job.span_forms import (
    ALERT,
    BATCH,
    alerted_form,
    finding_form,
    ids_of,
    same_of,
    sampled_form,
)

try:
    from cardwatch_job.flat_spans import processing_of, sending_of, write_judged
except ImportError:  # not compiled
    write_judged = None  # type: ignore[assignment]

    def processing_of(record: InputRecord, context: TraceContext) -> TraceContext:
        """Return the context of a transaction's span."""
        return context.child("process", record.topic, record.partition, record.offset)

    def sending_of(context: TraceContext) -> TraceContext:
        """Return the context of the span of sending its alert."""
        return context.child("send")


_log = logging.getLogger(__name__)

SERVICE: Final = "cardwatch-job"
_UNLIMITED: Final = 2**31 - 1


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
        processing = processing_of(record, context)
        self._note(Judged(record, context, alert, processing=processing))
        return sending_of(processing)

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

    def now_written(self) -> Written:
        """Return the spans as they are sent; none, where they cannot be written."""
        try:
            return Written(self.written(), places=len(self))
        except Exception:  # whatever it is: no span is worth a restart of the job
            _log.exception("the spans of %d transactions cannot be written", len(self.judged))
            return Written((), places=0)

    def written(self) -> Iterator[bytes]:
        """Make the batch's own span, and those of each transaction."""
        first = self.judged[0]
        batch = new_trace("batch", self.subtask, self.start_ns, first.context.trace_id)
        batch = batch.child("judge")
        yield BATCH.fill(batch, "", self.start_ns, self.end_ns, (self.records, self.subtask))
        link = links_to(batch)
        read = [judged for judged in self.judged if not judged.error]
        if write_judged is None:
            yield from self._interpreted(read, link)
        else:
            yield from write_judged(read, self.subtask, self.start_ns, self.end_ns, link)
        for judged in self.judged:
            if judged.error:
                yield write_span(self._failed(judged, batch))

    def _interpreted(self, read: Iterable[Judged], link: str) -> Iterator[bytes]:
        for judged in read:
            if judged.alert is not None:
                yield from self._alerted(judged, judged.alert, link)
            else:
                yield self._sampled(judged, link)

    def _sampled(self, judged: Judged, link: str) -> bytes:
        record = judged.record
        ids = ids_of(record.value or b"")
        return sampled_form(record.topic, record.partition, self.subtask).fill(
            processing_of(record, judged.context),
            judged.context.span_id,
            self.start_ns,
            self.end_ns,
            (record.offset, self._queued(record), quoted(ids.transaction_id), quoted(ids.bank_id)),
            link,
        )

    def _alerted(self, judged: Judged, alert: Alert, link: str) -> Iterator[bytes]:
        record, txn = judged.record, alert.transaction
        context = judged.processing or processing_of(record, judged.context)
        alert_id = quoted(alert.alert_id)
        form = alerted_form(
            record.topic, record.partition, self.subtask, alert.config, alert.generation
        )
        yield form.fill(
            context,
            judged.context.span_id,
            self.start_ns,
            self.end_ns,
            (
                record.offset,
                self._queued(record),
                quoted(txn.transaction_id),
                quoted(txn.bank_id),
                alert_id,
            ),
            events_of([_event(finding, self.end_ns) for finding in alert.findings]) + link,
        )
        yield ALERT.fill(
            sending_of(context), context.span_id, self.end_ns, self.end_ns, (alert_id,)
        )

    def _failed(self, judged: Judged, batch: TraceContext) -> Span:
        record = judged.record
        return Span(
            name=t.PROCESS_TRANSACTIONS,
            context=processing_of(record, judged.context),
            parent_id=judged.context.span_id,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            attributes={
                **same_of(record.topic, record.partition, self.subtask),
                t.OFFSET: record.offset,
                t.QUEUED: self._queued(record),
                t.ERROR_TYPE: "InvalidRecordError",
            },
            links=(batch,),
            error=judged.error,
        )

    def _queued(self, record: InputRecord) -> int:
        return max(0, self.start_ns // 1_000_000 - record.timestamp_ms)


class ConfigApplied(msgspec.Struct, frozen=True, kw_only=True):
    """A config that a subtask has put into force."""

    record: ConfigRecord
    subtask: int
    start_ns: int
    end_ns: int

    def __len__(self) -> int:
        return 1

    def written(self) -> Iterator[bytes]:
        """Make its span."""
        context = config_context(self.record)
        span = Span(
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
        yield write_span(span)


def exporter() -> Exporter | None:
    """Return this process' exporter, None where spans are not wanted.

    Raises:
        ValueError: a variable of the environment has a value that is not allowed.
    """
    with _opening:  # by all subtasks of a TaskManager at once
        return _opened()


_opening: Final = threading.Lock()


@cache
def _opened() -> Exporter | None:
    return exporter_of(os.environ, service=SERVICE)


def _event(finding: Finding, time_ns: int) -> str:
    form = finding_form(finding.detector, finding.unit, finding.mode)
    return form.fill(time_ns, float(finding.observed), float(finding.threshold))
