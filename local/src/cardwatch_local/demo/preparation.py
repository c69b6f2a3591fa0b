"""What comes before the live phase: a clean start, and cards with a past."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager

from cardwatch_contracts.span_export import Exporter
from cardwatch_generator.cardholder import Population
from cardwatch_generator.clock import SystemClock
from cardwatch_generator.publish import KafkaSettings, KafkaSink, PublishError
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.leftovers import end_leftovers
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.cards import ProfileReader
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack_lock import StackLock
from cardwatch_local.traffic.seeding import seed_cards, stream_history
from cardwatch_operator.flink_rest import FlinkRest


def prepare_cards(
    generator: GeneratorSettings,
    population: Population,
    endpoints: Endpoints,
    steps: StepListener,
) -> None:
    """Publish the cards and their past; return when the job has judged all of it.

    Raises:
        StackError: It does not get there.
    """
    why = FlinkRest(endpoints.flink_url or "").root_exception
    with kafka_sink(endpoints) as sink, closing(ProfileReader(endpoints.valkey_url)) as profiles:
        seed_cards(population, sink=sink, profiles=profiles, steps=steps, why_stuck=why)
        stream_history(
            generator,
            population,
            start_ms=SystemClock().now_ms(),
            sink=sink,
            profiles=profiles,
            steps=steps,
            why_stuck=why,
        )


def forget_last_run(settings: StackSettings) -> None:
    """Remove what an earlier demo left: its data, and its servers if it was killed.

    Raises:
        StackError: A demo is running.
    """
    lock = StackLock(settings.stack_dir)
    lock.acquire()
    try:
        end_leftovers(settings.stack_dir)
        shutil.rmtree(settings.data_dir, ignore_errors=True)
        shutil.rmtree(settings.traces_dir, ignore_errors=True)
    finally:
        lock.release()


@contextmanager
def kafka_sink(endpoints: Endpoints, *, exporter: Exporter | None = None) -> Iterator[KafkaSink]:
    """Yield a producer; what it could not deliver is a StackError."""
    try:
        sink = KafkaSink(
            KafkaSettings(bootstrap_servers=endpoints.bootstrap_servers), exporter=exporter
        )
        try:
            yield sink
        finally:
            sink.close()
    except PublishError as error:
        raise StackError(str(error)) from None
