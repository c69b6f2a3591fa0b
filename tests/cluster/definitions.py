"""The kinds that tests need in a Kubernetes API."""

from functools import partial
from pathlib import Path

import yaml
from tests.cluster.api_server import KubernetesApi
from tests.integration.job.feed import wait_until

from cardwatch_operator.crd import detector_config_crd

_UPSTREAM = Path(__file__).parents[3] / "shared/crds"
_FLINK = _UPSTREAM / "flink-operator-1.15.0/flinkdeployments.yaml"


def install_definitions(api: KubernetesApi) -> None:
    """Make DetectorConfigs and FlinkDeployments known."""
    api.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(detector_config_crd()))
    api.kubectl("apply", "--server-side", "-f", str(_FLINK))
    for name in ("detectorconfigs.cardwatch.dev", "flinkdeployments.flink.apache.org"):
        wait_until(partial(_is_known, api, name), f"{name} to be known")


def install_upstream(api: KubernetesApi) -> None:
    """Make the kinds of Strimzi and of Flink's operator known, as their charts do."""
    for folder in sorted(_UPSTREAM.iterdir()):
        api.kubectl("apply", "--server-side", "-f", str(folder), timeout_s=120)
    for name in ("kafkas.kafka.strimzi.io", "flinkdeployments.flink.apache.org"):
        wait_until(partial(_is_known, api, name), f"{name} to be known")


def _is_known(api: KubernetesApi, name: str) -> bool:
    """Ask once: to `kubectl wait` a definition without any conditions yet is an error."""
    waited = api.kubectl("wait", "--for=condition=Established", f"crd/{name}", check=False)
    return waited.returncode == 0
