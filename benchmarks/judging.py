"""The job's own judge around memory of another kind, for contenders and for the reference.

Only this module of the benchmarks knows the judge's interface.
"""

from collections.abc import Sequence

from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_job.judge import Judge
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.rules import Rules
from cardwatch_job.users import UsersOfBucket, users_of_bucket

Headers = Sequence[tuple[str, bytes | None]]


def _new_judge() -> Judge:
    # Windows are Cardwatch's alone, which leaves the others less to do.
    return Judge(Rules(), adds_up=False)


class InMemory:
    """Judges with all users' memories in one place."""

    def __init__(self) -> None:
        self._judge = _new_judge()
        self._users = users_of_bucket({})

    def process(self, record: InputRecord) -> Sequence[OutputRecord]:
        """Judge a transaction and remember it."""
        return self._judge.process(record, self._users)


class OneByOne:
    """Judges a transaction with the memory it is given, as a framework's keyed state does."""

    def __init__(self) -> None:
        self._judge = _new_judge()

    def process(
        self, record: InputRecord, memory: bytes | None
    ) -> tuple[Sequence[OutputRecord], bytes | None]:
        """Judge a transaction; return what to write and the memory to keep."""
        user_id = _user_id_of(record)
        users = users_of_bucket({} if memory is None else {user_id: memory})
        outputs = self._judge.process(record, users)
        return outputs, users.take_changed().get(user_id, memory)


class OneUserLive:
    """Judges the transactions of one user, whose memory stays unpacked between snapshots."""

    _judge = _new_judge()

    def __init__(self, packed: bytes | None) -> None:
        self._packed = packed
        self._users: UsersOfBucket | None = None
        self._user_id = ""

    def process(self, record: InputRecord) -> Sequence[OutputRecord]:
        """Judge a transaction and remember it."""
        if self._users is None:
            self._user_id = _user_id_of(record)
            self._users = users_of_bucket({self._user_id: self._packed} if self._packed else {})
        return self._judge.process(record, self._users)

    def packed(self) -> bytes | None:
        """Pack the memory."""
        if self._users is not None:
            self._packed = self._users.take_changed().get(self._user_id, self._packed)
        return self._packed


def _user_id_of(record: InputRecord) -> str:
    return (record.key or b"").decode(errors="replace")


def record_of(
    *,
    key: bytes | None,
    value: bytes | None,
    partition: int,
    offset: int,
    timestamp_ms: int,
    headers: Headers | None,
) -> InputRecord:
    """Make the judge's record of a transaction as a Kafka client gives it."""
    return InputRecord(
        topic=TRANSACTIONS.name,
        key=key,
        value=value,
        partition=partition,
        offset=offset,
        timestamp_ms=timestamp_ms,
        traceparent=_traceparent_in(headers),
    )


def _traceparent_in(headers: Headers | None) -> str | None:
    for name, value in headers or ():
        if name == TRACEPARENT_HEADER and value:
            return value.decode(errors="replace")
    return None
