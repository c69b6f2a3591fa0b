"""What `cardwatch apply` says of what became of a config."""

import pytest
from tests.unit.operator.resource_samples import a_record, acks_of, an_ack

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import DetectorConfigSpec, Model
from cardwatch_local.commands.config_changes import sentence
from cardwatch_local.configs.apply import Applied

OLD, NEW = "0a" * 32, "1b" * 32
RULES = a_record()
LEARNED = a_record(spec=DetectorConfigSpec(model=Model(name="habits")))


def test_a_config_without_a_model() -> None:
    done = Applied(record=RULES, acknowledgements=acks_of(an_ack(0), an_ack(1)), seconds=0.25)
    assert sentence(done) == (
        "detectorconfig/strict applied (generation 1, 2 of 2 subtasks, 0.2 s)"
    )


@pytest.mark.parametrize(
    ("acks", "said"),
    [
        (
            acks_of(an_ack(0, model=OLD), an_ack(1, model=OLD)),
            "applied (generation 1, 2 of 2 subtasks, model 0a0a0a0a0a0a, 1.0 s)",
        ),
        (
            acks_of(an_ack(0, model=OLD)),
            "published (generation 1), 1 of 2 subtasks; missing: subtask 1",
        ),
        (
            acks_of(an_ack(0, model=OLD), an_ack(1)),
            "published (generation 1), 1 of 2 subtasks; "
            "subtask 1 of 2 did not take the model of generation 1",
        ),
        (
            acks_of(an_ack(0, model=OLD), an_ack(1, model=NEW)),
            "published (generation 1), 2 of 2 subtasks; the 2 subtasks did not take the same model",
        ),
        (
            acks_of(
                an_ack(0, model=OLD),
                an_ack(1, model=OLD, refused="it is broken; 0a0a0a0a0a0a stays in force"),
            ),
            "published (generation 1), 1 of 2 subtasks; the model is refused: "
            "subtask 1 of 2: it is broken; 0a0a0a0a0a0a stays in force",
        ),
    ],
)
def test_a_config_with_a_model(acks: Acknowledgements, said: str) -> None:
    outcome = Applied(record=LEARNED, acknowledgements=acks, seconds=1.0)
    assert sentence(outcome) == f"detectorconfig/strict {said}"
