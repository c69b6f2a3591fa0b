"""Threads beside the collector, which wait for Kafka and the archive in its place."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic
from typing import Final

from confluent_kafka import KafkaException

from cardwatch_contracts.kafka_settings import Kafka
from cardwatch_visualizer.archive.connection import Archive, ArchiveAwayError
from cardwatch_visualizer.archive.journeys import TRAVELS, arc_of
from cardwatch_visualizer.live.board import LiveBoard
from cardwatch_visualizer.live.flow import Ends, Flow, behind
from cardwatch_visualizer.live.reading import now_ms
from cardwatch_visualizer.live.shapes import AlertRow

Update = Callable[[LiveBoard], None]
"""Something that a thread has found out, to be noted on the board by who owns it."""

_EVERY_S: Final = 0.5
_SAMPLE_EVERY: Final = 2
_AGAIN_S: Final = 2.0
_SILENT_S: Final = 15.0
"""So long after its last word the job is said to be silent, if there is anything to judge."""
_MOST_UPDATES: Final = 500
_MOST_TRAVELS: Final = 50


class Updates:
    """What threads have found out; what nobody takes in time is forgotten."""

    def __init__(self) -> None:
        self._queue: Queue[Update] = Queue(_MOST_UPDATES)

    def put(self, update: Update) -> None:
        """Hand over."""
        try:
            self._queue.put_nowait(update)
        except Full:
            return

    def apply(self, board: LiveBoard) -> None:
        """Note all there is on the board."""
        for _ in range(_MOST_UPDATES):
            try:
                self._queue.get_nowait()(board)
            except Empty:
                return


class Watch(ABC):
    """A thread that looks at something until it is ended.

    Args:
        name: of the thread.
        updates: takes what was found out.
    """

    def __init__(self, name: str, updates: Updates) -> None:
        self._updates = updates
        self._ended = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Stop."""
        self._ended.set()
        self._thread.join(_AGAIN_S)

    def _note(self, name: str, why: str | None) -> None:
        self._updates.put(lambda board: board.set_source(name, why, now_ms()))

    @abstractmethod
    def _run(self) -> None: ...


class FlowWatch(Watch):
    """Looks twice a second how transactions flow."""

    def __init__(self, kafka: Kafka, updates: Updates) -> None:
        super().__init__("flow", updates)
        self._kafka = kafka
        self._before: Ends | None = None
        self._progress = (-1, monotonic())

    def _run(self) -> None:
        flow = Flow(self._kafka)
        rounds = 0
        while not self._ended.wait(_EVERY_S):
            try:
                self._look(flow, with_sample=rounds % _SAMPLE_EVERY == 0)
            except KafkaException as error:
                said = f"does not tell its offsets: {error.args[0]}"
                self._note("Kafka", said)
                self._ended.wait(_AGAIN_S)
            rounds += 1
        flow.close()

    def _look(self, flow: Flow, *, with_sample: bool) -> None:
        ends = flow.ends()
        judged = flow.judged()
        before, self._before = self._before, ends
        lag = behind(ends, judged)
        if before is not None:
            count = sum(max(0, end - before.get(number, end)) for number, end in ends.items())
            self._updates.put(lambda board: board.add_transactions(count, lag, now_ms()))
            if with_sample and count:
                places = flow.sample(ends)
                self._updates.put(lambda board: board.add_places(places))
        self._note("Kafka", None)
        self._note("job", self._why_silent(sum(judged.values()) if judged else 0, lag))

    def _why_silent(self, judged: int, lag: int | None) -> str | None:
        if lag is None:
            return "has not judged anything yet"
        if judged != self._progress[0] or lag == 0:
            self._progress = (judged, monotonic())
        silent_s = monotonic() - self._progress[1]
        if silent_s < _SILENT_S:
            return None
        return f"has judged nothing for a while, and {lag:,} transactions wait"


class TravelWatch(Watch):
    """Asks the archive where cards were before, for arcs; what is too much is left out."""

    def __init__(self, archive: Archive, updates: Updates) -> None:
        super().__init__("travels", updates)
        self._archive = archive
        self._wanted: Queue[AlertRow] = Queue(_MOST_TRAVELS)

    def ask(self, row: AlertRow) -> None:
        """Ask for an alert's journey, if it objects to one."""
        if not TRAVELS.intersection(row.detectors):
            return
        try:
            self._wanted.put_nowait(row)
        except Full:
            return

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                row = self._wanted.get(timeout=_EVERY_S)
            except Empty:
                continue
            try:
                self._find(row)
            except ArchiveAwayError as error:
                self._note("archive", str(error))
                self._ended.wait(_AGAIN_S)
                self.ask(row)

    def _find(self, row: AlertRow) -> None:
        arc = arc_of(self._archive, row)
        self._note("archive", None)
        if arc is not None:
            self._updates.put(lambda board: board.add_arc(arc))
