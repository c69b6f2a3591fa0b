"""What became of the transactions of a request. Pure."""

from collections.abc import Sequence
from typing import Final

from cardwatch_gateway.delivery import Delivery
from cardwatch_gateway.ledger import Entry
from cardwatch_gateway.problems import ItemResult, ProblemError
from cardwatch_gateway.validation import SubmittedTransaction

_AGAIN: Final = "Send the same again: none is judged twice"


def results_of(entries: Sequence[Entry]) -> list[ItemResult]:
    """Return what became of each transaction."""
    return [
        ItemResult(
            index=index,
            transaction_id=entry.key[1],
            trace_id=entry.context.trace_id,
            status=_status(entry.delivery),
        )
        for index, entry in enumerate(entries)
    ]


def not_acknowledged(
    txns: Sequence[SubmittedTransaction], entries: Sequence[Entry], why: str
) -> ProblemError:
    """Return the problem of transactions of which Kafka has not acknowledged all.

    Args:
        txns: all of the request.
        entries: those given to Kafka's client, the first ones.
        why: a few words.
    """
    results = results_of(entries)
    results += [
        ItemResult(index=index, transaction_id=txn.transaction_id, trace_id="", status="failed")
        for index, txn in enumerate(txns)
        if index >= len(entries)
    ]
    count = sum(result.status == "accepted" for result in results)
    return ProblemError(
        503,
        "not-acknowledged",
        f"{why}; it has {count:,} of {len(txns):,}. {_AGAIN}",
        results=results,
        retry_after_s=2,
    )


def _status(delivery: Delivery) -> str:
    if not delivery.done:
        return "unknown"
    return "accepted" if delivery.error is None else "failed"
