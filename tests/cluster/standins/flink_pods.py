"""Pods of JobManager and TaskManager: the spec's templates, merged as the operator does. Pure."""

from typing import Any, Final

from tests.cluster.standins.flink_config import log_files
from tests.cluster.standins.flink_spec import configuration_of, has_high_availability, memory_mib
from tests.cluster.standins.kubernetes import Document

MAIN_CONTAINER: Final = "flink-main-container"
LAST_STATE: Final = "KUBERNETES_OPERATOR_LAST_STATE"
"""Given as savepoint where the state is to come from what high availability keeps: without that
the job fails, and does not start empty."""
_ENTRY_POINT: Final = "/docker-entrypoint.sh"
_POD_IP: Final = "_POD_IP_ADDRESS"


def jobmanager_pod(spec: Document, *, name: str, savepoint: str | None) -> Document:
    """Return the pod template of the JobManager, which runs the job's `main`."""
    ports = {"rest": 8081, "jobmanager-rpc": 6123, "blob-server": 6124}
    pod, main = _pod(spec, "jobManager", name=name, ports=ports)
    address = {"name": _POD_IP, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    main["env"] = [*(main.get("env") or ()), address]
    main["args"] = jobmanager_arguments(spec, savepoint)
    main.setdefault(
        "startupProbe",
        {
            "httpGet": {"path": "/config", "port": "rest"},
            "periodSeconds": 1,
            "failureThreshold": 2**31 - 1,
        },
    )
    if all(mount["mountPath"] != "/opt/flink/usrlib" for mount in main["volumeMounts"]):
        main["volumeMounts"].append({"name": "user-lib-dir", "mountPath": "/opt/flink/usrlib"})
        pod["spec"]["volumes"].append({"name": "user-lib-dir", "emptyDir": {}})
    return pod


def taskmanager_pod(spec: Document, *, name: str) -> Document:
    """Return the pod template of the TaskManagers."""
    pod, main = _pod(spec, "taskManager", name=name, ports={"taskmanager-rpc": 6122})
    main["args"] = ["taskmanager"]
    return pod


def jobmanager_arguments(spec: Document, savepoint: str | None) -> list[str]:
    """Return the arguments of the JobManager's entry point.

    With `--host`, which Flink 2 does not know: operator 1.15.0 gives it.
    """
    job = spec["job"]
    arguments = ["standalone-job"]
    if job.get("entryClass"):
        arguments += ["--job-classname", job["entryClass"]]
    if job.get("allowNonRestoredState"):
        arguments.append("--allowNonRestoredState")
    if savepoint is not None:
        arguments += ["--fromSavepoint", savepoint]
    if has_high_availability(spec):
        arguments += ["--host", f"$({_POD_IP})"]
    return [*arguments, *(job.get("args") or ())]


def merged(base: Any, over: Any) -> Any:
    """Merge two pod templates: objects by their fields, lists by their places."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {
            key: merged(base[key], over[key])
            if key in base and key in over
            else (over if key in over else base)[key]
            for key in (*base, *(key for key in over if key not in base))
        }
    if isinstance(base, list) and isinstance(over, list):
        both = [merged(one, other) for one, other in zip(base, over, strict=False)]
        return both + base[len(both) :] + over[len(both) :]
    return over


def labels(name: str, component: str) -> dict[str, str]:
    """Return the labels that select the pods of `jobmanager` or `taskmanager`."""
    return {"type": "flink-standalone-kubernetes", "app": name, "component": component}


def _pod(
    spec: Document, part: str, *, name: str, ports: dict[str, int]
) -> tuple[Document, Document]:
    """Return a pod template, and its main container within it."""
    section = spec.get(part) or {}
    template = merged(spec.get("podTemplate") or {}, section.get("podTemplate") or {})
    pod_spec = dict(template.get("spec") or {})
    containers = list(pod_spec.pop("containers", None) or ())
    main = dict(next((c for c in containers if c["name"] == MAIN_CONTAINER), {}))
    others = [container for container in containers if container["name"] != MAIN_CONTAINER]
    main |= {
        "name": MAIN_CONTAINER,
        "image": spec["image"],
        "imagePullPolicy": spec.get("imagePullPolicy") or "IfNotPresent",
        "command": [_ENTRY_POINT],
        "resources": merged(main.get("resources") or {}, _resources(spec, part)),
        "ports": [
            *(main.get("ports") or ()),
            *({"name": key, "containerPort": port} for key, port in ports.items()),
        ],
        "volumeMounts": [
            *(main.get("volumeMounts") or ()),
            {"name": "flink-config-volume", "mountPath": "/opt/flink/conf"},
        ],
    }
    files = [{"key": key, "path": key} for key in (*log_files(spec), "config.yaml")]
    config_map = {"name": f"flink-config-{name}", "items": files}
    pod_spec["volumes"] = [
        *(pod_spec.get("volumes") or ()),
        {"name": "flink-config-volume", "configMap": config_map},
    ]
    if "serviceAccount" in spec:
        pod_spec["serviceAccountName"] = spec["serviceAccount"]
    pod_spec["containers"] = [main, *others]
    metadata = dict(template.get("metadata") or {})
    metadata.pop("name", None)
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels(name, part.lower())}
    return {"metadata": metadata, "spec": pod_spec}, main


def _resources(spec: Document, part: str) -> Document:
    """Return requests and limits, which are the same unless a limit factor is configured."""
    resource = (spec.get(part) or {}).get("resource") or {}
    configuration, prefix = configuration_of(spec), part.lower()
    default = configuration[f"{prefix}.memory.process.size"]
    memory = memory_mib(resource.get("memory") or default)
    cpu = float(resource.get("cpu") or configuration.get(f"kubernetes.{prefix}.cpu.amount") or 1)
    factors = {
        what: float(configuration.get(f"kubernetes.{prefix}.{what}.limit-factor", 1))
        for what in ("cpu", "memory")
    }
    found = {
        "requests": {"cpu": f"{cpu:g}", "memory": f"{memory}Mi"},
        "limits": {
            "cpu": f"{cpu * factors['cpu']:g}",
            "memory": f"{int((memory or 0) * factors['memory'])}Mi",
        },
    }
    storage = resource.get("ephemeralStorage")
    if storage:
        for each in found.values():
            each["ephemeral-storage"] = storage
    return found
