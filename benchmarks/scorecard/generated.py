"""A simulated stream with known scenarios through the running job."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from benchmarks.scorecard.configs import put_in_force
from benchmarks.scorecard.figures import Detected, Share
from benchmarks.scorecard.job import job_running
from benchmarks.settings import Method
from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.detector_config import (
    API_VERSION,
    ON_BY_DEFAULT,
    DetectorConfig,
    DetectorConfigSpec,
    Metadata,
    Model,
)
from cardwatch_contracts.topics import ALERTS
from cardwatch_generator.banks import BANK_A, BANK_B
from cardwatch_generator.cardholder import build_population
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.publish import KafkaSettings, KafkaSink
from cardwatch_generator.run import run_generator, seed_cards
from cardwatch_generator.settings import SCENARIOS, GeneratorSettings
from cardwatch_job.model.artefact import Artefact
from cardwatch_local.demo.drain import Drain
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.offsets import OffsetReader
from cardwatch_local.reading.topic import read_topic, value_of

START_MS: Final = 1_735_689_600_000
"""Event time of the first transaction: 2025-01-01T00:00:00Z."""
CARDS: Final = 20_000
_TPS: Final = 50.0
"""A card pays every seven minutes: busier than life, with room for believable gaps."""
_TIMEOUT_S: Final = 600.0
_LINGER_MS: Final = 50.0
_STEP: Final = "the generated stream through the job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What came of a generated stream."""

    transactions: int
    labelled: int
    """Of a scenario."""
    tx_per_s: float
    detectors: Mapping[str, Detected] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the counts for a report; the detectors stand elsewhere in it."""
        return {
            "transactions": self.transactions,
            "labelled": self.labelled,
            "tx_per_s": round(self.tx_per_s),
        }


def settings_of(*, seed: int, transactions: int) -> GeneratorSettings:
    """Return the settings of a stream in which every scenario occurs, all alike often."""
    banks = (BANK_A, BANK_B)
    share = _TPS / sum(bank.tps for bank in banks)
    return GeneratorSettings(
        seed=seed,
        banks=tuple(msgspec.structs.replace(bank, tps=bank.tps * share) for bank in banks),
        cards=CARDS,
        holidays=False,
        start_ms=START_MS,
        duration_s=transactions / _TPS,
        pace="max",
    )


def run_generated(
    settings: GeneratorSettings, method: Method, listener: StepListener, model: Artefact | None
) -> Generated:
    """Have a generated stream judged by the job, all cards' past first.

    All rules judge with their defaults, and so does `model`, where there is one.

    Raises:
        BenchError: the job refuses the model.
        StackError: Kafka or the job does not start, or the job does not keep up.
        PublishError: Kafka did not take a record.
    """
    listener.started(_STEP, None)
    with job_running(method) as job:
        if model is not None:
            put_in_force(job.bootstrap_servers, [_config_with(model)], [model])
        population = build_population(settings)
        sink = KafkaSink(
            KafkaSettings(bootstrap_servers=job.bootstrap_servers, linger_ms=_LINGER_MS)
        )
        drain = Drain(job.bootstrap_servers, OffsetReader(job.bootstrap_servers))
        try:
            seed_cards(settings, sink=sink, start_ms=START_MS, population=population)
            drain.wait(timeout_s=_TIMEOUT_S)
            began_s = time.monotonic()
            counts = run_generator(settings, sink=sink, clock=SystemClock(), population=population)
        finally:
            sink.close()
        drain.wait(timeout_s=_TIMEOUT_S, between=job.check)
        seconds = time.monotonic() - began_s
        alerts = [
            alert
            for message in read_topic(job.bootstrap_servers, ALERTS)
            if (alert := decode_alert(value_of(message))).transaction.event_time >= START_MS
        ]
    listener.finished(_STEP)
    return Generated(
        transactions=counts.sent,
        labelled=sum(counts.by_label.values()),
        tx_per_s=counts.sent / seconds,
        detectors=detected(alerts, counts.by_label),
    )


def _config_with(model: Artefact) -> DetectorConfig:
    asked_for = Model(name=model.name, hash=model.hash)
    return DetectorConfig(
        api_version=API_VERSION,
        metadata=Metadata(name="scorecard"),
        spec=DetectorConfigSpec(model=asked_for),
    )


def detected(alerts: Iterable[Alert], labelled: Mapping[str, int]) -> dict[str, Detected]:
    """Hold findings against labels.

    Args:
        alerts: One for each suspicious transaction.
        labelled: How many transactions there are of each scenario.
    """
    findings: Counter[str] = Counter()
    on_any: Counter[str] = Counter()
    on_own: Counter[str] = Counter()
    for alert in alerts:
        label = alert.transaction.label
        for name in {finding.detector for finding in alert.findings}:
            findings[name] += 1
            on_any[name] += label is not None
            on_own[name] += label == name
    of_all = sum(labelled.values())
    found = {}
    for name in (*ON_BY_DEFAULT, *sorted(findings.keys() - set(ON_BY_DEFAULT))):
        is_rule = name in SCENARIOS
        caught, there_are = (
            (on_own[name], labelled.get(name, 0)) if is_rule else (on_any[name], of_all)
        )
        found[name] = Detected(
            precision=Share(part=on_any[name], whole=findings[name]),
            own=Share(part=caught, whole=findings[name]),
            recall=Share(part=caught, whole=there_are),
        )
    return found
