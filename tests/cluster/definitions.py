"""The kinds that tests need in a Kubernetes API."""

from functools import partial
from pathlib import Path

import yaml
from tests.cluster.cluster import Cluster
from tests.integration.job.feed import wait_until

from cardwatch_operator.crd import detector_config_crd

_UPSTREAM = Path(__file__).parents[3] / "shared/crds"
_FLINK = _UPSTREAM / "flink-operator-1.15.0/flinkdeployments.yaml"


def install_definitions(api: Cluster) -> None:
    """Make DetectorConfigs and FlinkDeployments known.

    Raises:
        RuntimeError: the cluster knows other DetectorConfigs.
    """
    ours = yaml.safe_dump(detector_config_crd())
    _install(api, ours, _FLINK.read_text("utf-8"))
    if api.kubectl("diff", "--server-side", "-f", "-", stdin=ours, check=False).returncode:
        raise RuntimeError(
            "the cluster's definition of DetectorConfigs is not the one of these sources: apply"
            " k8s/crds to it, or remove the definition"
        )


def install_upstream(api: Cluster) -> None:
    """Make the kinds of Strimzi and of Flink's operator known, as their charts do."""
    _install(api, *(path.read_text("utf-8") for path in sorted(_UPSTREAM.glob("*/*.yaml"))))


def _install(api: Cluster, *definitions: str) -> None:
    """Make kinds known, if they are not; what is there already may be somebody's."""
    there = api.kubectl("get", "crd", "-o", "name").stdout.split()
    for definition in definitions:
        name = yaml.safe_load(definition)["metadata"]["name"]
        if f"customresourcedefinition.apiextensions.k8s.io/{name}" not in there:
            api.defined.append(name)
            api.kubectl("apply", "--server-side", "-f", "-", stdin=definition, timeout_s=120)
        wait_until(partial(_is_known, api, name), f"{name} to be known")


def _is_known(api: Cluster, name: str) -> bool:
    """Ask once: to `kubectl wait` a definition without any conditions yet is an error."""
    waited = api.kubectl("wait", "--for=condition=Established", f"crd/{name}", check=False)
    return waited.returncode == 0
