from typing import Any

import pytest
from tests.unit.operator.resource_samples import a_resource, acks_of, an_ack, known, record_of

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import (
    Challenger,
    DetectorConfigSpec,
    Model,
    Selector,
)
from cardwatch_operator.known import NOTHING_KNOWN, KnownConfig
from cardwatch_operator.resources import Resource
from cardwatch_operator.status import Condition, Situation, changes, in_words, status_of

RESOURCE = a_resource(revision=1)
EVERYWHERE = acks_of(an_ack(0, applied_at=5_400), an_ack(1, applied_at=5_500))
RESCALED = Condition(type="Rescaled", status="True", reason="Rescaled", message="2 subtasks")


def status(
    resource: Resource = RESOURCE,
    *,
    before: KnownConfig | None = None,
    acks: Acknowledgements = EVERYWHERE,
    winner: Resource | None = None,
    namesake: Resource | None = None,
    rescaled: Condition = RESCALED,
    now_ms: int = 6_000,
    parallelism: int = 2,
    alerts: int | None = None,
) -> dict[str, Any]:
    situation = Situation(
        resource=resource,
        known=known(record_of(RESOURCE), published_at=5_000) if before is None else before,
        acks=acks,
        winner=winner,
        namesake=namesake,
        rescaled=rescaled,
        parallelism=parallelism,
        alerts_per_minute=alerts,
    )
    return status_of(situation, now_ms=now_ms, ack_timeout_ms=3_000)


def condition(of: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in of["conditions"] if each["type"] == name)
    return dict(found)


def why(of: dict[str, Any], name: str = "Ready") -> tuple[str, str, str]:
    found = condition(of, name)
    return found["status"], found["reason"], found["message"]


def test_a_config_that_every_subtask_has_acknowledged_is_applied_and_ready() -> None:
    said = status()
    message = "all 2 subtasks judge by generation 1"
    assert why(said, "Applied") == ("True", "Acknowledged", message)
    assert why(said) == ("True", "Ready", message)
    assert (said["subtasks"], said["parallelism"], said["selects"]) == ("2/2", 2, "everything")
    assert (said["appliedGeneration"], said["millisecondsToApply"]) == (1, 500)
    assert said["appliedAt"] == "1970-01-01T00:00:05Z"
    assert said["labelSelector"] == "app=cardwatch,component=taskmanager"


def test_every_condition_speaks_of_the_resource_s_revision() -> None:
    said = status(a_resource(revision=4))
    assert said["observedGeneration"] == 4
    assert [each["type"] for each in said["conditions"]] == ["Ready", "Applied", "Rescaled"]
    assert {each["observedGeneration"] for each in said["conditions"]} == {4}


def test_a_change_that_is_not_published_yet_is_not_applied() -> None:
    said = status(a_resource(revision=2))
    assert why(said) == ("False", "Publishing", "this change is not published yet")


@pytest.mark.parametrize(
    "before",
    [NOTHING_KNOWN, known(record_of(a_resource(uid="another")))],
)
def test_what_another_of_its_name_said_is_not_its_own(before: KnownConfig) -> None:
    assert why(status(before=before)) == ("False", "Publishing", "this change is not published yet")


def test_a_subtask_that_has_not_acknowledged_is_named() -> None:
    said = status(acks=acks_of(an_ack(0)))
    message = "subtask 1 of 2 did not acknowledge generation 1 yet"
    assert why(said) == ("False", "Waiting", message)
    assert said["subtasks"] == "1/2"
    assert "appliedGeneration" not in said


def test_what_subtasks_said_before_a_rescale_is_worth_nothing() -> None:
    said = status(parallelism=4, now_ms=1_000_000)
    message = "none of the 4 subtasks that run now has acknowledged generation 1 yet"
    assert why(said) == ("False", "Waiting", message)
    assert (said["subtasks"], said["parallelism"]) == ("0/4", 4)


def test_a_run_that_began_later_has_its_own_time_to_acknowledge() -> None:
    later = acks_of(an_ack(0, run="run-2", started_at=900_000))
    assert why(status(acks=later, now_ms=902_999))[1] == "Waiting"
    assert why(status(acks=later, now_ms=903_000))[1] == "AckTimeout"


def test_many_that_have_not_are_counted() -> None:
    said = status(acks=acks_of(an_ack(0, parallelism=9)), parallelism=9)
    assert why(said)[2].startswith("subtasks 1, 2, 3, 4, 5 and 3 more of 9 did not acknowledge")


def test_without_any_word_of_the_job_it_says_which_job() -> None:
    said = status(acks=Acknowledgements())
    message = "no subtask of job cardwatch has acknowledged generation 1 yet"
    assert why(said) == ("False", "Waiting", message)
    assert said["subtasks"] == "0/0"


