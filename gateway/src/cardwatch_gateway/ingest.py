"""Takes transactions: into Kafka, and answered once Kafka has them."""

from collections.abc import Sequence
from time import time_ns

from confluent_kafka import KafkaException
from msgspec.structs import replace

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.codec import encode
from cardwatch_contracts.span_export import Exporter, Made
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_contracts.trace_context import TraceContext, read_traceparent
from cardwatch_gateway.delivery import all_done
from cardwatch_gateway.ledger import Entry, Ledger
from cardwatch_gateway.metrics import GatewayMetrics
from cardwatch_gateway.outcomes import not_acknowledged
from cardwatch_gateway.problems import FieldError, ProblemError, unavailable
from cardwatch_gateway.sender import Outgoing, Sender
from cardwatch_gateway.settings import GatewaySettings
from cardwatch_gateway.tracing import SentSpan, Tracer, request_span
from cardwatch_gateway.validation import SubmittedTransaction


class Ingest:
    """Gives transactions to Kafka within bounds, and waits for its word.

    Args:
        settings: bounds and waits.
        sender: Kafka's producer.
        tracer: begins traces.
        exporter: takes spans; None: nobody does.
        metrics: what is to be counted.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        sender: Sender,
        *,
        tracer: Tracer,
        exporter: Exporter | None,
        metrics: GatewayMetrics,
    ) -> None:
        self._settings = settings
        self._sender = sender
        self._tracer = tracer
        self._exporter = exporter
        self._metrics = metrics
        self._ledger = Ledger()

    def check_room(self, count: int) -> None:
        """Look whether transactions can be taken now.

        Raises:
            ProblemError: 503: too many are on their way, or Kafka gives no word.
        """
        if self._sender.fatal or self._sender.stuck_s > self._settings.stuck_after_s:
            raise unavailable("kafka-away", "Kafka gives no word: nothing was taken", 2)
        if self._sender.in_flight + count > self._settings.max_in_flight:
            raise unavailable(
                "busy",
                f"{self._settings.max_in_flight:,} transactions are on their way to Kafka: "
                "nothing was taken",
            )

    async def take(
        self,
        txns: Sequence[SubmittedTransaction],
        traceparent: str | None,
        *,
        reply_to: str | None = None,
    ) -> list[Entry]:
        """Send transactions, and return them once Kafka has them all.

        Args:
            txns: checked ones.
            traceparent: what the client sent with them, in whose trace they go on.
            reply_to: under which key the job is to tell its verdicts.

        Raises:
            ProblemError: 422 where an id is on its way with other content; 503 where Kafka has not
                acknowledged them all: the results say which it has.
        """
        self.check_room(len(txns))
        start_ns = time_ns()
        client = read_traceparent(traceparent)
        single = client is None and len(txns) == 1
        if single:
            client = read_traceparent(txns[0].traceparent)
        request = self._tracer.begin() if client is None else self._tracer.below(client)
        shared = request if client is not None or single else None
        entries, refused = self._send_all(txns, shared, reply_to)
        in_time = await all_done([e.delivery for e in entries], self._settings.ack_timeout_s)
        accepted = in_time and refused is None and all(e.delivery.accepted for e in entries)
        status = 202 if accepted else 503
        if request.sampled and self._exporter is not None:
            span = request_span(
                request,
                parent_id="" if client is None else client.span_id,
                start_ns=start_ns,
                end_ns=time_ns(),
                status=status,
                transactions=len(txns),
                links=[] if shared else [entry.context for entry in entries],
            )
            self._exporter.put(Made([span]))
        if not accepted:
            for entry in entries:
                self._ledger.leave_untold(entry)
            no_word = f"Kafka gave no word within {self._settings.ack_timeout_s:g} s"
            raise not_acknowledged(txns, entries, refused or no_word)
        self._metrics.accepted.inc(len(entries))
        return entries

    def _send_all(
        self,
        txns: Sequence[SubmittedTransaction],
        shared: TraceContext | None,
        reply_to: str | None,
    ) -> tuple[list[Entry], str | None]:
        """Send until the client takes no more; return what was sent, and why it stopped."""
        found = [self._known(index, txn, reply_to) for index, txn in enumerate(txns)]
        entries: list[Entry] = []
        for txn, (value, fingerprint, known) in zip(txns, found, strict=True):
            if known is not None:
                entries.append(known)
                continue
            try:
                entries.append(self._send(txn, value, fingerprint, shared))
            except BufferError:
                return entries, "the queue to Kafka is full"
            except KafkaException as error:
                return entries, str(error.args[0].str())
        return entries, None

    def _known(
        self, index: int, txn: SubmittedTransaction, reply_to: str | None
    ) -> tuple[bytes, int, Entry | None]:
        value = encode(txn)
        fingerprint = hash(value)
        if txn.traceparent is not None or reply_to is not None:
            value = encode(replace(txn, traceparent=None, reply_to=reply_to))
        known = self._ledger.find((txn.bank_id, txn.transaction_id))
        if known is not None and known.fingerprint != fingerprint:
            detail = "On its way with other content: expected the same, or another id"
            error = FieldError(index=index, field="transaction_id", detail=detail)
            raise ProblemError(422, "other-content", f"`transaction_id`: {detail}", errors=[error])
        return value, fingerprint, known

    def _send(
        self,
        txn: SubmittedTransaction,
        value: bytes,
        fingerprint: int,
        shared: TraceContext | None,
    ) -> Entry:
        parent = shared
        if parent is None:
            parent = read_traceparent(txn.traceparent)
        context = self._tracer.begin() if parent is None else self._tracer.below(parent)
        start_ns = time_ns()
        delivery = self._sender.send(
            Outgoing(TRANSACTIONS.name, txn.user_id.encode(), value, context.traceparent.encode())
        )
        entry = Entry((txn.bank_id, txn.transaction_id), fingerprint, context, delivery)
        self._ledger.add(entry)
        parent_id = "" if parent is None else parent.span_id
        delivery.when_done(lambda _: self._note(entry, parent_id, start_ns))
        return entry

    def _note(self, entry: Entry, parent_id: str, start_ns: int) -> None:
        delivery, context = entry.delivery, entry.context
        self._metrics.note_sent(
            (delivery.done_ns - start_ns) / 1e9,
            failed=delivery.error is not None,
            trace_id=context.trace_id if context.sampled else None,
        )
        if not context.sampled or self._exporter is None:
            return
        self._exporter.put(
            SentSpan(
                name=t.SEND_TRANSACTIONS,
                topic=TRANSACTIONS.name,
                context=context,
                parent_id=parent_id,
                start_ns=start_ns,
                end_ns=delivery.done_ns,
                partition=delivery.partition,
                offset=delivery.offset,
                of={t.TRANSACTION_ID: entry.key[1], t.BANK_ID: entry.key[0]},
                error=delivery.error or "",
            )
        )
