"""Charts as helm renders them, without a cluster."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.cluster.programs import built
from tests.unit.project.machine import REPOSITORY

CHARTS: Final = REPOSITORY / "charts"
PLATFORM: Final = CHARTS / "cardwatch"
OPERATORS: Final = CHARTS / "cardwatch-operators"
PROFILES: Final = ("values.yaml", "values-dev.yaml", "values-production.yaml")
EVERYTHING: Final = (
    "generator.enabled=true",
    "networkPolicies.enabled=true",
    "podDisruptionBudgets.enabled=true",
    "autoscaling.enabled=true",
    "autoscaling.metric.matchLabels.group=cardwatch",
    "tracing.enabled=true",
    "tracing.collector.clients[0].podSelector.matchLabels.app=shop",
    "tracing.jaeger.clients[0].podSelector.matchLabels.app=dashboard",
    "monitoring.enabled=true",
    "monitoring.labels.release=prometheus",
    "gateway.autoscaling.enabled=true",
    "gateway.clients[0].podSelector.matchLabels.app=shop",
    "gateway.ingress.enabled=true",
    "gateway.ingress.className=nginx",
    "gateway.ingress.host=cardwatch.example.com",
    "gateway.ingress.tlsSecret=certificate",
    "gateway.ingress.annotations.timeout=60s",
    "gateway.service.annotations.internal=yes",
    "visualizer.replicas=2",
    "visualizer.jaegerUrl=https://jaeger.example.com",
    "visualizer.clients[0].podSelector.matchLabels.app=proxy",
    "visualizer.ingress.enabled=true",
    "visualizer.ingress.className=nginx",
    "visualizer.ingress.host=analysts.example.com",
    "visualizer.ingress.tlsSecret=certificate",
    "visualizer.ingress.annotations.timeout=60s",
    "visualizer.service.annotations.internal=yes",
    "postgres.clients[0].podSelector.matchLabels.app=notebook",
    "postgres.config.shared_buffers=256MB",
    "postgres.persistence.storageClass=fast",
    "valkey.persistence.enabled=true",
    "valkey.persistence.storageClass=fast",
    "kafka.rackTopologyKey=topology.kubernetes.io/zone",
    "kafka.tls.enabled=true",
    "kafka.authentication.type=scram-sha-512",
    "kafka.secretAnnotations.copied=yes",
    "imagePullSecrets[0].name=registry",
    "job.envFrom[0].secretRef.name=s3",
    "job.storage.claim.storageClass=shared",
    "job.serviceAccount.annotations.role=cardwatch",
    *(
        f"{component}.{setting}"
        for component in (
            "job",
            "valkey",
            "archiver",
            "gateway",
            "visualizer",
            "generator",
            "postgres",
            "tracing.collector",
            "tracing.jaeger",
        )
        for setting in (
            "nodeSelector.disk=ssd",
            "tolerations[0].operator=Exists",
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
            ".nodeSelectorTerms[0].matchExpressions[0].key=gpu",
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
            ".nodeSelectorTerms[0].matchExpressions[0].operator=DoesNotExist",
            "podAnnotations.seen=yes",
            "podLabels.team=fraud",
        )
    ),
)
"""Values that switch on all there is; not a sensible set."""

FIRST_BUILD_S: Final = 900
"""Longest time of a test that may be the first, for which helm is built. Seconds."""

SECURED: Final = (
    "kafka.tls.enabled=true",
    "kafka.authentication.type=scram-sha-512",
    "generator.enabled=true",
)
"""Kafka by TLS, with a user for each component, and all components."""

Document = dict[str, Any]


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm; return what it says. Without Go, which builds it, the test is skipped."""
    try:
        program = built("helm")
    except RuntimeError as error:
        pytest.skip(str(error))
    command = [str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def template(
    chart: Path, *values: str, profile: str = "values.yaml", options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Render a chart of the release `cardwatch` with a profile and values such as `a.b=c`."""
    given = [part for value in values for part in ("--set", value)]
    if "--kube-version" not in options:
        # Which one helm takes by itself depends on how it was built.
        options = (*options, "--kube-version", "1.36.3")
    return helm(
        *("template", "cardwatch", str(chart), "--namespace", "cardwatch"),
        *("--values", str(chart / profile), *given, *options),
    )


@cache
def _rendered(chart: Path, values: tuple[str, ...], profile: str) -> str:
    done = template(chart, *values, profile=profile)
    assert done.returncode == 0, done.stderr
    return done.stdout


def render(*values: str, profile: str = "values.yaml", chart: Path = PLATFORM) -> list[Document]:
    """Return what a chart makes, hooks and tests included."""
    documents = yaml.safe_load_all(_rendered(chart, values, profile))
    return [document for document in documents if document]


def only(documents: list[Document], kind: str, name: str = "") -> Document:
    """Return the one document of a kind and, if given, of a name."""
    (found,) = (
        document
        for document in documents
        if document["kind"] == kind and name in ("", document["metadata"]["name"])
    )
    return found


def without_dependencies(chart: Path, folder: Path) -> Path:
    """Copy a chart into a folder, less the charts it depends on, which come from elsewhere."""
    copied = folder / chart.name
    shutil.copytree(chart, copied)
    description = yaml.safe_load((copied / "Chart.yaml").read_text("utf-8"))
    description.pop("dependencies", None)
    (copied / "Chart.yaml").write_text(yaml.safe_dump(description))
    return copied
