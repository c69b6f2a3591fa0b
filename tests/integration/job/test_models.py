"""Models in the running job, against the same models outside of it."""

import os
import signal
from dataclasses import dataclass, field

import pytest
from confluent_kafka import Producer
from tests.integration.job.feed import Draws, Feed, drain, wait_until
from tests.integration.job.stack import JobStack
from tests.unit.model.made import artefact

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigAck,
    ConfigRecord,
    DetectorConfigSpec,
    Model,
    decode_config_ack,
)
from cardwatch_contracts.feedback import Feedback, Label
from cardwatch_contracts.model_stats import ModelStats, decode_model_stats
from cardwatch_contracts.topics import CONFIG_ACKS, FEEDBACK, MODEL_STATS, MODELS
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.judge import Judge
from cardwatch_job.model.artefact import Artefact, encode_artefact
from cardwatch_job.model.in_force import ModelsInForce
from cardwatch_job.model.lessons import lesson_of
from cardwatch_job.model.memory import merchants
from cardwatch_job.records import InputRecord
from cardwatch_job.reference import UsersInMemory, alerts_of, compare, transaction_of
from cardwatch_job.rules import Rules
from cardwatch_local.demo.oracle import gather
from cardwatch_local.reading.topic import read_topic, value_of

_FIRST = artefact(name="champion", threshold=0.2)
_SECOND = artefact(name="champion", threshold=0.15)
_RIVAL = artefact(name="rival", threshold=0.01)
_CONFIG = ConfigRecord(
    name="scored",
    generation=1,
    created_at=1,
    spec=DetectorConfigSpec(model=Model(name="champion", challenger=Challenger(name="rival"))),
)


@dataclass
class Outside:
    """The same models and the same code, without Flink."""

    rules: Rules = field(default_factory=lambda: Rules([_CONFIG]))
    models: ModelsInForce = field(default_factory=ModelsInForce)
    alerts: dict[str, Alert] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._merchants = merchants()
        self._users = UsersInMemory()
        self._judge = Judge(self.rules, models=self.models, merchants=self._merchants)

    def publish(self, model: Artefact, document: bytes) -> None:
        self.models.publish(f"{model.name}/{model.hash}".encode(), document)
        self.models.follow(self.rules)

    def hear(self, feedback: Feedback) -> None:
        lesson = lesson_of(feedback)
        assert lesson is not None
        self._merchants.hear(lesson)
        self._users.habits.hear(lesson)

    def judge(self, txn: Transaction) -> None:
        record: InputRecord = transaction_of(encode(txn), user_id=txn.user_id, ingested_at=2**52)
        self.alerts |= alerts_of(self._judge.process(record, self._users))


