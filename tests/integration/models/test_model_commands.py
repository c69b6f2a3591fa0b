"""Models published, put in force and taken out, on a real Kafka; subtasks are played by the test.

(The job itself: `tests/integration/job`.)
"""

import json
import re
import shlex
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.integration.models.subtasks import Subtasks, running_subtasks
from tests.unit.model.made import artefact
from typer.testing import CliRunner, Result

from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigRecord,
    DetectorConfigSpec,
    Model,
    Origin,
)
from cardwatch_contracts.model_stats import ModelStats, SeenFeature
from cardwatch_contracts.topics import CONFIG_HISTORY, DETECTOR_CONFIGS, MODEL_STATS, MODELS
from cardwatch_job.model.artefact import Artefact, encode_artefact
from cardwatch_local.cli import app
from cardwatch_local.configs.apply import read_configs
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.models.published import Published, read_published
from cardwatch_local.progress import SilentListener
from cardwatch_local.reading.topic import key_of, read_topic


class Operator:
    """Somebody with a home folder, a Kafka, a model and a config of a name of their own."""

    def __init__(self, home: Path, kafka: str) -> None:
        self.home, self.kafka = home, kafka
        self.model, self.config = (f"{kind}-{uuid.uuid4().hex[:8]}" for kind in ("m", "c"))

    def run(self, *arguments: str, status: int = 0, words: str = "") -> str:
        """Run `cardwatch model …`; return what it says."""
        runner = CliRunner(env={"CARDWATCH_HOME": str(self.home), "COLUMNS": "200"})
        result: Result = runner.invoke(
            app, ["model", *arguments, "--bootstrap-servers", self.kafka], input=words
        )
        if isinstance(result.exception, StackError):
            assert status == 1, result.exception
            return f"{result.output}{result.exception}"
        assert result.exit_code == status, (result.output, result.exception)
        return result.output

    def train(self, **changes: Any) -> Artefact:
        """Keep a model that is not that of anybody else."""
        made = artefact(name=self.model, **changes)
        folder = self.home / "models"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.model}.model.json").write_bytes(encode_artefact(made))
        return made

    def publish(self, **changes: Any) -> str:
        """Train and publish; return the hash."""
        made = self.train(**changes)
        assert made.hash in self.run("publish", self.model)
        return made.hash

    def apply(self, model: Model | None = None, origin: Origin | None = None) -> None:
        """Put a config in force."""
        record = ConfigRecord(
            name=self.config,
            generation=1,
            created_at=time.time_ns() // 1_000_000,
            spec=DetectorConfigSpec(model=model),
            origin=origin,
        )
        producer = Producer({"bootstrap.servers": self.kafka})
        producer.produce(DETECTOR_CONFIGS.name, encode(record), record.name)
        producer.produce(CONFIG_HISTORY.name, encode(record), f"{record.name}/1")
        assert producer.flush(30) == 0

    def in_force(self) -> tuple[int, Model | None]:
        """Return the generation in force and its model."""
        record = read_configs(self.kafka).known[self.config].in_force
        assert record is not None
        return record.generation, record.spec.model

    def published(self) -> Sequence[Published]:
        """Return what is published of the model."""
        every = read_published(self.kafka, SilentListener())
        return [each for each in every if each.version.name == self.model]

    def records(self) -> int:
        """Count the records of the model, tombstones and repetitions included."""
        own = f"{self.model}/".encode()
        return sum((key_of(each) or b"").startswith(own) for each in read_topic(self.kafka, MODELS))


@pytest.fixture
def operator(tmp_path: Path, stack_without_job: Endpoints) -> Operator:
    return Operator(tmp_path, stack_without_job.bootstrap_servers)


@pytest.fixture
def subtasks(stack_without_job: Endpoints) -> Iterator[Subtasks]:
    with running_subtasks(stack_without_job.bootstrap_servers) as subtasks:
        yield subtasks


