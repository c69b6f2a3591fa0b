"""Metrics as Prometheus reads them."""

import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

_OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def scrape(port: int) -> list[Metric]:
    """Return what is served at a port in Prometheus' text."""
    return list(text_string_to_metric_families(_read(port, "text/plain")))


def scrape_with_exemplars(port: int) -> list[Metric]:
    """Return what is served at a port in OpenMetrics' text, which alone has exemplars."""
    parsed = open_metrics(_read(port, _OPEN_METRICS))  # type: ignore[no-untyped-call]
    return list(parsed)


def scrape_range(ports: range) -> Iterator[Metric]:
    """Yield what is served at any of these ports; raise if one that is taken does not answer."""
    for port in ports:
        try:
            yield from scrape(port)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise


def value(metrics: Iterable[Metric], name: str, **labels: str) -> float:
    """Return the sum of the samples of a name that have these labels; 0 where there are none."""
    return sum(
        sample.value
        for metric in metrics
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def _read(port: int, accept: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())
