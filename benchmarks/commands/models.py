"""`models`: a job at full load with and without a model, and new models while it runs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Annotated, Any, Final

import typer
from msgspec.structs import replace

from benchmarks.arithmetic import Figures, figures
from benchmarks.commands.options import Cards, CommitIntervalS, Report, Seed, Transactions, WarmUpS
from benchmarks.contenders import CARDWATCH
from benchmarks.errors import BenchError
from benchmarks.filled import filled
from benchmarks.hot_update import Updater
from benchmarks.latency import Spread
from benchmarks.measure import Running, running
from benchmarks.reporting import say, write_report
from benchmarks.scorecard.generated import settings_of
from benchmarks.scorecard.generated_model import model_for
from benchmarks.settings import Method, Stream
from benchmarks.stand import Stand
from cardwatch_contracts.detector_config import DetectorConfigSpec
from cardwatch_job.model.artefact import Artefact, seal
from cardwatch_local.progress import SilentListener

EXAMPLES: Final = (
    "python -m benchmarks models",
    "python -m benchmarks models --swaps 20 --transactions 6000000 --report models.json",
)
_PHASE_S: Final = 4.0
"""A whole number of checkpoints, each of which takes its time."""
_SETTLING_S: Final = 1.0
_TRAINED_ON: Final = 40_000
"""Transactions that the model learns from, of a stream like the one that is judged."""


@dataclass(slots=True)
class _Seen:
    """What was measured in turns."""

    swap_ms: list[float] = field(default_factory=list)
    with_model: list[Figures] = field(default_factory=list)
    rules_alone: list[Figures] = field(default_factory=list)


def models(
    *,
    swaps: Annotated[int, typer.Option(min=1, help="How often another model comes.")] = 20,
    transactions: Transactions = 20_000_000,
    cards: Cards = 100_000,
    warm_up_s: WarmUpS = 40.0,
    commit_interval_s: CommitIntervalS = 1.0,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Measure what a model costs, and how long until every subtask judges with a new one."""
    method = Method(commit_interval_s=commit_interval_s, warm_up_s=warm_up_s)
    model = model_for(settings_of(seed=seed, transactions=_TRAINED_ON), SilentListener())
    with filled(Stream(transactions=transactions, cards=cards, seed=seed)) as stand:
        write_report(report, {"models": measure_models(stand, method, model, swaps)})


def measure_models(stand: Stand, method: Method, model: Artefact, swaps: int) -> dict[str, Any]:
    """Put models in force and take them out again while the job is busy with the filled topic.

    The model says nothing of any transaction: what is compared is what asking it costs.
    """
    seen = _Seen()
    with running(stand, CARDWATCH, method) as current:
        updater = Updater(stand.bootstrap_servers, method.parallelism)
        try:
            updater.swap(_version(model, 0))  # the compilers see both ways
            current.watch_until(lambda _: False, method.warm_up_s)
            for number in range(1, swaps + 1):
                seen.swap_ms.append(updater.swap(_version(model, number)))
                seen.with_model.append(_phase(current))
                updater.put(DetectorConfigSpec())
                seen.rules_alone.append(_phase(current))
        except BenchError:
            if not seen.rules_alone:
                raise
            say(f"the topic ended after {len(seen.rules_alone)} of {swaps} swaps")
        finally:
            updater.close()
    return _told(seen, method)


def _phase(current: Running) -> Figures:
    current.watch_until(lambda _: False, _SETTLING_S)
    start_s = time.monotonic()
    current.watch_until(lambda _: False, _PHASE_S)
    end_s = time.monotonic()
    current.watch_until(lambda _: False, _SETTLING_S)
    return figures(current.samples, start_s, end_s)


def _version(model: Artefact, number: int) -> Artefact:
    """Return the model as another one, with a threshold that nothing reaches."""
    return seal(replace(model, threshold=1.0, metrics={"version": float(number)}))


def _told(seen: _Seen, method: Method) -> dict[str, Any]:
    spread = Spread.of(seen.swap_ms)
    rules, both = (_middle(each) for each in (seen.rules_alone, seen.with_model))
    say(f"a new model in force everywhere, published and acknowledged by its hash, {spread}")
    say(f"rules alone {rules[0]:,.0f} tx/s, {rules[1]:.1f} us of CPU each")
    say(f"with a model {both[0]:,.0f} tx/s, {both[1]:.1f} us of CPU each")
    return {
        "swap": spread.as_json(),
        "subtasks": method.parallelism,
        "rules_alone": {"tx_per_s": round(rules[0]), "cpu_us_per_tx": round(rules[1], 2)},
        "with_model": {"tx_per_s": round(both[0]), "cpu_us_per_tx": round(both[1], 2)},
    }


def _middle(phases: Sequence[Figures]) -> tuple[float, float]:
    return (
        median(each.tx_per_s for each in phases),
        median(each.cpu_us_per_tx for each in phases),
    )
