"""Reads what happens and writes ticks of it, as long as no other collector does."""

import logging
from contextlib import suppress
from threading import Event
from time import monotonic
from typing import Final

from confluent_kafka import KafkaException, Message

from cardwatch_contracts.alert import Alert
from cardwatch_contracts.span_export import Exporter
from cardwatch_visualizer.archive.connection import Archive
from cardwatch_visualizer.live.board import LiveBoard
from cardwatch_visualizer.live.health_watch import HealthWatch
from cardwatch_visualizer.live.kept import KeptWriter
from cardwatch_visualizer.live.model_shapes import KeptModels
from cardwatch_visualizer.live.reading import RecordReader, now_ms
from cardwatch_visualizer.live.shapes import AlertRow, Source, Tick
from cardwatch_visualizer.live.store import (
    LEASE_MS,
    StoreAwayError,
    TickReader,
    TickWriter,
    valkey_client,
)
from cardwatch_visualizer.live.topics import LiveTopics
from cardwatch_visualizer.live.tracing import ShownAlerts
from cardwatch_visualizer.live.watching import FlowWatch, TravelWatch, Updates
from cardwatch_visualizer.metrics import CollectorMetrics
from cardwatch_visualizer.settings import VisualizerSettings

_log = logging.getLogger(__name__)

_STANDBY_S: Final = 1.0
_AGAIN_S: Final = 2.0
_SNAPSHOT_EVERY_MS: Final = 1_000
_MODELS_EVERY_MS: Final = 5_000
"""Subtasks speak of their models every ten seconds."""
_RENEW_S: Final = LEASE_MS / 1000 / 3


class Collector:
    """One collector. Of several, one works and the others stand by.

    Args:
        settings: what it reads and where it writes.
        stop: set from outside to end it.
        metrics: what is counted.
        exporter: takes spans of alerts that are shown; None: nobody does.
    """

    def __init__(
        self,
        settings: VisualizerSettings,
        stop: Event,
        metrics: CollectorMetrics,
        exporter: Exporter | None = None,
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._metrics = metrics
        self._exporter = exporter
        self._shown = ShownAlerts(exporter)
        client = valkey_client(settings.valkey_url, most_connections=4)
        self._writer = TickWriter(client)
        self._reader = TickReader(client)
        self._kept = KeptWriter(client)
        self._renewed_s = 0.0
        self._away_since = 0

    def run(self) -> None:
        """Work or stand by until `stop` is set."""
        standing_by = False
        while not self._stop.is_set():
            try:
                if self._lead():
                    standing_by = False
                    self._work()
                    continue
                if not standing_by:
                    _log.info("another collector is at work; standing by")
                standing_by = True
            except StoreAwayError as error:
                _log.warning("Valkey does not answer, trying again: %s", error)
            except KafkaException as error:
                _log.warning("Kafka cannot be read, trying again: %s", error.args[0])
                self._tell(f"cannot be read: {error.args[0]}")
            self._stop.wait(_AGAIN_S if not standing_by else _STANDBY_S)
        self._writer.release()

    def _tell(self, trouble: str) -> None:
        """Tell browsers why nothing comes, as far as Valkey answers."""
        at = now_ms()
        self._away_since = self._away_since or at
        source = Source(name="Kafka", ok=False, since=self._away_since, why=trouble)
        with suppress(StoreAwayError):
            self._writer.write(Tick(at=at, sources=[source]), None)

    def _lead(self) -> bool:
        leads = self._writer.lead()
        self._renewed_s = monotonic()
        return leads

    def _work(self) -> None:
        """Collect from the start, until it is stopped or another collector has taken over.

        Raises:
            StoreAwayError: Valkey does not answer.
            KafkaException: Kafka does not answer.
        """
        board = LiveBoard()
        old = self._reader.board()
        if old is not None:
            board.restore(old.seconds)
        archive = Archive(self._settings.database, most_connections=1, statement_ms=1_000)
        updates = Updates()
        flow = FlowWatch(self._settings.bootstrap_servers, updates)
        travels = TravelWatch(archive, updates)
        known = archive if self._settings.database is not None else None
        health = HealthWatch(self._settings.bootstrap_servers, known, updates)
        since_ms = now_ms()
        topics = LiveTopics(self._settings.bootstrap_servers, since_ms)
        self._away_since = 0

        def note(alert: Alert, message: Message, row: AlertRow) -> None:
            travels.ask(row)
            self._shown.take(alert, message)

        reader = RecordReader(board, since_ms=since_ms, on_new=note)
        archive.open()
        try:
            for watch in (flow, travels, health):
                watch.start()
            _log.info("collecting")
            self._tick_on(board, topics, reader, updates)
        finally:
            self._metrics.models.note(KeptModels(), {})  # whoever takes over knows better
            for watch in (flow, travels, health):
                watch.end()
            topics.close()
            archive.close()

    def _tick_on(
        self, board: LiveBoard, topics: LiveTopics, reader: RecordReader, updates: Updates
    ) -> None:
        tick_s = self._settings.tick_ms / 1000
        next_s = monotonic() + tick_s
        snapshot_ms = models_ms = 0
        while not self._stop.is_set():
            messages = topics.take(max(0.0, min(next_s - monotonic(), tick_s)))
            reader.read(messages)
            if monotonic() < next_s:
                continue
            next_s = max(next_s + tick_s, monotonic())
            if monotonic() - self._renewed_s >= _RENEW_S and not self._lead():
                _log.warning("another collector has taken over")
                return
            updates.apply(board)
            at = now_ms()
            if topics.errors.has_any:
                board.set_source("Kafka", topics.errors.cause(), at)
            tick = board.tick(at)
            snapshot = None
            if at - snapshot_ms >= _SNAPSHOT_EVERY_MS:
                snapshot_ms, snapshot = at, board.snapshot(at)
            self._writer.write(tick, snapshot)
            self._kept.write(board.generations, at)
            if at - models_ms >= _MODELS_EVERY_MS:
                models_ms = at
                self._tell_of_models(board, at)
            self._shown.written()
            dropped = 0 if self._exporter is None else self._exporter.take_dropped()
            self._metrics.note(tick, alerts=reader.alerts, dropped_spans=dropped)

    def _tell_of_models(self, board: LiveBoard, at: int) -> None:
        models = board.kept_models(at)
        self._kept.write_models(models)
        self._metrics.models.note(models, board.models.scored)