class Story:
    """Tells a running job and the one outside the same."""

    def __init__(self, stack: JobStack) -> None:
        self.stack = stack
        self.outside = Outside()
        self.feed = Feed(stack.bootstrap_servers)
        self._draw = Draws(silence=0).draw
        self._producer = Producer({"bootstrap.servers": stack.bootstrap_servers})
        self._answers = 0

    def publish(self, model: Artefact, document: bytes | None = None) -> None:
        document = encode_artefact(model) if document is None else document
        self._producer.produce(MODELS.name, document, f"{model.name}/{model.hash}")
        self._producer.flush()
        self.outside.publish(model, document)

    def pay(self, count: int) -> list[Transaction]:
        sent = [self._draw() for _ in range(count)]
        for txn in sent:
            self._producer.produce("transactions", encode(txn), txn.user_id)
            self.outside.judge(txn)
        self._producer.flush()
        drain(self.stack)
        return sent

    def answer(self, txn: Transaction, label: Label) -> None:
        self._answers += 1
        feedback = Feedback(
            feedback_id=f"f{self._answers}",
            alert_id=f"a{self._answers}",
            transaction_id=txn.transaction_id,
            user_id=txn.user_id,
            card_id=txn.card_id,
            bank_id=txn.bank_id,
            merchant_id=txn.merchant_id,
            label=label,
            given_by="somebody",
            given_at=txn.event_time + self._answers,
            event_time=txn.event_time,
            amount_deviations=0.0,
        )
        self._producer.produce(FEEDBACK.name, encode(feedback), txn.transaction_id)
        self._producer.flush()
        self.outside.hear(feedback)
        drain(self.stack)

    def acks(self) -> dict[int, ConfigAck]:
        """The newest word of each subtask of the newest run."""
        found: dict[int, ConfigAck] = {}
        for message in read_topic(self.stack.bootstrap_servers, CONFIG_ACKS):
            ack = decode_config_ack(value_of(message))
            if found and ack.run != next(iter(found.values())).run:
                found.clear()
            found[ack.subtask] = ack
        return found

    def wait_models(self, model: Artefact, subtasks: int, refused: str = "") -> None:
        def there() -> bool:
            acks = self.acks()
            return len(acks) == subtasks and all(
                ack.model == model.hash
                and refused in ack.refused
                and bool(refused) == bool(ack.refused)
                for ack in acks.values()
            )

        wait_until(there, f"{model.hash[:12]} in force, refused {refused!r}", timeout_s=120)

    def kill_a_taskmanager(self) -> None:
        victim = self.stack.cluster.taskmanagers[0]
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        wait_until(lambda: not victim.is_running, "the end of the killed TaskManager")
        victim.start()

    def stats(self) -> list[ModelStats]:
        return [
            decode_model_stats(value_of(message))
            for message in read_topic(self.stack.bootstrap_servers, MODEL_STATS)
        ]


@pytest.mark.timeout(600)  # a restart and a rescale of the job, on two busy cores
def test_models_judge_as_outside_through_swaps_refusals_feedback_a_kill_and_a_rescale(
    job_stack: JobStack,
) -> None:
    story = Story(job_stack)
    story.publish(_FIRST)
    story.publish(_RIVAL)
    story.outside.models.follow(story.outside.rules)
    story.feed.send_config(_CONFIG)
    story.wait_models(_FIRST, 2)
    assert {ack.challenger for ack in story.acks().values()} == {_RIVAL.hash}
    paid = story.pay(1_500)

    broken = encode_artefact(_SECOND).replace(b'"base":-0.5', b'"base":-0.4')
    story.publish(_SECOND, broken)
    story.wait_models(_FIRST, 2, refused="broken: its content is not what its hash says")
    story.pay(500)
    story.answer(paid[-1], "fraudulent")
    blamed = story.pay(500)
    story.kill_a_taskmanager()
    story.wait_models(_FIRST, 2, refused="broken: its content is not what its hash says")
    after_the_kill = story.pay(500)

    story.publish(_SECOND)
    story.wait_models(_SECOND, 2)
    story.answer(paid[-1], "genuine")
    cleared = story.pay(500)
    job_stack.cluster.taskmanagers[1].stop()
    story.wait_models(_SECOND, 1)
    story.pay(500)

    alerts = gather(job_stack.bootstrap_servers).alerts
    comparison = compare(alerts, story.outside.alerts)
    assert comparison.equal, comparison
    risks = {
        alert.transaction.transaction_id: finding.observed
        for alert in alerts
        for finding in alert.findings
        if finding.detector == "challenger"
    }
    riskiest = [
        max(risks.get(txn.transaction_id, 0.0) for txn in part)
        for part in (paid, blamed, after_the_kill, cleared)
    ]
    assert riskiest == [pytest.approx(0.2), 1.0, 1.0, pytest.approx(0.2)]
    wait_until(lambda: story.stats() != [], "what the models have seen")
    stats = story.stats()
    assert {(each.config, each.role) for each in stats} == {
        ("scored", "model"),
        ("scored", "challenger"),
    }
    assert sum(each.scored for each in stats) > 0
