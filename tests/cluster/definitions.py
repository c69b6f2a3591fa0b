"""The kinds that tests need in a Kubernetes API."""

from pathlib import Path

import yaml
from tests.cluster.api_server import KubernetesApi

from cardwatch_operator.crd import detector_config_crd

_FLINK = Path(__file__).parents[3] / "shared/crds/flink-operator-1.15.0/flinkdeployments.yaml"


def install_definitions(api: KubernetesApi) -> None:
    """Make DetectorConfigs and FlinkDeployments known."""
    api.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(detector_config_crd()))
    api.kubectl("apply", "--server-side", "-f", str(_FLINK))
    for name in ("detectorconfigs.cardwatch.dev", "flinkdeployments.flink.apache.org"):
        # Jsonpath, for a definition without any conditions yet is an error to `--for=condition`.
        established = 'jsonpath={.status.conditions[?(@.type=="Established")].status}=True'
        api.kubectl("wait", f"--for={established}", f"crd/{name}", "--timeout=30s")
