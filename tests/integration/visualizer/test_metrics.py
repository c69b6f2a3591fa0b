"""What the visualizer serves, against what is declared."""

from pathlib import Path

from tests.integration.gateway.alerts import new_alert, send_alerts
from tests.integration.metrics.scraping import scrape, value
from tests.integration.visualizer.configs import new_name, publish
from tests.integration.visualizer.models import asking, tell, window
from tests.integration.visualizer.running import events, eventually, running_visualizer

from cardwatch_contracts import telemetry as t
from cardwatch_local.endpoints import Endpoints
from cardwatch_local.ports import free_ports


def test_all_processes_are_added_up_to_what_is_declared(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    arguments = ["--no-login", "--metrics-port", str(port)]
    with running_visualizer(stack_without_job, tmp_path, arguments) as running:
        send_alerts(stack_without_job.bootstrap_servers, new_alert())
        eventually(lambda: value(scrape(port), t.VISUALIZER_ALERTS.name) >= 1, "it is counted")
        assert value(scrape(port), t.VISUALIZER_TICKS.name) >= 1
        stream = events(running.client)
        next(event for event in stream if event.kind)
        assert value(scrape(port), t.VISUALIZER_STREAM_CLIENTS.name) == 1
        name = new_name()
        publish(stack_without_job.bootstrap_servers, asking(name))
        tell(stack_without_job.bootstrap_servers, window(name))
        july = {"config": name, "role": "model", "model": "july"}
        eventually(
            lambda: value(scrape(port), t.VISUALIZER_MODEL_SCORED.name, **july) == 100,
            "what models scored is counted",
        )
        health = {"route": "/healthz", "status": "200"}
        assert value(scrape(port), t.VISUALIZER_REQUESTS.name, **health) >= 1
        served = {
            f"{metric.name}_total" if metric.type == "counter" else metric.name
            for metric in scrape(port)
        }
    declared = {metric.name for metric in t.METRICS if metric.service == "visualizer"}
    declared.add(t.COMPONENT_DROPPED_SPANS.name)
    assert served <= declared
    assert declared - served <= {t.VISUALIZER_FEEDBACK.name}, "nobody has answered yet"
