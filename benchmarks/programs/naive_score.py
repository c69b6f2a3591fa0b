"""What the naive job runs in its workers; Flink imports it there, so it is no script."""

from collections.abc import Iterator
from typing import Any

import msgspec
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from benchmarks.judging import OneByOne, record_of
from cardwatch_contracts.topics import ALERTS


class _Key(msgspec.Struct):
    """The one field that is needed to key by."""

    user_id: str


_key_decoder = msgspec.json.Decoder(_Key)


def user_of(value: str) -> str:
    """Return whose transaction it is."""
    return _key_decoder.decode(value).user_id


class ScoreTransactions(KeyedProcessFunction):  # type: ignore[misc] # PyFlink is untyped here
    """Judges one transaction after the other, each with its user's state."""

    def open(self, runtime_context: RuntimeContext) -> None:
        """Get the state."""
        descriptor = ValueStateDescriptor("user", Types.PICKLED_BYTE_ARRAY())
        self._user = runtime_context.get_state(descriptor)
        self._judge = OneByOne()

    def process_element(self, value: str, ctx: Any) -> Iterator[str]:
        """Judge a transaction."""
        record = record_of(
            key=ctx.get_current_key().encode(),
            value=value.encode(),
            partition=0,  # not to be had in the DataStream API
            offset=0,
            timestamp_ms=ctx.timestamp(),
            headers=None,
        )
        outputs, memory = self._judge.process(record, self._user.value())
        self._user.update(memory)
        for output in outputs:
            if output.topic == ALERTS.name:
                yield output.value.decode()
