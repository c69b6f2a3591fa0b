"""The job's spans, written but for what they differ in."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from cardwatch_contracts import telemetry as t
from cardwatch_contracts.messaging import processing, sending
from cardwatch_contracts.spans import EventForm, SpanForm, Value
from cardwatch_contracts.topics import ALERTS, JOB_GROUP


class Ids(msgspec.Struct, frozen=True, gc=False):
    """What a span says of a transaction."""

    transaction_id: str
    bank_id: str


ids_of: Final[Callable[[bytes], Ids]] = msgspec.json.Decoder(Ids).decode

BATCH: Final = SpanForm(t.JUDGE_BATCH, {}, (t.BATCH_COUNT, t.SUBTASK))
ALERT: Final = SpanForm(t.SEND_ALERTS, {**sending(ALERTS.name), t.IS_ALERT: True}, (t.ALERT_ID,))
_DIFFER: Final = (t.OFFSET, t.QUEUED, t.TRANSACTION_ID, t.BANK_ID)
_MOST_FORMS: Final = 1_024


def same_of(topic: str, partition: int, subtask: int) -> dict[t.Attribute, Value]:
    """Return what all transactions of a partition have in common."""
    return {
        **processing(topic, JOB_GROUP),
        t.PARTITION: str(partition),
        t.SUBTASK: subtask,
    }


@lru_cache(_MOST_FORMS)
def sampled_form(topic: str, partition: int, subtask: int) -> SpanForm:
    """Return the form of a transaction that its sender has chosen."""
    return SpanForm(t.PROCESS_TRANSACTIONS, same_of(topic, partition, subtask), _DIFFER)


@lru_cache(_MOST_FORMS)
def alerted_form(
    topic: str, partition: int, subtask: int, config: str, generation: int
) -> SpanForm:
    """Return the form of a transaction that has raised an alert."""
    same = {
        **same_of(topic, partition, subtask),
        t.IS_ALERT: True,
        t.CONFIG_NAME: config,
        t.CONFIG_GENERATION: generation,
    }
    return SpanForm(t.PROCESS_TRANSACTIONS, same, (*_DIFFER, t.ALERT_ID))


@lru_cache(_MOST_FORMS)
def finding_form(detector: str, unit: str, mode: str) -> EventForm:
    """Return the form of what a detector objects to."""
    same: dict[t.Attribute, Value] = {
        t.DETECTOR: detector,
        t.FINDING_UNIT: unit,
        t.FINDING_MODE: mode,
    }
    return EventForm(t.FINDING, same, t.OBSERVED, t.THRESHOLD)
