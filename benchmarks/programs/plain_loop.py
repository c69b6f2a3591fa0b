"""A plain consumer: batches of messages, memory in a dictionary, a producer. No fault tolerance.

The limit for Python: what is left when no framework takes part.
"""

import argparse
import gc
import signal
import sys
from collections.abc import Sequence
from threading import Event

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from benchmarks.judging import InMemory, record_of
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_job.records import InputRecord

_BATCH = 1_000


def main(arguments: Sequence[str]) -> None:
    """Judge the partitions of one of several processes until SIGTERM."""
    gc.disable()  # memories grow to millions of objects without a cycle, looked through in vain
    options = _parser().parse_args(arguments)
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap_servers,
            "group.id": options.group,
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": options.commit_interval_ms,
        }
    )
    own = range(options.index, TRANSACTIONS.partitions, options.processes)
    consumer.assign([TopicPartition(TRANSACTIONS.name, partition, 0) for partition in own])
    producer = Producer(
        {
            "bootstrap.servers": options.bootstrap_servers,
            "compression.type": "lz4",
            "linger.ms": 5,
            "delivery.report.only.error": True,
        }
    )
    judge = InMemory()
    try:
        while not stop.is_set():
            for message in consumer.consume(_BATCH, timeout=0.2):
                for output in judge.process(input_of(message)):
                    producer.produce(output.topic, output.value, output.key)
            producer.poll(0)
        producer.flush(10)
    finally:
        consumer.close()


def input_of(message: Message) -> InputRecord:
    """Make the judge's record of a message.

    Raises:
        RuntimeError: the message is an error of the client.
    """
    error = message.error()
    if error is not None:
        raise RuntimeError(error.str())
    return record_of(
        key=message.key(),
        value=message.value(),
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp_ms=message.timestamp()[1],
        headers=message.headers(),  # type: ignore[arg-type]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="plain_loop", allow_abbrev=False)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--index", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    parser.add_argument("--commit-interval-ms", type=int, required=True)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
