"""Runs the archiver: `python -m cardwatch_archiver --help`."""

import logging
import os
import signal
import sys
from threading import Event

from valkey import Valkey

from cardwatch_archiver.archive import ProfileArchiver
from cardwatch_archiver.kafka import KafkaFailedError, ProfileTopic
from cardwatch_archiver.metrics import ArchiverMetrics
from cardwatch_archiver.profiles import ProfileStore
from cardwatch_archiver.settings import ArchiverSettings, parse_settings
from cardwatch_contracts.logs import write_logs
from cardwatch_contracts.prometheus import serve

_log = logging.getLogger("cardwatch_archiver")


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    settings = parse_settings()
    try:
        write_logs(os.environ)
    except ValueError as error:
        sys.exit(f"cardwatch_archiver: {error}")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _archive(settings, stop)
    except KafkaFailedError as error:
        if not stop.is_set():
            _log.error("%s", error)
            return 1
    _log.info("stopped")
    return 0


def _archive(settings: ArchiverSettings, stop: Event) -> None:
    metrics = ArchiverMetrics()
    if settings.metrics_port is not None:
        serve(settings.metrics_port, metrics.registry)
    topic = ProfileTopic(settings, stop=stop)
    client = Valkey.from_url(
        settings.valkey_url,
        socket_timeout=settings.valkey_timeout_s,
        socket_connect_timeout=settings.valkey_timeout_s,
    )
    try:
        store = ProfileStore(client)
        ProfileArchiver(topic, store, settings, stop=stop, metrics=metrics).run()
    finally:
        topic.close()
        client.close()  # type: ignore[no-untyped-call]  # valkey leaves it unannotated


if __name__ == "__main__":
    sys.exit(main())
