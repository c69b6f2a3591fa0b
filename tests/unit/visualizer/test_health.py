"""Offsets, places and acknowledgements become words about each part."""

import pytest
from msgspec.structs import replace
from tests.unit.transactions import NOON_MS
from tests.unit.visualizer.test_configs_and_banks import ack, record

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    DEAD_LETTERS,
    DETECTOR_CONFIGS,
    FEEDBACK,
    JOB_GROUP,
    STATS,
    TRANSACTIONS,
)
from cardwatch_visualizer.live.health import HealthBoard, Place, TopicSeen, waiting
from cardwatch_visualizer.live.health_shapes import ConfigAcks, Health, Part, SubtaskAck
from cardwatch_visualizer.live.judging import ARCHIVE, NO_ARCHIVE
from cardwatch_visualizer.live.pace import Pace, Standstill
from cardwatch_visualizer.live.subtasks import MOST_CONFIGS, acks_of, behind_in, in_words
from cardwatch_visualizer.live.words import lasted, rate

NOW_MS = NOON_MS
SHOWN = (TRANSACTIONS, FEEDBACK, DETECTOR_CONFIGS, ALERTS, STATS, CARD_PROFILES, DEAD_LETTERS)


def seen(end: int, newest_at: int | None = NOW_MS) -> TopicSeen:
    return TopicSeen(begins={0: 0}, ends={0: end}, newest_at=newest_at)


def a_board(transactions: int = 1_000, *, judged: int = 990, at: int = NOW_MS) -> HealthBoard:
    board = HealthBoard()
    look(board, transactions, at)
    board.note_places(
        [
            Place(reader=JOB_GROUP, topic=TRANSACTIONS.name, offsets={0: judged}),
            Place(reader=ARCHIVE, topic=ALERTS.name, offsets={0: 49}),
        ],
        at,
    )
    return board


def look(board: HealthBoard, transactions: int, at: int) -> None:
    topics = {topic.name: seen(50, at) for topic in SHOWN}
    board.note_topics(topics | {TRANSACTIONS.name: seen(transactions, at)}, (), at)


def part(health: Health, name: str) -> Part:
    return next(each for each in health.parts if each.name == name)


def test_when_all_is_well_there_is_no_trouble() -> None:
    health = a_board().health([], NOW_MS)
    assert health.troubles == []
    states = {each.name: each.state for each in health.parts}
    assert states.pop("gateway") == "unknown", "nothing in Kafka tells how it is"
    assert set(states.values()) == {"well"}
    assert part(health, "job").figure == "10"


def test_rates_are_what_offsets_grow_by_and_what_was_read() -> None:
    board = a_board(1_000)
    for _ in range(30):
        board.count(ALERTS.name)
    board.count(FEEDBACK.name)
    look(board, 1_500, NOW_MS + 5_000)

    flows = {flow.name: flow for flow in board.health([], NOW_MS + 5_000).topics}

    assert flows[TRANSACTIONS.name].per_s == 100
    assert flows[ALERTS.name].per_s == 6, "each Kafka transaction has an offset of its own"
    assert flows[FEEDBACK.name].per_s == 0, "the collector does not read it"
    assert flows[TRANSACTIONS.name].kept == 1_500


def test_a_job_that_stands_still_while_transactions_wait_is_down() -> None:
    board = a_board(1_000, judged=900)
    board.note_places(
        [Place(reader=JOB_GROUP, topic=TRANSACTIONS.name, offsets={0: 900})], NOW_MS + 20_000
    )
    look(board, 1_000, NOW_MS + 20_000)

    health = board.health([], NOW_MS + 20_000)

    assert part(health, "job").state == "down"
    assert "job: has judged nothing for 20 s, and 100 transactions wait." in health.troubles


def test_a_job_with_nothing_to_judge_is_well_for_ever() -> None:
    board = a_board(1_000, judged=1_000)
    look(board, 1_000, NOW_MS + 50_000)
    board.note_places(
        [Place(reader=JOB_GROUP, topic=TRANSACTIONS.name, offsets={0: 1_000})], NOW_MS + 50_000
    )
    assert part(board.health([], NOW_MS + 50_000), "job").state == "well"


def test_a_job_far_behind_is_said_to_be_and_one_that_never_spoke_is_not_known() -> None:
    behind = part(a_board(50_000, judged=0).health([], NOW_MS), "job")
    assert (behind.state, behind.says) == ("warn", "is behind: 50,000 transactions wait")
    silent = HealthBoard()
    look(silent, 10, NOW_MS)
    assert part(silent.health([], NOW_MS), "job").state == "unknown"


def test_nobody_sending_is_said() -> None:
    board = a_board()
    health = board.health([], NOW_MS + 300_000)
    assert part(health, "senders").state == "warn"
    assert any("nobody has sent a transaction for 5 min" in each for each in health.troubles)


def test_a_look_that_is_old_is_said_to_be() -> None:
    health = a_board().health([], NOW_MS + 60_000)
    found = part(health, ALERTS.name)
    assert (found.state, found.says) == ("unknown", "looked at 60 s ago")
    assert health.troubles[0] == "What is said of Kafka is 60 s old."


