import json
from typing import Any

import pytest
from tests.unit.operator.resource_samples import a_resource

from cardwatch_contracts.detector_config import DetectorConfigSpec
from cardwatch_operator.rescale import Job, job_of, needs_rescale, rescaled, was_asked_for

RESOURCE = a_resource(spec=DetectorConfigSpec(parallelism=4))
OLDER = a_resource("older", created_at=0)
INVALID = a_resource(spec=None)


def a_job(**fields: Any) -> Job:
    given: dict[str, Any] = {"name": "cardwatch", "wanted": 4, "running": 4}
    return Job(**(given | fields))


def test_a_job_without_flinkdeployment_wants_nothing() -> None:
    assert job_of("cardwatch", None, 2) == a_job(wanted=None, running=2)


@pytest.mark.parametrize(
    ("manifest", "wanted"),
    [
        ({"spec": {"job": {"parallelism": 3}}, "status": None}, 3),
        ({"spec": {"job": {}}}, 1),
        ({"spec": {}}, 1),
        ({}, 1),
    ],
)
def test_a_flinkdeployment_says_how_many_are_wanted(manifest: dict[str, Any], wanted: int) -> None:
    assert job_of("cardwatch", manifest, None) == a_job(wanted=wanted, running=None)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (json.dumps({"type": "Validation", "message": "no slots"}), "no slots"),
        (json.dumps({"type": "Validation"}), '{"type": "Validation"}'),
        (json.dumps(["no slots"]), '["no slots"]'),
        ("no slots", "no slots"),
        (None, ""),
    ],
)
def test_why_flink_refused_is_said_without_its_wrapping(error: str | None, said: str) -> None:
    assert job_of("cardwatch", {"status": {"error": error}}, 1).error == said


def test_the_owner_of_the_parallelism_changes_a_job_that_wants_another() -> None:
    assert needs_rescale(RESOURCE, RESOURCE, a_job(wanted=2))
    assert not needs_rescale(RESOURCE, RESOURCE, a_job(wanted=4, running=2))


def test_nobody_else_changes_it() -> None:
    assert not needs_rescale(RESOURCE, OLDER, a_job(wanted=2))
    assert not needs_rescale(RESOURCE, None, a_job(wanted=2))
    assert not needs_rescale(RESOURCE, RESOURCE, a_job(wanted=None))
    assert not needs_rescale(INVALID, INVALID, a_job(wanted=2))


@pytest.mark.parametrize(
    ("job", "status", "reason", "message"),
    [
        (a_job(), "True", "Rescaled", "the job runs with 4 subtasks"),
        (a_job(running=1), "False", "Rescaling", "the job runs with 1, to become 4 subtasks"),
        (
            a_job(running=None),
            "False",
            "Rescaling",
            "waiting for the job to run with 4 subtasks; not all of it runs now",
        ),
        (
            a_job(running=1, error="no slots"),
            "False",
            "Refused",
            "Flink refuses FlinkDeployment cardwatch: no slots",
        ),
        (
            a_job(wanted=None),
            "Unknown",
            "NoFlinkDeployment",
            "there is no FlinkDeployment cardwatch in namespace fraud",
        ),
    ],
)
def test_the_condition_says_how_far_it_is(job: Job, status: str, reason: str, message: str) -> None:
    condition = rescaled(RESOURCE, RESOURCE, job)
    assert (condition.type, condition.status) == ("Rescaled", status)
    assert (condition.reason, condition.message) == (reason, message)


def test_a_parallelism_that_was_asked_for_is_known_by_the_status() -> None:
    asked = {"type": "Rescaled", "status": "True", "reason": "Rescaled", "observedGeneration": 2}
    status = {"conditions": [asked]}
    assert was_asked_for(a_resource(revision=2, status=status))
    assert not was_asked_for(a_resource(revision=3, status=status))
    assert not was_asked_for(a_resource())


def test_one_subtask_is_singular() -> None:
    alone = a_resource(spec=DetectorConfigSpec(parallelism=1))
    assert rescaled(alone, alone, a_job(running=1)).message == "the job runs with 1 subtask"


def test_who_does_not_own_the_parallelism_is_told_who_does() -> None:
    condition = rescaled(RESOURCE, OLDER, a_job())
    assert (condition.status, condition.reason) == ("False", "NotOwner")
    assert "DetectorConfig older is older" in condition.message


def test_an_invalid_spec_says_nothing_of_the_parallelism() -> None:
    condition = rescaled(INVALID, None, a_job())
    assert (condition.status, condition.reason) == ("Unknown", "InvalidSpec")
