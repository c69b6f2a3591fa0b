"""What runs a Flink job: a ConfigMap, two Services and two Deployments. Pure."""

from typing import Final

from tests.cluster.standins.flink_config import cluster_configuration, config_yaml, log_files
from tests.cluster.standins.flink_pods import jobmanager_pod, labels, taskmanager_pod
from tests.cluster.standins.flink_spec import taskmanagers
from tests.cluster.standins.kubernetes import Document

_COMMON: Final = {"type": "flink-standalone-kubernetes"}


def taskmanager_name(name: str) -> str:
    """Return the name of the TaskManagers' Deployment."""
    return f"{name}-taskmanager"


def made_for(name: str) -> list[tuple[str, str]]:
    """Return kind and name of all that is made for a FlinkDeployment."""
    return [
        ("Deployment", taskmanager_name(name)),
        ("Deployment", name),
        ("Service", name),
        ("Service", f"{name}-rest"),
        ("ConfigMap", f"flink-config-{name}"),
    ]


def high_availability_labels(name: str) -> dict[str, str]:
    """Return the labels of the ConfigMaps in which Flink keeps who leads, and checkpoints."""
    return {"app": name, "type": "flink-native-kubernetes"}


def flink_manifests(
    deployment: Document, spec: Document, *, job_id: str, attempt: str, savepoint: str | None
) -> list[Document]:
    """Return everything that is applied to deploy a job.

    Args:
        deployment: The FlinkDeployment.
        spec: What is to run.
        job_id: See `cluster_configuration`.
        attempt: See `cluster_configuration`.
        savepoint: What the job begins with; None: nothing.
    """
    name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
    configuration = cluster_configuration(
        spec, name=name, namespace=namespace, job_id=job_id, attempt=attempt
    )
    data = {**log_files(spec), "config.yaml": config_yaml(configuration)}
    leaders = labels(name, "jobmanager")
    rpc = [{"name": "jobmanager-rpc", "port": 6123}, {"name": "blob-server", "port": 6124}]
    rest = [{"name": "rest", "port": 8081}]
    replicas = int((spec.get("jobManager") or {}).get("replicas") or 1)
    return [
        _made(deployment, "v1", "ConfigMap", f"flink-config-{name}", {"data": data}),
        _made(
            deployment,
            "v1",
            "Service",
            name,
            {"spec": {"clusterIP": "None", "selector": leaders, "ports": rpc}},
        ),
        _made(
            deployment,
            "v1",
            "Service",
            f"{name}-rest",
            {"spec": {"type": "ClusterIP", "selector": leaders, "ports": rest}},
        ),
        _deployment(
            deployment,
            name,
            replicas,
            leaders,
            jobmanager_pod(spec, name=name, savepoint=savepoint),
        ),
        _deployment(
            deployment,
            taskmanager_name(name),
            taskmanagers(spec),
            labels(name, "taskmanager"),
            taskmanager_pod(spec, name=name),
        ),
    ]


def _deployment(
    owner: Document, name: str, replicas: int, selector: dict[str, str], pod: Document
) -> Document:
    spec = {"replicas": replicas, "selector": {"matchLabels": selector}, "template": pod}
    return _made(owner, "apps/v1", "Deployment", name, {"spec": spec})


def _made(owner: Document, api_version: str, kind: str, name: str, body: Document) -> Document:
    metadata = owner["metadata"]
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": False,
        "blockOwnerDeletion": False,
    }
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": {**_COMMON, "app": metadata["name"]},
            "ownerReferences": [reference],
        },
        **body,
    }