def test_a_model_is_published_once(operator: Operator) -> None:
    made = operator.train()
    planned = operator.run("publish", operator.model, "--dry-run")
    assert f"would be published: {made.hash}" in planned
    assert operator.records() == 0

    said = operator.run("publish", operator.model)
    assert f"model {operator.model}@{made.hash[:12]} published: {made.hash}" in said
    assert "send to topic models: done in " in said
    (record,) = operator.published()
    assert record.artefact == made
    assert record.size == len(encode_artefact(made))

    assert "is published already" in operator.run("publish", operator.model)
    assert operator.records() == 1
    operator.run("publish", operator.model, "--again")
    assert operator.records() == 2


def test_a_broken_model_is_not_sent(operator: Operator) -> None:
    operator.train()
    file = operator.home / f"models/{operator.model}.model.json"
    file.write_bytes(file.read_bytes().replace(b'"base":-0.5', b'"base":-0.6'))
    said = operator.run("publish", operator.model, status=1)
    assert "its content is not what its hash says" in said
    assert operator.records() == 0


def test_a_model_of_eight_mebibytes_is_taken(operator: Operator) -> None:
    # As long as a document may be; padding in a metric's name is part of what is hashed.
    made = artefact(name=operator.model)
    room = 8 * 1024 * 1024 - len(encode_artefact(made)) - len(b',"":1.0')
    made = operator.train(metrics=made.metrics | {"x" * room: 1.0})
    assert len(encode_artefact(made)) == 8 * 1024 * 1024
    operator.run("publish", operator.model)
    (record,) = operator.published()
    assert record.artefact == made


def test_what_others_publish_under_a_wrong_key_is_refused(operator: Operator) -> None:
    hash_ = operator.publish()
    producer = Producer({"bootstrap.servers": operator.kafka})
    wrong = f"{operator.model}/{'0' * 64}"
    producer.produce(MODELS.name, encode_artefact(artefact(name=operator.model)), wrong)
    producer.flush(10)
    operator.apply()
    said = operator.run("promote", operator.config, f"{operator.model}@0000", status=1)
    assert f"is refused: it says that it is {operator.model}@{hash_[:12]}" in said
    assert f"{operator.model}@{hash_[:12]}" in operator.run(
        "promote", operator.config, operator.model, "--dry-run"
    )


@pytest.mark.usefixtures("subtasks")
def test_a_model_goes_on_trial_is_promoted_and_taken_out(operator: Operator) -> None:
    first = operator.publish()
    operator.apply()

    planned = operator.run("promote", operator.config, operator.model, "--trial", "--dry-run")
    assert f"would become generation 2: {operator.model}@{first[:12]} (Shadow)" in planned
    assert operator.in_force() == (1, None)

    operator.run("promote", operator.config, operator.model, "--trial")
    shadowed = Model(name=operator.model, hash=first, mode="Shadow")
    assert operator.in_force() == (2, shadowed)

    said = operator.run("promote", operator.config)
    assert re.search(
        rf"detectorconfig/{operator.config} applied \(generation 3, 2 of 2 subtasks, "
        rf"model {first[:12]}, \d+\.\d s\)\n",
        said,
    )
    assert "unchanged (generation 3)" in operator.run(
        "promote", operator.config, f"{operator.model}@{first[:8]}"
    )

    second = operator.publish(threshold=0.25)
    operator.run("promote", operator.config, operator.model, "--trial")
    on_trial = Challenger(name=operator.model, hash=second)
    assert operator.in_force()[1] == Model(name=operator.model, hash=first, challenger=on_trial)

    operator.run("promote", operator.config, "--keep-old")
    old = Challenger(name=operator.model, hash=first)
    assert operator.in_force() == (5, Model(name=operator.model, hash=second, challenger=old))

    used = operator.run("reset", "--withdraw", f"{operator.model}@{first}", "--yes", status=1)
    assert f"is used by detectorconfig/{operator.config}: promote another there" in used

    refused = operator.run("reset", operator.config, status=1, words="n\n")
    assert f"{operator.model}@{second[:12]} (Active), challenger" in refused
    assert operator.in_force()[0] == 5
    operator.run("reset", operator.config, "--yes")
    assert operator.in_force() == (6, None)
    assert "unchanged (generation 6): rules alone" in operator.run("reset", operator.config)

    dry = operator.run("reset", "--withdraw", f"{operator.model}@{first[:9]}", "--dry-run")
    assert f"would be withdrawn: {first}" in dry
    assert len(operator.published()) == 2
    operator.run("reset", "--withdraw", f"{operator.model}@{first[:9]}", "--yes")
    assert [each.version.hash for each in operator.published()] == [second]


