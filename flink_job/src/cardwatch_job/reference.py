"""The reference: the same detectors over the same input, without Flink.

What the job writes must be equal to this, whatever happened to the job in between.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.topics import ALERTS, REKEYED, TRANSACTIONS
from cardwatch_job.detectors.history import UserState
from cardwatch_job.judge import Judge
from cardwatch_job.model.memory import users_of_bucket as habits_of_bucket
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.rules import Rules
from cardwatch_job.waiting import WaitingRoom


class UsersInMemory:
    """Users' memories in a dictionary."""

    def __init__(self) -> None:
        self.room = WaitingRoom()
        self.habits = habits_of_bucket()
        self._users: dict[str, UserState] = {}

    def load(self, user_id: str) -> UserState:
        """Return a user's memory, an empty one where the user is new."""
        return self._users.get(user_id) or UserState()

    def store(self, user_id: str, user: UserState) -> None:
        """Keep a user's memory."""
        self._users[user_id] = user


def judge_all(records: Iterable[InputRecord], rules: Rules | None = None) -> list[OutputRecord]:
    """Run every record through the detectors, in order.

    A transaction under another user's key is judged where it stands, under its own user.
    """
    judge, users = Judge(rules or Rules()), UsersInMemory()
    outputs: list[OutputRecord] = []
    for record in records:
        for output in judge.process(record, users):
            if output.topic == REKEYED.name:
                outputs.extend(judge.process(_arrived_again(record, output), users))
            else:
                outputs.append(output)
    return outputs


def alerts_of(outputs: Iterable[OutputRecord]) -> dict[str, Alert]:
    """Pick the alerts, by alert id."""
    alerts = (decode_alert(output.value) for output in outputs if output.topic == ALERTS.name)
    return {alert.alert_id: alert for alert in alerts}


def _arrived_again(record: InputRecord, output: OutputRecord) -> InputRecord:
    return InputRecord(
        topic=REKEYED.name,
        key=output.key,
        value=output.value,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        traceparent=output.traceparent,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the job's alerts differ from the reference's."""

    lost: tuple[str, ...]
    """Alert ids that the reference has and the job does not."""
    duplicate: tuple[str, ...]
    """Alert ids that the job wrote more than once, one entry for each further copy."""
    different: tuple[str, ...]
    """Alert ids that only the job has, or whose content differs."""

    @property
    def equal(self) -> bool:
        """Whether nothing was lost, doubled or changed."""
        return not (self.lost or self.duplicate or self.different)


def compare(alerts: Iterable[Alert], reference: Mapping[str, Alert]) -> Comparison:
    """Hold the job's alerts, read committed, against the reference's.

    When Kafka took the transaction is left out: one that came under another user's key was taken
    twice.
    """
    seen: dict[str, Alert] = {}
    duplicate: list[str] = []
    for alert in alerts:
        if alert.alert_id in seen:
            duplicate.append(alert.alert_id)
        seen[alert.alert_id] = alert
    return Comparison(
        lost=tuple(sorted(reference.keys() - seen.keys())),
        duplicate=tuple(sorted(duplicate)),
        different=tuple(
            sorted(key for key, alert in seen.items() if not _same(alert, reference.get(key)))
        ),
    )


def _same(alert: Alert, expected: Alert | None) -> bool:
    return expected is not None and expected == replace(alert, ingested_at=expected.ingested_at)


def transaction_of(value: bytes, *, user_id: str, ingested_at: int) -> InputRecord:
    """Wrap a transaction that never was in Kafka, such as one from a file."""
    return InputRecord(
        topic=TRANSACTIONS.name,
        key=user_id.encode(),
        value=value,
        partition=0,
        offset=0,
        timestamp_ms=ingested_at,
    )
