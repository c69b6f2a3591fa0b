from cardwatch_job.progress import Progress


def test_the_partition_that_is_furthest_behind_tells_the_time() -> None:
    progress = Progress(transactions_a_round=4)
    for partition, event_time in ((0, 900), (1, 100), (0, 950), (1, 90)):
        progress.note(partition, event_time)
    assert progress.slowest_ms == 100


def test_no_time_is_known_before_every_partition_had_its_turn() -> None:
    progress = Progress(transactions_a_round=4)
    for _ in range(3):
        progress.note(0, 900)
    assert progress.slowest_ms == 0


def test_a_partition_that_went_idle_does_not_hold_up_time() -> None:
    progress = Progress(transactions_a_round=2)
    for partition, event_time in ((0, 900), (1, 100), (0, 910), (0, 920), (0, 930), (0, 940)):
        progress.note(partition, event_time)
    assert progress.slowest_ms == 940
