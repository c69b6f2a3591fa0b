"""The job's own judge around memory of another kind, for contenders and for the reference.

Only this module of the benchmarks knows the judge's interface.
"""

from collections.abc import Sequence

from cardwatch_contracts.telemetry import TRACEPARENT_HEADER
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_job.detectors.history import UserState, decode_user, encode_user
from cardwatch_job.judge import Judge
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.reference import UsersInMemory
from cardwatch_job.rules import Rules
from cardwatch_job.waiting import WaitingRoom

Headers = Sequence[tuple[str, bytes | None]]


def _new_judge() -> Judge:
    # Windows are Cardwatch's alone, which leaves the others less to do.
    return Judge(Rules(), adds_up=False)


class OneUser:
    """The memory of the one user at hand; the framework keeps it in between."""

    room = WaitingRoom()

    __slots__ = ("packed",)

    def __init__(self, packed: bytes | None) -> None:
        self.packed = packed

    def load(self, _user_id: str) -> UserState:
        """Unpack the memory, an empty one where the user is new."""
        return decode_user(self.packed)

    def store(self, _user_id: str, user: UserState) -> None:
        """Pack the memory, changed or not."""
        self.packed = encode_user(user)


class InMemory:
    """Judges with all users' memories in a dictionary."""

    def __init__(self) -> None:
        self._judge = _new_judge()
        self._users = UsersInMemory()

    def process(self, record: InputRecord) -> Sequence[OutputRecord]:
        """Judge a transaction and remember it."""
        return self._judge.process(record, self._users)


class OneByOne:
    """Judges a transaction with the memory it is given, as a framework's keyed state does."""

    def __init__(self) -> None:
        self._judge = _new_judge()

    def process(
        self, record: InputRecord, memory: bytes | None
    ) -> tuple[list[OutputRecord], bytes | None]:
        """Judge a transaction; return what to write and the memory to keep."""
        user = OneUser(memory)
        outputs = list(self._judge.process(record, user))
        return outputs, user.packed


class OneUserLive:
    """Judges the transactions of one user, whose memory stays unpacked between snapshots."""

    room = WaitingRoom()
    _judge = _new_judge()

    def __init__(self, packed: bytes | None) -> None:
        self._user = decode_user(packed)

    def process(self, record: InputRecord) -> Sequence[OutputRecord]:
        """Judge a transaction and remember it."""
        return self._judge.process(record, self)

    def packed(self) -> bytes:
        """Pack the memory."""
        return encode_user(self._user)

    def load(self, _user_id: str) -> UserState:
        """Return the memory."""
        return self._user

    def store(self, _user_id: str, user: UserState) -> None:
        """Nothing to do: it was changed in place."""


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
