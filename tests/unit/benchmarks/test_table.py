import io

from benchmarks.arithmetic import Figures
from benchmarks.reference import Check
from benchmarks.table import Result, ratios, table_of, with_best_as
from rich.console import Console

_EQUAL = Check(expected=500, lost=0, wrong=0, duplicate=0)


def _result(name: str, *rates: float, checks: tuple[Check, ...] = (_EQUAL,)) -> Result:
    rounds = [
        Figures(
            tx_per_s=rate,
            cpu_us_per_tx=1e6 / rate,
            broker_cpu_us_per_tx=1,
            peak_rss_mb=rate,
            stolen_share=0.25,
        )
        for rate in rates
    ]
    return Result(name=name, guarantee="some", setup="any", rounds=rounds, checks=checks)


def _shown(*results: Result) -> str:
    file = io.StringIO()
    Console(file=file, width=160).print(table_of(results, title="t"))
    return file.getvalue()


def test_the_median_of_the_rounds_counts_and_the_highest_memory() -> None:
    line = _result("x", 100, 1_000, 120).as_json()

    assert (line["tx_per_s"], line["peak_rss_mb"]) == (120, 1_000)
    assert line["rounds_tx_per_s"] == [100, 1_000, 120]


def test_ratios_say_how_many_times_faster_cardwatch_is() -> None:
    assert ratios([_result("slow", 10), _result("cardwatch", 30)]) == {"slow": 3, "cardwatch": 1}
    assert ratios([_result("slow", 10)]) == {}


def test_a_contender_that_lost_alerts_cannot_hide_it() -> None:
    lossy = Check(expected=500, lost=7, wrong=0, duplicate=2)

    shown = _shown(_result("good", 10), _result("bad", 90, checks=(_EQUAL, lossy)))

    assert "500 equal" in shown
    assert "1,000: 7 lost, 0 wrong, 2 double" in shown


def test_a_contender_that_writes_no_alerts_says_nothing_of_them() -> None:
    assert "–" in _shown(_result("x", 10, checks=()))


def test_the_faster_of_two_modes_takes_the_name_that_is_compared() -> None:
    results = [_result("a_process", 10), _result("other", 99), _result("a_thread", 20)]

    named = with_best_as("a", ("a_process", "a_thread"), results)

    assert [(result.name, result.tx_per_s) for result in named] == [
        ("a_process", 10),
        ("other", 99),
        ("a", 20),
    ]
    assert with_best_as("a", ("a_process",), results[1:2]) == results[1:2]
