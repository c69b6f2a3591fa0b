"""Replays a file of transactions at a chosen speed."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from cardwatch_contracts.codec import encode
from cardwatch_contracts.transaction import (
    EARLIEST_EVENT_TIME_MS,
    LATEST_EVENT_TIME_MS,
    Transaction,
)
from cardwatch_generator.columns import RowMapper
from cardwatch_generator.files import file_stem, open_table
from cardwatch_generator.mapping import Mapping
from cardwatch_generator.rejections import Rejection, Rejections
from cardwatch_generator.tabular import check_columns

Send = Callable[[bytes, bytes, list[tuple[str, bytes]]], None]
"""Takes the key, value and headers of one Kafka message."""

_SPEED = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)x")
_LONGEST_SLEEP_S: Final = 0.2  # so that a stop is noticed in the middle of a quiet night
_SHORTEST_SLEEP_S: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayConfig:
    """What to replay and how fast."""

    file: Path
    mapping: Mapping
    speed: float = math.inf
    """Event time over wall time: 100.0 plays 100 s in one. > 0; infinite: no pacing."""
    shift_to_ms: int | None = None
    """Moves all event times by one constant so that the first transaction of the file is then.
    Milliseconds since 1970-01-01 UTC; None: event times stay as in the file."""


@dataclass(slots=True)
class ReplayReport:
    """What a replay has done so far."""

    rows: int = 0
    sent: int = 0
    labelled: int = 0
    """Transactions sent with a label."""
    out_of_order: int = 0
    """Transactions older than one before them in the file; they are sent where they stand."""
    shift_ms: int = 0
    """What was added to every event time. Milliseconds."""
    lag_s: float = 0.0
    """How far the replay was behind its speed, at most. Seconds."""
    rejections: Rejections = field(default_factory=Rejections)


def parse_speed(text: str) -> float:
    """Read `--speed`: `1x`, `100x`, `0.5x` or `max`, which is infinite.

    Raises:
        ValueError: says what is allowed.
    """
    if text == "max":
        return math.inf
    match = _SPEED.fullmatch(text)
    if match is None or float(match[1]) == 0:
        raise ValueError("speed: allowed are a factor above 0 such as `1x` or `100x`, and `max`")
    return float(match[1])


def parse_shift_to(text: str, *, now_ms: Callable[[], int]) -> int:
    """Read `--shift-to`: `now`, or an ISO 8601 time with its offset; epoch milliseconds.

    Raises:
        ValueError: says what is allowed.
    """
    if text == "now":
        return now_ms()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - has no offset, as the next check wants
    if moment.tzinfo is None:
        raise ValueError(
            "shift_to: allowed are `now` and an ISO 8601 time with offset such as "
            "2026-11-21T11:47:15Z"
        )
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def read_transactions(
    config: ReplayConfig, report: ReplayReport, *, tokenise: Callable[[str], str] | None
) -> Iterator[Transaction]:
    """Yield the file's transactions in its order; what cannot be mapped is in the report.

    Raises:
        UnreadableFileError: the file is missing, damaged, or lacks a column of the mapping.
        ValueError: the mapping names card numbers and `tokenise` is None.
    """
    mapper = RowMapper(config.mapping, tokenise=tokenise, file_stem=file_stem(config.file))
    columns = config.mapping.columns
    shift_ms = None if config.shift_to_ms is not None else 0
    with open_table(config.file, delimiter=config.mapping.delimiter) as table:
        check_columns(table, columns)
        for batch in table.batches(set(columns.values())):
            for line, mapped in mapper.map(batch):
                report.rows += 1
                if isinstance(mapped, Transaction) and shift_ms is None:
                    shift_ms = report.shift_ms = (config.shift_to_ms or 0) - mapped.event_time
                result = _shifted(mapped, shift_ms or 0, line)
                if isinstance(result, Transaction):
                    yield result
                else:
                    report.rejections.add(result)


def replay(
    config: ReplayConfig,
    *,
    send: Send,
    tokenise: Callable[[str], str] | None,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
    stopped: Callable[[], bool] = lambda: False,
    report: ReplayReport | None = None,
) -> ReplayReport:
    """Send a file's transactions, each at its time.

    Args:
        config: what to replay and how fast.
        send: takes each message; may block or raise, which ends the replay.
        tokenise: makes a token of a card number; may be None where the mapping names none.
        clock: wall time that never goes back, seconds.
        sleep: waits for seconds; called for 0.2 s at most.
        stopped: asked before each transaction; True ends the replay.
        report: filled while the replay runs, for a progress view; None makes a new one.

    Raises:
        UnreadableFileError: the file is missing, damaged, or lacks a column of the mapping.
    """
    report = report or ReplayReport()
    start_s = clock()
    first_ms: int | None = None
    latest_ms = EARLIEST_EVENT_TIME_MS
    for txn in read_transactions(config, report, tokenise=tokenise):
        first_ms = txn.event_time if first_ms is None else first_ms
        due_s = start_s + (txn.event_time - first_ms) / 1000 / config.speed
        if txn.event_time < latest_ms:
            report.out_of_order += 1
        elif config.speed < math.inf:
            lag_s = _wait_until(due_s, clock=clock, sleep=sleep, stopped=stopped)
            report.lag_s = max(report.lag_s, lag_s)
        latest_ms = max(latest_ms, txn.event_time)
        if stopped():
            report.rows -= 1  # read, but neither sent nor rejected
            break
        send(txn.user_id.encode(), encode(txn), [])
        report.sent += 1
        report.labelled += txn.label is not None
    return report


def _shifted(mapped: Transaction | Rejection, shift_ms: int, line: int) -> Transaction | Rejection:
    """Move a transaction's event time, within what a transaction may carry."""
    if isinstance(mapped, Rejection) or not shift_ms:
        return mapped
    event_time = mapped.event_time + shift_ms
    if not EARLIEST_EVENT_TIME_MS <= event_time < LATEST_EVENT_TIME_MS:
        return Rejection(
            line=line, field="event_time", reason="shifted out of 1970 to 2100; allowed: within"
        )
    return msgspec.structs.replace(mapped, event_time=event_time)


def _wait_until(
    due_s: float,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
    stopped: Callable[[], bool],
) -> float:
    """Wait in short naps; return by how much it was too late already, seconds."""
    wait_s = due_s - clock()
    lag_s = max(0.0, -wait_s)
    while wait_s > _SHORTEST_SLEEP_S and not stopped():
        sleep(min(wait_s, _LONGEST_SLEEP_S))
        wait_s = due_s - clock()
    return lag_s