def test_after_the_time_for_acknowledgements_it_is_tried_again() -> None:
    assert why(status(acks=acks_of(an_ack(0)), now_ms=7_999))[1] == "Waiting"
    said = status(acks=acks_of(an_ack(0)), now_ms=8_000)
    message = "subtask 1 of 2 did not acknowledge generation 1 within 3 s; tried again"
    assert why(said) == ("False", "AckTimeout", message)


@pytest.mark.parametrize(
    ("before", "stays"),
    [
        (NOTHING_KNOWN, "the built-in defaults judge"),
        (known(record_of(RESOURCE, generation=3)), "generation 3 stays in force"),
    ],
)
def test_an_invalid_spec_says_what_judges_instead(before: KnownConfig, stays: str) -> None:
    invalid = a_resource(revision=2, spec=None, error="Expected `int` >= 1")
    said = status(invalid, before=before)
    assert why(said) == ("False", "InvalidSpec", f"Expected `int` >= 1; {stays}")
    assert "labelSelector" not in said


def test_an_older_one_that_selects_the_same_is_a_conflict_although_applied() -> None:
    said = status(winner=a_resource("older"))
    assert why(said, "Applied")[0] == "True"
    assert why(said)[:2] == ("False", "Conflict")
    assert "DetectorConfig older is older and as specific" in why(said)[2]


def test_a_name_that_is_taken_in_another_namespace_is_not_applied() -> None:
    said = status(namesake=a_resource(namespace="risk", uid="another"))
    message = "namespace risk has a DetectorConfig strict: take another name"
    assert why(said) == ("False", "NameTaken", message)


@pytest.mark.parametrize(
    ("truth", "reason", "ready"),
    [
        ("False", "Rescaling", "Rescaling"),
        ("False", "Refused", "Refused"),
        ("False", "NotOwner", "Ready"),
        ("Unknown", "NoFlinkDeployment", "Ready"),
    ],
)
def test_a_job_that_is_to_change_is_not_ready_yet(truth: Any, reason: str, ready: str) -> None:
    rescaled = Condition(type="Rescaled", status=truth, reason=reason, message="why")
    assert why(status(rescaled=rescaled))[1] == ready


def test_what_was_applied_last_stays_said_while_a_change_is_on_its_way() -> None:
    first = status()
    edited = a_resource(revision=2, status=first)
    on_its_way = known(record_of(edited), published_at=6_000)
    said = status(edited, before=on_its_way)
    assert why(said)[1] == "Waiting"
    for name in ("appliedGeneration", "appliedAt", "millisecondsToApply"):
        assert said[name] == first[name]


def test_how_long_it_took_is_not_counted_anew_after_a_restart_of_the_job() -> None:
    again = acks_of(*(an_ack(n, run="run-2", started_at=9_000, applied_at=9_100) for n in (0, 1)))
    said = status(a_resource(status=status()), acks=again, now_ms=9_500)
    assert said["millisecondsToApply"] == 500


def test_clocks_that_differ_make_no_negative_time() -> None:
    said = status(before=known(record_of(RESOURCE), published_at=9_000))
    assert said["millisecondsToApply"] == 0


def test_a_transition_has_its_time_until_the_next_one() -> None:
    first = status(now_ms=6_000)
    same = status(a_resource(status=first), now_ms=60_000)
    assert same == first
    changed = status(a_resource(status=first), winner=a_resource("older"), now_ms=60_000)
    assert condition(changed, "Ready")["lastTransitionTime"] == "1970-01-01T00:01:00Z"
    assert condition(changed, "Applied") == condition(first, "Applied")


def test_what_changed_is_each_condition_with_another_status_or_reason() -> None:
    first = status()
    assert [each.type for each in changes({}, first)] == ["Ready", "Applied", "Rescaled"]
    assert changes(first, first) == []
    conflict = status(winner=a_resource("older"))
    assert [(each.type, each.reason) for each in changes(first, conflict)] == [
        ("Ready", "Conflict")
    ]
    other = status(winner=a_resource("oldest"))
    assert changes(conflict, other) == []  # the message alone


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        (Selector(), "everything"),
        (Selector(bank_ids=("A", "B"), countries=("DE",)), "bankIds A, B; countries DE"),
        (Selector(bank_ids=tuple("ABCDEFG")), "bankIds A, B, C, D, E and 2 more"),
    ],
)
def test_a_selector_is_said_in_a_line(selector: Selector, words: str) -> None:
    assert in_words(selector) == words


def test_what_is_in_force_is_what_is_said_to_select() -> None:
    spec = DetectorConfigSpec(selector=Selector(bank_ids=("A",)))
    assert status(a_resource(revision=2, spec=spec))["selects"] == "everything"


