"""Puts the archiver's parts together from its settings."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread

from valkey import Valkey

from cardwatch_archiver.archive import Sink, TopicArchiver
from cardwatch_archiver.database import Connection
from cardwatch_archiver.housekeeping import Housekeeper
from cardwatch_archiver.kafka import TopicReader
from cardwatch_archiver.metrics import ArchiverMetrics, TopicMetrics
from cardwatch_archiver.parts import Part
from cardwatch_archiver.profile_sink import ProfileSink
from cardwatch_archiver.profiles import ProfileStore
from cardwatch_archiver.schema import Schema
from cardwatch_archiver.settings import ArchiverSettings, Pace
from cardwatch_archiver.table_sink import TableSink
from cardwatch_archiver.tables import TABLES, Table
from cardwatch_archiver.tracing import TracedSink
from cardwatch_contracts.database_settings import Database
from cardwatch_contracts.span_export import Exporter
from cardwatch_contracts.topics import ALERTS


@contextmanager
def assemble(
    settings: ArchiverSettings,
    *,
    stop: Event,
    metrics: ArchiverMetrics,
    exporter: Exporter | None = None,
) -> Iterator[list[Part]]:
    """Give the parts that the settings ask for; connections are closed at the block's end.

    `exporter` takes the spans of alerts that are archived; None: nobody does.
    """
    with ExitStack() as closing:
        parts = []
        if settings.valkey_url is not None:
            client = Valkey.from_url(
                settings.valkey_url,
                socket_timeout=settings.valkey_timeout_s,
                socket_connect_timeout=settings.valkey_timeout_s,
            )
            closing.callback(client.close)
            sink = ProfileSink(ProfileStore(client))
            way = _Way(settings, settings.profiles_pace, stop)
            parts.append(way.part(settings.topic, lambda: sink, metrics.profiles))
        if settings.database is not None:
            parts += _tables(settings, settings.database, stop, metrics, exporter)
        yield parts


def _tables(
    settings: ArchiverSettings,
    database: Database,
    stop: Event,
    metrics: ArchiverMetrics,
    exporter: Exporter | None,
) -> list[Part]:
    """Return a part for each table, and look after their days besides."""
    schema = Schema()

    def connection() -> Connection:
        return Connection(database, timeout_s=settings.database_timeout_s)

    def sink_of(table: Table) -> Callable[[], Sink]:
        def make() -> Sink:
            sink = TableSink(table, connection(), schema, settings.retention)
            if exporter is None or table.topic != ALERTS.name:
                return sink
            return TracedSink(sink, exporter)

        return make

    housekeeper = Housekeeper(connection(), schema, settings.retention, metrics, stop=stop)
    # No part: as long as nothing can be written, nothing needs to be tidied.
    Thread(target=housekeeper.run, daemon=True).start()
    way = _Way(settings, settings.database_pace, stop)
    return [way.part(table.topic, sink_of(table), metrics.of(table)) for table in TABLES]


class _Way:
    """How topics get into a store."""

    def __init__(self, settings: ArchiverSettings, pace: Pace, stop: Event) -> None:
        self._settings = settings
        self._pace = pace
        self._stop = stop

    def part(self, topic: str, sink: Callable[[], Sink], metrics: TopicMetrics) -> Part:
        """Return what writes a topic into a sink, which is made anew at each start."""

        def run(at_work: Callable[[], None]) -> None:
            reader = TopicReader(
                self._settings.bootstrap_servers,
                topic,
                stop=self._stop,
                start_timeout_s=self._settings.kafka_start_timeout_s,
            )
            to = sink()
            try:
                at_work()
                TopicArchiver(reader, to, self._pace, stop=self._stop, metrics=metrics).run()
            finally:
                reader.close()
                to.close()

        return Part(name=topic, run=run)