def test_kafka_and_archive_away_are_said_once() -> None:
    board = a_board()
    board.note_away("Kafka", "does not answer (Connection refused)")
    board.note_away(ARCHIVE, "the archive does not answer (OperationalError)")
    health = board.health([], NOW_MS)
    assert part(health, ALERTS.name).state == "down"
    assert part(health, "senders").state == "unknown"
    assert part(health, ARCHIVE).state == "down"
    assert sum("Connection refused" in each for each in health.troubles) == 1
    board.note_away(ARCHIVE, None)
    look(board, 1_000, NOW_MS + 1_000)
    assert board.health([], NOW_MS + 1_000).troubles == []


def test_no_archive_is_no_trouble() -> None:
    board = HealthBoard()
    look(board, 10, NOW_MS)
    board.note_away(ARCHIVE, NO_ARCHIVE)
    health = board.health([], NOW_MS)
    assert part(health, ARCHIVE).state == part(health, "archiver").state == "unknown"
    assert health.troubles == []


def test_an_archive_that_stands_still_is_down() -> None:
    board = a_board()
    places = [Place(reader=ARCHIVE, topic=ALERTS.name, offsets={0: 10})]
    board.note_places(places, NOW_MS)
    board.note_places(places, NOW_MS + 90_000)
    found = part(board.health([], NOW_MS + 90_000), "archiver")
    assert found.state == "down"
    assert found.says == "has written nothing of alerts for 90 s, and 39 records wait"


def test_a_missing_topic_is_named() -> None:
    board = HealthBoard()
    board.note_topics({}, [ALERTS.name], NOW_MS)
    health = board.health([], NOW_MS)
    assert f"Kafka has no topic {ALERTS.name}." in health.troubles
    assert part(health, ALERTS.name).says == "the topic is missing"


def test_dead_letters_are_looked_at_while_they_come() -> None:
    board = a_board()
    board.count(DEAD_LETTERS.name)
    look(board, 1_000, NOW_MS + 2_000)
    found = part(board.health([], NOW_MS + 2_000), DEAD_LETTERS.name)
    assert (found.state, found.figure) == ("warn", "0.50/s")


def test_a_mark_at_the_end_of_a_transaction_is_no_record() -> None:
    topic = TopicSeen(begins={0: 0, 1: 5}, ends={0: 10, 1: 20}, newest_at=None)
    assert waiting(topic, {0: 9, 1: 19}, marked=True) == 0
    assert waiting(topic, {0: 9, 1: 19}, marked=False) == 2
    assert waiting(topic, {}, marked=False) == 25, "from the oldest that is kept"
    assert waiting(topic, {0: 50, 1: 3}, marked=False) == 15, "never less than none"


def test_subtasks_that_judge_by_another_generation_are_named() -> None:
    said = Acknowledgements()
    for subtask in (0, 1):
        said.add(ack("strict", 1, subtask))
    said.add(ack("strict", 2, 0))
    (told,) = acks_of([record("strict", 2)], said)
    assert told == ConfigAcks(
        name="strict",
        generation=2,
        withdrawn=False,
        subtasks=[SubtaskAck(generation=2, at=1_000), SubtaskAck(generation=1, at=1_001)],
    )
    assert behind_in(told) == [1]
    found = part(a_board().health([told], NOW_MS), DETECTOR_CONFIGS.name)
    assert found.state == "warn"
    assert found.says == "generation 2 of strict is not judged by in subtask 1"


def test_models_that_are_refused_are_told_with_why() -> None:
    said = Acknowledgements()
    said.add(ack("strict", 2, 0))
    said.add(replace(ack("strict", 2, 1), refused="no model july is published"))
    told = acks_of([record("strict", 2)], said)
    found = part(a_board().health(told, NOW_MS), DETECTOR_CONFIGS.name)
    assert found.state == "warn"
    assert found.says == "subtask 1: the models of strict are refused: no model july is published"


def test_many_subtasks_are_named_in_part() -> None:
    assert in_words([3]) == "subtask 3"
    assert in_words(range(10)) == "subtasks 0, 1, 2, 3, 4, 5, 6, 7 and 2 more"


def test_before_a_subtask_speaks_nothing_is_known() -> None:
    told = acks_of([record("strict", 2)], Acknowledgements())
    assert told[0].subtasks == []
    assert part(a_board().health(told, NOW_MS), DETECTOR_CONFIGS.name).state == "unknown"
    many = acks_of([record(f"c{n}", 1) for n in range(500)], Acknowledgements())
    assert len(many) == MOST_CONFIGS


def test_pace_is_that_of_the_last_ten_seconds() -> None:
    pace = Pace()
    assert pace.per_s() is None
    for second in range(60):
        pace.note(second * 100 if second < 30 else 3_000, second * 1_000)
    assert pace.per_s() == 0
    pace.note(10, 61_000)
    assert pace.per_s() is None, "it has begun anew"


def test_standing_still_counts_only_while_something_waits() -> None:
    still = Standstill()
    still.note(5, 0, 0)
    still.note(5, 3, 1_000)
    assert still.seconds(4_000) == 4
    still.note(6, 2, 5_000)
    assert still.seconds(5_000) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (8_000, "2 h"), (2e5, "2 days")],
)
def test_times_are_told_in_their_unit(seconds: float, words: str) -> None:
    assert lasted(seconds) == words


@pytest.mark.parametrize(
    ("per_s", "words"),
    [(None, ""), (0.0, "0/s"), (0.125, "0.12/s"), (52.14, "52.1/s"), (12_345.6, "12,346/s")],
)
def test_rates_are_told_as_exactly_as_is_of_use(per_s: float | None, words: str) -> None:
    assert rate(per_s) == words
