"""Analysts' answers to alerts, into Kafka."""

import logging
from collections.abc import Sequence
from threading import Lock
from time import time_ns
from typing import Any, Final
from uuid import UUID, uuid5

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.feedback import Feedback, Label, feedback_on
from cardwatch_contracts.kafka_clients import ClientErrors, client_properties
from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_contracts.topics import FEEDBACK
from cardwatch_visualizer.archive.connection import Archive
from cardwatch_visualizer.archive.questions import alert

_log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 200
"""Alerts that are answered in one go."""
_ACK_S: Final = 10.0
_SPACE: Final = UUID("7a1f7d0a-30ad-5a3c-8f0e-0f4bb0a5d1c4")


class NotAnsweredError(Exception):
    """Kafka has not taken an answer, or it is not allowed; the message says so to a person."""


class Answers:
    """Sends analysts' answers, and waits until every in-sync replica has them.

    The client of Kafka is made with the first answer: after gunicorn has made its workers.
    """

    def __init__(self, kafka: Kafka, archive: Archive) -> None:
        self._kafka = kafka
        self._archive = archive
        self._lock = Lock()
        self._errors = ClientErrors()
        self._producer: Producer | None = None

    def give(
        self, alert_ids: Sequence[UUID], label: Label, *, given_by: str, once: str, reason: str = ""
    ) -> int:
        """Answer alerts; return how many. Those that the archive does not know are passed over.

        Args:
            alert_ids: to which.
            label: what is said.
            given_by: who says so.
            once: a name of this click, under which the same answer has the same id.
            reason: why.

        Raises:
            NotAnsweredError: some may not have been taken; the same again is no second answer.
            ArchiveAwayError: the archive does not answer.
        """
        if len(alert_ids) > MOST_AT_ONCE:
            raise NotAnsweredError(f"{len(alert_ids)} alerts: at most {MOST_AT_ONCE} are allowed")
        given_at = time_ns() // 1_000_000
        answers = []
        for alert_id in alert_ids:
            row = alert(self._archive, alert_id)
            if row is None:
                continue
            feedback_id = uuid5(_SPACE, f"{alert_id} {label} {given_by} {once}")
            try:
                feedback = feedback_on(
                    row,
                    feedback_id=str(feedback_id),
                    label=label,
                    given_by=given_by,
                    given_at=given_at,
                    reason=reason,
                )
            except InvalidRecordError as error:
                raise NotAnsweredError(str(error)) from None
            answers.append(feedback)
        self._send(answers)
        return len(answers)

    def close(self) -> None:
        """Let go of Kafka."""
        if self._producer is not None:
            self._producer.flush(1)

    def _send(self, answers: Sequence[Feedback]) -> None:
        failed: list[str] = []

        def report(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error.str())

        # One at a time: `flush` waits for everybody's.
        with self._lock:
            try:
                producer = self._opened()
                for answer in answers:
                    key = answer.transaction_id.encode()
                    producer.produce(FEEDBACK.name, encode(answer), key, on_delivery=report)
                left = producer.flush(_ACK_S)
            except (KafkaException, BufferError) as error:
                raise NotAnsweredError(f"Kafka takes nothing now: {error}") from None
            if left:
                producer.purge()
                producer.flush(0)
        if left or failed:
            said = self._errors.cause(failed[0] if failed else "no word in time")
            raise NotAnsweredError(f"Kafka has not taken all answers: {said}")

    def _opened(self) -> Producer:
        if self._producer is None:
            more: dict[str, Any] = {
                "client.id": "cardwatch-visualizer",
                "enable.idempotence": True,
                "acks": "all",
                "message.timeout.ms": int(_ACK_S * 1000),
                "log_level": 2,
                "error_cb": self._errors,
            }
            self._producer = Producer({**client_properties(self._kafka), **more})
        return self._producer