@pytest.mark.usefixtures("subtasks")
def test_a_config_that_follows_the_newest_is_promoted_to_what_was_compared(
    operator: Operator,
) -> None:
    first = operator.publish()
    operator.apply(Model(name=operator.model, challenger=Challenger(name=operator.model)))
    wait_for(lambda: operator.model in operator.run("promote", operator.config, "--dry-run"))
    operator.run("promote", operator.config)
    assert operator.in_force()[1] == Model(name=operator.model, hash=first)


def test_the_list_shows_who_judges_with_what(operator: Operator, subtasks: Subtasks) -> None:
    hash_ = operator.publish()
    operator.apply()
    operator.run("promote", operator.config, operator.model, "--trial")
    shown = operator.run("list")
    short = hash_[:12]
    assert re.search(rf"\n{operator.model} +boostedTrees +{short} +1970-01-02", shown)
    assert re.search(rf"\n{operator.model} +{short} +20\d\d-.* boostedTrees +1970-01-02", shown)
    assert re.search(rf"\n{operator.config} +model +{operator.model} +{short} +2 of 2 +–", shown)

    subtasks.refuses = "no memory is left"
    operator.run("promote", operator.config, operator.model, "--threshold", "0.7", status=1)
    facts = json.loads(operator.run("list", "--json").splitlines()[-1])
    assert {"name": operator.model, "hash": hash_}.items() <= facts["local"][0].items()
    (published,) = (each for each in facts["published"] if each["name"] == operator.model)
    assert (published["hash"], published["refused"]) == (hash_, None)
    (judging,) = (each for each in facts["judging"] if each["config"] == operator.config)
    assert judging == {
        "config": operator.config,
        "role": "model",
        "name": operator.model,
        "hash": hash_,
        "subtasks": 1,
        "parallelism": 2,
        "refused": "no memory is left",
    }


def test_stats_add_up_what_subtasks_say(operator: Operator) -> None:
    hash_ = operator.publish()
    now = time.time_ns() // 1_000_000
    producer = Producer({"bootstrap.servers": operator.kafka})
    for subtask, scored, mean in ((0, 30, 10.0), (1, 10, 50.0)):
        stats = ModelStats(
            config=operator.config,
            role="challenger",
            model=operator.model,
            hash=hash_,
            subtask=subtask,
            parallelism=2,
            begins_at=now - 10_000,
            ends_at=now,
            scored=scored,
            findings=subtask,
            risks=(scored - subtask, *[0] * 18, subtask),
            trained_risks=(),
            features={
                "amount": SeenFeature(
                    mean=mean, deviation=1.0, trained_mean=50.0, trained_deviation=20.0
                )
            },
        )
        producer.produce(MODEL_STATS.name, encode(stats), f"{operator.config}/challenger/{subtask}")
    assert producer.flush(10) == 0

    shown = operator.run("stats", operator.model)
    assert f"judges as    challenger of detectorconfig/{operator.config}\n" in shown
    assert "scored       40, 1 at the threshold or above (2.500%)\n" in shown
    assert re.search(r"\n0.00 to 0.05 +97.50% +–", shown)
    # (30 * 10 + 10 * 50) / 40 = 20: 1.5 of 20 below 50.
    assert re.search(r"\namount +20 +50 +-1.5 deviations \(drift\)", shown)
    (live,) = json.loads(operator.run("stats", operator.model, "--json"))["live"]
    # Squares: (30 * (1 + 100) + 10 * (1 + 2500)) / 40 = 701; 701 - 400 = 301.
    assert live["features"]["amount"]["deviation"] == pytest.approx(301**0.5)
    assert "judges as" not in operator.run("stats", operator.model, "--since", "0s")


