"""Writes spans of hostile transactions in machine code and by the interpreter; prints how many.

A program of its own: the machine code is there only where the compiled job comes first in the path.
"""

import random
import sys

from tests.unit.transactions import make_transaction

from cardwatch_contracts.alert import Alert, Finding
from cardwatch_contracts.codec import encode
from cardwatch_contracts.spans import links_to
from cardwatch_contracts.trace_context import TraceContext
from cardwatch_job import flat_spans
from cardwatch_job.records import InputRecord
from cardwatch_job.tracing import Judged, JudgedBatch

_TRANSACTIONS = 5_000
_TEXTS = (
    *("txn-1", 'a"b', "a\\b", "a\nb\x00", "\x1f\x7f", "Zürich", "日本", "𝄞", "%s %d %%"),
    *("x" * 300, ""),
)
_NUMBERS = (
    *(0.0, -0.0, 1.0, 0.1, -2.5, 1e16, 1e22, 1e-7, 123456789.125),
    *(5e-324, 1.7976931348623157e308),
)
_START_NS = 1_795_400_363_522_000_000


class Differs(AssertionError):
    """The two wrote something else."""


def main(seed: int) -> None:
    """Compare; print how many spans there were, and how many alerts."""
    draw = random.Random(seed)
    judged = [_judged(draw) for _ in range(_TRANSACTIONS)]
    batch = JudgedBatch(
        judged=judged, records=7, subtask=3, start_ns=_START_NS, end_ns=_START_NS + 1_234_567
    )
    link = links_to(TraceContext("a" * 32, "b" * 16, True))
    interpreted = list(batch._interpreted(judged, link))
    written = flat_spans.write_judged(judged, 3, batch.start_ns, batch.end_ns, link)
    for left, right in zip(interpreted, written, strict=True):
        if left != right:
            raise Differs(f"{left!r}\n{right!r}")
    for each in judged:
        _same_ids(each)
    print(len(written), sum(each.alert is not None for each in judged))


def _same_ids(judged: Judged) -> None:
    record, context = judged.record, judged.context
    child = context.child("process", record.topic, record.partition, record.offset)
    if flat_spans.processing_of(record, context) != child:
        raise Differs(f"{record} {context}")
    if flat_spans.sending_of(child) != child.child("send"):
        raise Differs(f"{child}")


def _judged(draw: random.Random) -> Judged:
    txn = make_transaction(transaction_id=draw.choice(_TEXTS), bank_id=draw.choice(_TEXTS))
    record = InputRecord(
        topic=draw.choice(("transactions", "t" * draw.randrange(1, 120))),
        key=b"user-1",
        value=encode(txn),
        partition=draw.randrange(100),
        offset=draw.choice((0, 9, draw.randrange(2**62))),
        timestamp_ms=_START_NS // 1_000_000 - draw.randrange(-5, 100_000),
    )
    parent = draw.choice(("", f"{draw.randrange(2**64):016x}"))
    context = TraceContext(f"{draw.randrange(1, 2**128):032x}", parent, draw.random() < 0.5)
    if draw.random() < 0.4:
        return Judged(record, context)
    alert = Alert(
        alert_id=draw.choice(_TEXTS),
        transaction=txn,
        findings=tuple(_finding(draw) for _ in range(draw.randrange(1, 4))),
        config=draw.choice(_TEXTS),
        generation=draw.randrange(5),
        trace_id=context.trace_id,
        ingested_at=record.timestamp_ms,
    )
    processing = flat_spans.processing_of(record, context) if draw.random() < 0.5 else None
    return Judged(record, context, alert, processing=processing)


def _finding(draw: random.Random) -> Finding:
    return Finding(
        detector=draw.choice(("amount_spike", 'odd "one"', "100%")),
        observed=draw.choice(_NUMBERS),
        threshold=draw.choice(_NUMBERS),
        unit=draw.choice(("minor", "km/h")),
        reason="",
        counterfactual="",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
