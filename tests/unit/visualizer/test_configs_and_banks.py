from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord
from cardwatch_contracts.stats import TransactionStats
from cardwatch_visualizer.live.banks import BankRates
from cardwatch_visualizer.live.configs import Configs


def record(name: str, generation: int) -> ConfigRecord:
    return ConfigRecord(name=name, generation=generation, created_at=0)


def ack(
    name: str, generation: int, subtask: int, run: str = "r1", started_at: int = 1
) -> ConfigAck:
    return ConfigAck(
        name=name,
        generation=generation,
        subtask=subtask,
        parallelism=2,
        applied_at=1_000 + subtask,
        run=run,
        started_at=started_at,
    )


def test_a_config_is_in_force_when_every_subtask_has_acknowledged_it() -> None:
    configs = Configs()
    configs.put(record("strict", 2))
    configs.acknowledge(ack("strict", 2, 0))
    (half,) = configs.in_force()
    configs.acknowledge(ack("strict", 2, 1))
    (whole,) = configs.in_force()

    assert (half.acknowledged, half.subtasks, half.in_force_at) == (1, 2, 0)
    assert (whole.acknowledged, whole.subtasks, whole.in_force_at) == (2, 2, 1_001)


def test_the_highest_generation_counts_whatever_the_order() -> None:
    configs = Configs()
    configs.put(record("strict", 3))
    configs.put(record("strict", 2))

    assert [config.generation for config in configs.in_force()] == [3]


def test_a_run_that_is_over_has_acknowledged_nothing() -> None:
    configs = Configs()
    configs.put(record("strict", 2))
    configs.acknowledge(ack("strict", 2, 0))
    configs.acknowledge(ack("strict", 2, 1))
    configs.acknowledge(ack("strict", 2, 1, run="r2", started_at=2))

    (config,) = configs.in_force()

    assert (config.acknowledged, config.in_force_at) == (1, 0)


def test_a_tombstone_takes_a_config_away() -> None:
    configs = Configs()
    configs.put(record("strict", 2))
    configs.forget("strict")

    assert configs.changed
    assert configs.in_force() == []
    assert not configs.changed


def stats(start_s: int, name: str, count: int, currency: str = "EUR") -> TransactionStats:
    return TransactionStats(
        window_start=start_s * 1000,
        window_end=start_s * 1000 + 10_000,
        dimension="bank",
        name=name,
        currency=currency,
        count=count,
        sum_minor=1,
        min_minor=1,
        max_minor=1,
        average_minor=1.0,
    )


def test_the_newest_closed_window_is_told_and_currencies_are_added() -> None:
    rates = BankRates()
    for each in (stats(0, "A", 5), stats(0, "A", 10), stats(0, "A", 2, "CHF"), stats(0, "B", 50)):
        rates.put(each)
    rates.put(stats(10, "A", 1))

    assert [(bank.name, bank.per_s) for bank in rates.rates()] == [("B", 5.0), ("A", 1.2)]


def test_windows_before_the_last_two_are_forgotten() -> None:
    rates = BankRates()
    for start in (0, 10, 20):
        rates.put(stats(start, f"bank-{start}", 10))
    rates.put(stats(0, "late", 10))

    assert [bank.name for bank in rates.rates()] == ["bank-10"]