def test_a_refusal_ends_it_with_the_words_of_the_subtask(
    operator: Operator, subtasks: Subtasks
) -> None:
    operator.publish()
    operator.apply()
    subtasks.refuses = "broken: the trees lead nowhere; rules alone judge"
    began_s = time.monotonic()
    said = operator.run("promote", operator.config, operator.model, status=1)
    assert time.monotonic() - began_s < 15  # long before the 30 s that a silent job is given
    assert f"1 of 2 subtasks; the model is refused: subtask 1 of 2: {subtasks.refuses}" in said
    again = operator.run("promote", operator.config, operator.model, status=1)
    assert f"subtask 1 of 2: {subtasks.refuses}" in again


def test_without_a_job_it_is_published_and_said_so(operator: Operator) -> None:
    operator.publish()
    operator.apply()
    with running_subtasks(operator.kafka):  # a run that has spoken, and is silent from now on
        pass
    asked = ("promote", operator.config, operator.model, "--timeout", "1s")
    assert "not every subtask has acknowledged within 1 s" in operator.run(*asked, status=1)


def test_a_resource_of_kubernetes_is_left_to_kubectl(operator: Operator) -> None:
    hash_ = operator.publish()
    old = Model(name="old", threshold=0.5, challenger=Challenger(name="other"))
    operator.apply(old, Origin(namespace="bank", uid="u", revision=1))

    said = operator.run("promote", operator.config, operator.model, status=1)
    line = shlex.split(said.splitlines()[-1])
    assert line[:7] == [
        *("kubectl", "patch", "detectorconfig", operator.config),
        *("--namespace", "bank", "--type"),
    ]
    assert json.loads(line[-1]) == {
        "spec": {"model": {"name": operator.model, "hash": hash_, "threshold": None}}
    }
    reset = operator.run("reset", operator.config, "--yes", status=1)
    assert json.loads(shlex.split(reset.splitlines()[-1])[-1]) == {"spec": {"model": None}}
    assert operator.in_force() == (1, old)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("promote", "{config}", "ghost"), "no model 'ghost' is published; there is "),
        (("promote", "{config}", "{model}@fff"), "no version of model {model} with a hash that"),
        (("promote", "{config}"), "tries no model out: give one, as in `cardwatch model promote"),
        (("promote", "nobody", "{model}"), "no DetectorConfig 'nobody'; there is "),
        (("reset", "nobody", "--yes"), "no DetectorConfig 'nobody'; there is "),
        (("reset", "--withdraw", "ghost@12"), "no model 'ghost' is published"),
    ],
)
def test_what_is_not_there_is_named(
    operator: Operator, arguments: tuple[str, ...], said: str
) -> None:
    operator.publish()
    operator.apply()
    names = {"config": operator.config, "model": operator.model}
    found = operator.run(*(each.format(**names) for each in arguments), status=1)
    assert said.format(**names) in found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("promote", "c", "--trial"), "--trial needs NAME"),
        (
            ("promote", "c", "m", "--threshold", "0.5", "--alerts-per-thousand-cards", "3"),
            "not both",
        ),
        (("promote", "c", "--threshold", "0.5"), "a threshold needs NAME"),
        (("reset",), "give CONFIG"),
        (("reset", "--withdraw", "july"), "NAME@HASH"),
    ],
)
def test_what_does_not_fit_together_is_named(
    operator: Operator, arguments: tuple[str, ...], said: str
) -> None:
    assert said in re.sub(r"[\s│]+", " ", operator.run(*arguments, status=2))


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