def test_alerts_are_those_of_the_last_minute_counted() -> None:
    assert "alertsPerMinute" not in status()
    counted = status(alerts=7)
    assert counted["alertsPerMinute"] == 7
    restarted = status(a_resource(status=counted), alerts=None)
    assert restarted["alertsPerMinute"] == 7
    assert status(a_resource(status=counted), alerts=0)["alertsPerMinute"] == 0


def test_alerts_of_another_of_its_name_are_not_its_own() -> None:
    assert "alertsPerMinute" not in status(namesake=a_resource(namespace="risk"), alerts=7)


OLD, NEW, TRIAL = "0a" * 32, "1b" * 32, "2c" * 32
LEARNED = a_resource(
    spec=DetectorConfigSpec(model=Model(name="habits", challenger=Challenger(name="trial")))
)
ASKED = known(record_of(LEARNED), published_at=5_000)


def test_the_models_that_all_subtasks_judge_with_are_said() -> None:
    both = acks_of(*(an_ack(n, model=OLD, challenger=TRIAL) for n in (0, 1)))
    said = status(LEARNED, before=ASKED, acks=both)
    assert why(said, "Applied")[:2] == ("True", "Acknowledged")
    assert (said["model"], said["challenger"]) == (OLD, TRIAL)


def test_without_a_model_none_is_said() -> None:
    assert status().keys().isdisjoint({"model", "challenger"})


def test_a_generation_without_its_model_is_not_applied() -> None:
    said = status(LEARNED, before=ASKED)
    message = "subtasks 0, 1 of 2 did not take the model of generation 1 yet"
    assert why(said) == ("False", "Waiting", message)
    assert said["subtasks"] == "0/2"


def test_a_model_that_is_refused_is_said_in_the_subtask_s_words() -> None:
    refused = "version 1b1b1b1b1b1b of model habits is not published; 0a0a0a0a0a0a stays in force"
    both = acks_of(
        an_ack(0, model=OLD, challenger=TRIAL),
        an_ack(1, model=OLD, challenger=TRIAL, refused=refused),
    )
    said = status(LEARNED, before=ASKED, acks=both, now_ms=1_000_000)
    message = f"subtask 1 of 2: {refused}"
    assert why(said, "Applied") == ("False", "ModelRefused", message)
    assert why(said) == ("False", "ModelRefused", message)
    assert (said["model"], said["subtasks"]) == (OLD, "1/2")
    assert "appliedGeneration" not in said


def test_the_same_refusal_of_many_is_said_once() -> None:
    both = acks_of(*(an_ack(n, refused="no such model; rules alone judge") for n in (0, 1)))
    said = status(LEARNED, before=ASKED, acks=both)
    message = "subtasks 0, 1 of 2: no such model; rules alone judge"
    assert why(said)[2] == message
    assert "model" not in said


def test_different_refusals_are_said_apart() -> None:
    apart = acks_of(an_ack(0, refused="one", model=OLD), an_ack(1, refused="two", model=NEW))
    said = status(LEARNED, before=ASKED, acks=apart)
    assert why(said)[2] == "subtask 0 of 2: one; subtask 1 of 2: two"
    assert "model" not in said


def test_a_refusal_of_a_run_that_is_over_is_worth_nothing() -> None:
    both = acks_of(an_ack(0, refused="broken"), an_ack(1, refused="broken"))
    assert why(status(LEARNED, before=ASKED, acks=both, parallelism=4))[1] == "Waiting"


def test_a_newer_model_that_some_have_already_has_its_own_time() -> None:
    swapping = acks_of(
        an_ack(0, model=NEW, challenger=TRIAL, applied_at=900_000),
        an_ack(1, model=OLD, challenger=TRIAL),
    )
    said = status(LEARNED, before=ASKED, acks=swapping, now_ms=902_999)
    assert why(said) == ("False", "Waiting", "the 2 subtasks did not take the same model yet")
    assert ("model" in said, said["challenger"]) == (False, TRIAL)
    late = status(LEARNED, before=ASKED, acks=swapping, now_ms=903_000)
    assert why(late)[1] == "AckTimeout"


def test_models_stay_said_until_a_subtask_speaks() -> None:
    first = status(
        LEARNED,
        before=ASKED,
        acks=acks_of(*(an_ack(n, model=OLD, challenger=TRIAL) for n in (0, 1))),
    )
    again = a_resource(spec=LEARNED.spec, status=first)
    silent = status(again, before=ASKED, acks=Acknowledgements())
    assert (silent["model"], silent["challenger"]) == (OLD, TRIAL)
    spoken = status(again, before=ASKED)
    assert spoken.keys().isdisjoint({"model", "challenger"})
