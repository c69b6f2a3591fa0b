"""The job in Quix Streams: state by user in RocksDB, with changelog topics, as it advises."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from quixstreams import Application
from quixstreams.models import SerializationContext, Serializer
from quixstreams.state import State

from benchmarks.judging import OneByOne, record_of
from cardwatch_contracts.topics import ALERTS, CARD_PROFILES, DEAD_LETTERS, REKEYED, TRANSACTIONS
from cardwatch_job.records import OutputRecord

_OUTPUTS = (ALERTS, CARD_PROFILES, DEAD_LETTERS, REKEYED)
_MEMORY = "memory"


class _Encoded(Serializer):  # type: ignore[misc] # Quix Streams is not installed for mypy
    """Writes a record that is encoded already."""

    def __call__(self, value: OutputRecord, ctx: SerializationContext) -> bytes:
        """Return its bytes."""
        return value.value


def main(arguments: Sequence[str]) -> None:
    """Run until SIGTERM."""
    options = _parser().parse_args(arguments)
    application = Application(
        broker_address=options.bootstrap_servers,
        consumer_group=options.group,
        auto_offset_reset="earliest",
        commit_interval=options.commit_interval_ms / 1000,
        processing_guarantee=options.guarantee,
        state_dir=options.state_dir,
        producer_extra_config={"compression.type": "lz4", "linger.ms": 5},
        loglevel="WARNING",
    )
    judge = OneByOne()

    def score(
        value: bytes, key: bytes, timestamp_ms: int, headers: Any, state: State
    ) -> Iterable[OutputRecord]:
        record = record_of(
            key=key,
            value=value,
            partition=0,
            offset=0,
            timestamp_ms=timestamp_ms,
            headers=headers,
        )
        outputs, memory = judge.process(record, state.get_bytes(_MEMORY))
        if memory is not None:
            state.set_bytes(_MEMORY, memory)
        return outputs

    topics = {
        topic.name: application.topic(
            topic.name, key_serializer="bytes", value_serializer=_Encoded()
        )
        for topic in _OUTPUTS
    }
    source = application.topic(
        TRANSACTIONS.name, key_deserializer="bytes", value_deserializer="bytes"
    )
    scored = application.dataframe(source).apply(score, stateful=True, expand=True, metadata=True)
    scored.to_topic(lambda output, *_: topics[output.topic], key=lambda output: output.key)
    application.run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quix", allow_abbrev=False)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--commit-interval-ms", type=int, required=True)
    parser.add_argument("--guarantee", choices=("at-least-once", "exactly-once"), required=True)
    parser.add_argument("--state-dir", required=True)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
