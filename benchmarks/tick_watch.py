"""What the visualizer's collector writes, read beside the pages: what they must all have had."""

from threading import Event, Thread
from typing import Final

from cardwatch_visualizer.live.shapes import decode_tick
from cardwatch_visualizer.live.store import TickReader, valkey_client

_WAIT_MS: Final = 500


class TickWatch:
    """Reads every tick, in a thread, from the newest snapshot on."""

    def __init__(self, valkey_url: str) -> None:
        self._reader = TickReader(valkey_client(valkey_url, most_connections=2))
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self.numbers: list[str] = []
        """Of the ticks, in order."""
        self.alerts = 0
        """That the collector has counted since it began."""
        self.left_out = 0
        """Of these, not pushed one by one."""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        last = None
        while not self._stop.is_set():
            if last is None:
                snapshot = self._reader.snapshot()
                last = None if snapshot is None else snapshot.id
                self._stop.wait(_WAIT_MS / 1000)
                continue
            for number, value in self._reader.after(last, _WAIT_MS):
                last = number
                tick = decode_tick(value)
                self.alerts = tick.totals.alerts + tick.totals.on_trial
                self.left_out = tick.totals.left_out
                self.numbers.append(number)
