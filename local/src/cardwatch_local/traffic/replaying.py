"""One replay from the command line."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_generator.mapping import Mapping
from cardwatch_generator.mapping_file import load_mapping
from cardwatch_generator.publish import KafkaSettings
from cardwatch_generator.replay import (
    ReplayConfig,
    ReplayReport,
    parse_shift_to,
    parse_speed,
    replay,
)
from cardwatch_generator.tabular import UnreadableFileError
from cardwatch_generator.tokens import Tokeniser, TokenKeyError, token_key_file
from cardwatch_local.errors import StackError
from cardwatch_local.traffic.sender import KafkaSender


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A replay in the user's words."""

    file: Path
    mapping: str
    """Name of a shipped mapping, or path of a file."""
    speed: str = "max"
    limit: int | None = None
    shift_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a replay has done."""

    report: ReplayReport
    seconds: float
    speed: float


def replay_config(wanted: Wanted) -> ReplayConfig:
    """Check what the user asked for.

    Raises:
        StackError: names the option or the mapping's field, and what is allowed.
    """
    try:
        speed = parse_speed(wanted.speed)
        if wanted.shift_to == "now" and speed > 1:
            raise StackError(
                f"--shift-to now with --speed {wanted.speed}: event times would run ahead of the "
                "clock, and the job takes none that lies more than 5 min ahead; allowed: a speed "
                "up to 1x, or --shift-to a time further back than the file is long"
            )
        return ReplayConfig(
            file=wanted.file,
            mapping=load_mapping(wanted.mapping),
            speed=speed,
            shift_to_ms=None
            if wanted.shift_to is None
            else parse_shift_to(wanted.shift_to, now_ms=_now_ms),
        )
    except ValueError as error:
        raise StackError(str(error)) from None


def replay_into(
    kafka: Kafka,
    config: ReplayConfig,
    *,
    limit: int | None,
    key_file: Path,
    stopped: Callable[[], bool],
) -> Outcome:
    """Send the file's transactions to Kafka until its end, `limit`, or `stopped`.

    `key_file` keeps the key under which card numbers become tokens; it is made if it is needed
    and missing.

    Raises:
        StackError: The file cannot be read, or Kafka does not take the transactions.
    """
    report = ReplayReport()
    try:
        tokenise = _tokeniser(config.mapping, key_file)
        sender = KafkaSender(KafkaSettings(bootstrap_servers=kafka))
        began_s = time.monotonic()
        replay(
            config,
            send=sender.send,
            tokenise=tokenise,
            clock=time.monotonic,
            sleep=time.sleep,
            stopped=lambda: stopped() or report.sent == limit,
            report=report,
        )
        sender.flush()
    except (UnreadableFileError, TokenKeyError) as error:
        raise StackError(str(error)) from None
    return Outcome(report=report, seconds=time.monotonic() - began_s, speed=config.speed)


def summary_lines(outcome: Outcome) -> Iterator[str]:
    """Say how many rows were sent, and which were not and why."""
    report, seconds = outcome.report, outcome.seconds
    yield (
        f"{report.sent:,} of {report.rows:,} rows sent in {seconds:.1f} s "
        f"({report.sent / max(seconds, 1e-9):,.0f}/s), {report.labelled:,} with a label"
    )
    if report.out_of_order:
        yield f"{report.out_of_order:,} were older than one before them in the file"
    if outcome.speed < math.inf and report.lag_s >= 1:
        yield f"the replay was up to {report.lag_s:.1f} s behind its speed"
    if report.rejections.total:
        yield f"{report.rejections.total:,} rows left out, the first of them:"
        for rejection in report.rejections.shown:
            yield f"  {rejection}"


def check(outcome: Outcome) -> None:
    """Refuse to call it a success when no row could be mapped.

    Raises:
        StackError: That is so.
    """
    if outcome.report.rejections.total and not outcome.report.sent:
        raise StackError("no row could be mapped: does the mapping fit the file?")


def _tokeniser(mapping: Mapping, key_file: Path) -> Tokeniser | None:
    if not mapping.card_number_columns:
        return None
    return Tokeniser(token_key_file(key_file))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
