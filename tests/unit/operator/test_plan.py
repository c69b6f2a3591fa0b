from tests.unit.operator.resource_samples import a_record, a_resource, known, record_of

from cardwatch_contracts.detector_config import (
    DetectorConfig,
    DetectorConfigSpec,
    Origin,
    parse_detector_config,
)
from cardwatch_operator.known import KnownConfig
from cardwatch_operator.plan import plan_documents, plan_resources, withdrawal

OTHER = DetectorConfigSpec(parallelism=2)


def a_config(factor: float = 5) -> DetectorConfig:
    return parse_detector_config(
        {
            "apiVersion": "cardwatch.dev/v1alpha1",
            "kind": "DetectorConfig",
            "metadata": {"name": "strict"},
            "spec": {"detectors": {"amountSpike": {"factor": factor}}},
        }
    )


def in_force(config: DetectorConfig) -> KnownConfig:
    return known(a_record(generation=3, spec=config.spec, created_at=50))


def test_a_new_config_of_a_file_begins_with_generation_one() -> None:
    (record,), unchanged = plan_documents([a_config()], {}, now_ms=99, changed_by="jo@desk")
    assert (record.name, record.generation, record.created_at) == ("strict", 1, 99)
    assert (record.origin, record.changed_by) == (None, "jo@desk")
    assert unchanged == []


def test_a_changed_config_gets_the_next_generation_and_keeps_its_age() -> None:
    before = {"strict": in_force(a_config())}
    (record,), _ = plan_documents([a_config(factor=7)], before, now_ms=99, changed_by="")
    assert (record.generation, record.created_at) == (4, 50)


def test_an_unchanged_config_is_not_published() -> None:
    before = in_force(a_config())
    assert plan_documents([a_config()], {"strict": before}, now_ms=99, changed_by="") == (
        [],
        [before.current],
    )


def test_a_config_that_kafka_forgot_comes_back_above_its_last_generation() -> None:
    forgotten = KnownConfig(current=None, generation=3)
    (record,), _ = plan_documents([a_config()], {"strict": forgotten}, now_ms=99, changed_by="")
    assert (record.generation, record.created_at) == (4, 99)


def test_a_config_that_is_withdrawn_comes_back_above_its_withdrawal() -> None:
    withdrawn = known(a_record(generation=4, withdrawn=True, created_at=50))
    (record,), _ = plan_documents([a_config()], {"strict": withdrawn}, now_ms=99, changed_by="")
    assert (record.generation, record.created_at, record.withdrawn) == (5, 99, False)


def test_a_resource_is_published_with_its_revision_age_and_origin() -> None:
    resource = a_resource(revision=3)
    assert plan_resources([resource], {}) == [record_of(resource)]


def test_a_resource_that_is_published_is_not_published_again() -> None:
    resource = a_resource(revision=3)
    assert plan_resources([resource], {"strict": known(record_of(resource))}) == []


def test_an_edited_resource_is_published_with_its_new_revision() -> None:
    before = known(record_of(a_resource(revision=3)))
    edited = a_resource(revision=5, spec=OTHER)
    assert plan_resources([edited], {"strict": before}) == [record_of(edited)]


def test_a_listing_that_is_older_than_the_topic_changes_nothing() -> None:
    before = known(record_of(a_resource(revision=5, spec=OTHER)))
    assert plan_resources([a_resource(revision=3)], {"strict": before}) == []


def test_a_resource_of_a_name_that_another_had_gets_a_generation_above() -> None:
    before = known(record_of(a_resource(uid="first", revision=7)))
    again = a_resource(uid="second", created_at=2_000)
    assert plan_resources([again], {"strict": before}) == [record_of(again, generation=8)]


def test_one_made_again_within_the_second_is_another_one() -> None:
    before = known(record_of(a_resource(uid="first", revision=7)))
    again = a_resource(uid="second")
    assert plan_resources([again], {"strict": before}) == [record_of(again, generation=8)]


def test_what_stands_in_another_namespace_is_left_alone() -> None:
    there = {"strict": known(record_of(a_resource()))}
    assert plan_resources([], there, namespace="elsewhere") == []
    (withdrawn,) = plan_resources([], there, namespace=a_resource().namespace)
    assert withdrawn.withdrawn


def test_a_name_that_another_namespace_has_is_not_taken_from_it() -> None:
    there = {"strict": known(record_of(a_resource()))}
    other = a_resource(uid="other", namespace="elsewhere")
    assert plan_resources([other], there, namespace="elsewhere") == []


def test_one_made_again_by_a_clock_that_went_back_is_another_one() -> None:
    before = known(record_of(a_resource(uid="first", created_at=2_000)))
    again = a_resource(uid="second", created_at=1_000)
    assert plan_resources([again], {"strict": before}) == [record_of(again, generation=2)]


def test_a_resource_of_a_name_that_kafka_forgot_gets_a_generation_above() -> None:
    forgotten = KnownConfig(current=None, generation=7)
    again = a_resource(uid="second")
    assert plan_resources([again], {"strict": forgotten}) == [record_of(again, generation=8)]


def test_a_resource_takes_the_name_of_a_config_of_the_command_line() -> None:
    before = known(a_record(generation=2))
    resource = a_resource()
    assert plan_resources([resource], {"strict": before}) == [record_of(resource, generation=3)]


def test_a_resource_that_is_gone_is_withdrawn_with_the_next_generation() -> None:
    before = known(record_of(a_resource(revision=3)))
    (record,) = plan_resources([], {"strict": before})
    assert (record.name, record.generation, record.withdrawn) == ("strict", 4, True)
    assert record.changed_by == "deleted"


def test_what_is_withdrawn_or_forgotten_or_of_the_command_line_is_left_alone() -> None:
    origin = Origin(namespace="fraud", uid="x", revision=1)
    left = {
        "withdrawn": known(a_record("withdrawn", withdrawn=True, origin=origin)),
        "forgotten": KnownConfig(current=None, generation=3),
        "by-hand": known(a_record("by-hand")),
    }
    assert plan_resources([], left) == []


def test_a_resource_that_is_there_is_published_again_above_its_withdrawal() -> None:
    resource = a_resource(revision=3)
    gone = withdrawal(record_of(resource), 4, changed_by="deleted")
    (record,) = plan_resources([resource], {"strict": known(gone)})
    assert record == record_of(resource, generation=5)


def test_an_invalid_resource_leaves_in_force_what_its_name_had() -> None:
    before = known(record_of(a_resource(revision=3)))
    assert plan_resources([a_resource(revision=4, spec=None)], {"strict": before}) == []


def test_one_pass_makes_the_next_one_idle() -> None:
    resources = [a_resource("a"), a_resource("b", revision=4), a_resource("c", spec=None)]
    before = {"gone": known(record_of(a_resource("gone")))}
    published = plan_resources(resources, before)
    after = before | {record.name: known(record) for record in published}
    assert [record.name for record in published] == ["a", "b", "gone"]
    assert plan_resources(resources, after) == []


def test_a_withdrawal_keeps_age_and_origin_and_says_nothing_else() -> None:
    current = record_of(a_resource(revision=3, spec=OTHER))
    gone = withdrawal(current, 9, changed_by="jo@desk")
    assert (gone.generation, gone.withdrawn, gone.changed_by) == (9, True, "jo@desk")
    assert (gone.created_at, gone.origin) == (current.created_at, current.origin)
    assert gone.spec == DetectorConfigSpec()
