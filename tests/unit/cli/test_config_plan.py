from cardwatch_contracts.detector_config import (
    ConfigAck,
    ConfigRecord,
    DetectorConfig,
    parse_detector_config,
)
from cardwatch_local.configs.plan import Acknowledgements, KnownConfig, plan


def a_config(name: str = "strict", factor: float = 5) -> DetectorConfig:
    return parse_detector_config(
        {
            "apiVersion": "cardwatch.dev/v1alpha1",
            "kind": "DetectorConfig",
            "metadata": {"name": name},
            "spec": {"detectors": {"amountSpike": {"factor": factor}}},
        }
    )


def in_force(config: DetectorConfig, generation: int = 3) -> KnownConfig:
    record = ConfigRecord(
        name=config.metadata.name, generation=generation, created_at=50, spec=config.spec
    )
    return KnownConfig(current=record, generation=generation)


def test_a_new_config_begins_with_generation_one() -> None:
    (record,), unchanged = plan([a_config()], {}, now_ms=99)
    assert (record.name, record.generation, record.created_at) == ("strict", 1, 99)
    assert unchanged == []


def test_a_changed_config_gets_the_next_generation_and_keeps_its_age() -> None:
    (record,), _ = plan([a_config(factor=7)], {"strict": in_force(a_config())}, now_ms=99)
    assert (record.generation, record.created_at) == (4, 50)


def test_an_unchanged_config_is_not_published() -> None:
    known = in_force(a_config())
    assert plan([a_config()], {"strict": known}, now_ms=99) == ([], [known.current])


def test_a_withdrawn_config_comes_back_above_its_last_generation() -> None:
    withdrawn = KnownConfig(current=None, generation=3)
    (record,), _ = plan([a_config()], {"strict": withdrawn}, now_ms=99)
    assert (record.generation, record.created_at) == (4, 99)


def acks(*subtasks: int, parallelism: int = 2, generation: int = 1) -> Acknowledgements:
    (record,), _ = plan([a_config()], {}, now_ms=99)
    collected = Acknowledgements(record)
    for at, subtask in enumerate(subtasks):
        collected.add(
            ConfigAck(
                name="strict",
                generation=generation,
                subtask=subtask,
                parallelism=parallelism,
                applied_at=at,
            )
        )
    return collected


def test_a_config_is_applied_when_every_subtask_has_acknowledged() -> None:
    assert acks(0, 1).complete
    assert acks(1, 0, 0).complete


def test_a_subtask_that_is_silent_is_missing() -> None:
    assert acks(1).missing == (0,)
    assert not acks(1).complete


def test_without_any_acknowledgement_nothing_is_known_of_the_job() -> None:
    assert acks().parallelism is None
    assert not acks().complete


def test_acknowledgements_of_another_generation_do_not_count() -> None:
    assert acks(0, 1, generation=2).parallelism is None


def test_after_a_rescale_the_newest_parallelism_counts() -> None:
    collected = acks(0, 1, 2, 3, parallelism=4)
    collected.add(ConfigAck(name="strict", generation=1, subtask=0, parallelism=1, applied_at=9))
    assert collected.parallelism == 1
    assert collected.complete
