"""What pages and routes work with, in one worker."""

from dataclasses import dataclass

from cardwatch_visualizer.archive.answering import Answers
from cardwatch_visualizer.archive.connection import Archive
from cardwatch_visualizer.live.kept import KeptReader
from cardwatch_visualizer.live.letters import LastLetters
from cardwatch_visualizer.live.profiles import ProfileReader
from cardwatch_visualizer.live.store import TickReader, valkey_client
from cardwatch_visualizer.metrics import WebMetrics
from cardwatch_visualizer.settings import VisualizerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of a worker; none of them keeps what another worker would have to know."""

    settings: VisualizerSettings
    archive: Archive
    answers: Answers
    ticks: TickReader
    profiles: ProfileReader
    kept: KeptReader
    letters: LastLetters
    metrics: WebMetrics


def open_services(settings: VisualizerSettings) -> Services:
    """Make the parts; nothing outside need be there yet."""
    archive = Archive(settings.database)
    archive.open()
    client = valkey_client(settings.valkey_url, most_connections=settings.threads + 4)
    return Services(
        settings=settings,
        archive=archive,
        answers=Answers(settings.bootstrap_servers, archive),
        ticks=TickReader(client),
        profiles=ProfileReader(client),
        kept=KeptReader(client),
        letters=LastLetters(settings.bootstrap_servers),
        metrics=WebMetrics(),
    )
