import time
from typing import Any

import pytest
from tests.unit.job.jvm_side import Reader, read_results, write_section
from tests.unit.transactions import NOON_MS, encoded_transaction

from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    VeryHighValueConfig,
    decode_config_ack,
)
from cardwatch_contracts.topics import ALERTS, CONFIG_ACKS, DETECTOR_CONFIGS
from cardwatch_job.scoring import ScoreUsers


def _scorer(*configs: bytes, out_of_orderness_ms: int = 0) -> ScoreUsers:
    return ScoreUsers(
        configs, subtask=1, parallelism=2, run="a", out_of_orderness_ms=out_of_orderness_ms
    )


def _config(generation: int, max_amount_minor: int) -> bytes:
    detectors = Detectors(very_high_value=VeryHighValueConfig(max_amount_minor=max_amount_minor))
    spec = DetectorConfigSpec(detectors=detectors)
    return encode(ConfigRecord(name="high", generation=generation, created_at=0, spec=spec))


def _told(scorer: ScoreUsers, key: bytes | None, value: bytes | None) -> bytes:
    return scorer.tell(DETECTOR_CONFIGS.name, key, value)


def _section(users: dict[str, bytes] | None, **changes: Any) -> bytes:
    value = encoded_transaction(**changes)
    return write_section(7, [(b"user-1", value, NOON_MS)], users)


def test_memories_come_with_a_checkpoint_and_sums_once_a_tick() -> None:
    scorer = _scorer()
    judged = read_results(scorer.judge(_section({})))
    assert (judged.counts, judged.memories, judged.sums) == ({"judged": 1}, {}, 0)
    assert read_results(scorer.add_up()).sums > 0
    report = read_results(scorer.prepare_checkpoint())
    assert (list(report.memories[7]), report.sums) == (["user-1"], 0)
    assert read_results(scorer.prepare_checkpoint()).memories == {}


def test_what_one_remembers_another_goes_on_with() -> None:
    scorer = _scorer()
    scorer.judge(_section({}))
    memories = read_results(scorer.prepare_checkpoint()).memories[7]
    kept = {user: memory for user, memory in memories.items() if memory is not None}
    again = _section(kept)
    assert read_results(_scorer().judge(again)).counts == {"duplicates": 1}


def test_a_config_is_acknowledged_and_judges_the_next_piece() -> None:
    scorer = _scorer()
    answer = read_results(_told(scorer, b"high", _config(3, 1_000)))
    assert [(topic, key) for topic, key, _ in answer.records] == [(CONFIG_ACKS.name, b"high/1")]
    judged = read_results(scorer.judge(_section({}, amount_minor=2_000)))
    alerts = [decode_alert(value) for topic, _, value in judged.records if topic == ALERTS.name]
    assert [(alert.config, alert.generation) for alert in alerts] == [("high", 3)]


def test_configs_in_force_are_kept_and_acknowledged_again_after_a_restart() -> None:
    before = _scorer()
    _told(before, b"high", _config(3, 1_000))
    reader = Reader(before.configs())
    assert (reader.number(), reader.sized()) == (1, b"high/3")
    record = reader.sized()
    assert record is not None
    after = _scorer(record)
    assert [topic for topic, _, _ in read_results(after.add_up()).records] == [CONFIG_ACKS.name]
    assert after.configs() == before.configs()


def test_an_acknowledgement_says_of_which_run_and_since_when_the_subtask_is() -> None:
    before_ms = time.time_ns() // 1_000_000
    scorer = _scorer(_config(3, 1_000))
    answers = read_results(scorer.add_up()).records
    answers += read_results(_told(scorer, b"high", _config(4, 2_000))).records
    first, second = (decode_config_ack(value) for _, _, value in answers)
    assert (first.run, first.subtask, first.parallelism) == ("a", 1, 2)
    assert (first.generation, second.generation) == (3, 4)
    assert before_ms <= first.started_at <= first.applied_at
    assert (second.run, second.started_at) == (first.run, first.started_at)


def test_a_config_that_is_withdrawn_is_acknowledged_and_judges_no_more() -> None:
    scorer = _scorer(_config(3, 1_000))
    scorer.add_up()
    gone = encode(ConfigRecord(name="high", generation=4, created_at=0, withdrawn=True))
    ((_, key, value),) = read_results(_told(scorer, b"high", gone)).records
    assert (key, decode_config_ack(value).generation) == (b"high/1", 4)
    judged = read_results(scorer.judge(_section({}, amount_minor=2_000)))
    assert [topic for topic, _, _ in judged.records if topic == ALERTS.name] == []
    reader = Reader(scorer.configs())
    assert (reader.number(), reader.sized()) == (1, b"high/4")
    assert read_results(_told(scorer, b"high", _config(3, 1_000))).records == []


def test_a_config_that_is_forgotten_judges_no_more() -> None:
    scorer = _scorer(_config(3, 1_000))
    _told(scorer, b"high", None)
    assert Reader(scorer.configs()).number() == 0


def test_a_config_that_is_wrong_changes_nothing_and_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scorer = _scorer(_config(3, 1_000))
    scorer.add_up()
    assert read_results(_told(scorer, b"high", b'{"name": 1}')).records == []
    assert scorer.configs() == _scorer(_config(3, 1_000)).configs()
    assert "config high stays as it was" in caplog.text


@pytest.mark.parametrize("value", [None, b"{}"])
def test_a_record_without_a_key_on_the_configs_topic_ends_nothing(value: bytes | None) -> None:
    scorer = _scorer(_config(3, 1_000))
    scorer.add_up()
    assert read_results(_told(scorer, None, value)).records == []
    assert scorer.configs() == _scorer(_config(3, 1_000)).configs()
