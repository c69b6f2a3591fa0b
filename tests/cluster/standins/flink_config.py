"""The ConfigMap that Flink reads: what the spec says, and what the operator adds. Pure."""

import json
from typing import Final

from tests.cluster.standins.flink_spec import (
    configuration_of,
    has_high_availability,
    memory_mib,
    parallelism,
    taskmanagers,
)
from tests.cluster.standins.kubernetes import Document

_LOG4J: Final = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = ConsoleAppender
appender.console.name = ConsoleAppender
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
"""
_LOGBACK: Final = """\
<configuration>
  <appender name="console" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{yyyy-MM-dd HH:mm:ss.SSS} %-5level %logger{60} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="console"/></root>
</configuration>
"""


def log_files(spec: Document) -> dict[str, str]:
    """Return the files that say what is logged, by their names."""
    own = spec.get("logConfiguration")
    if own:
        return {str(name): str(text) for name, text in own.items()}
    return {"log4j-console.properties": _LOG4J, "logback-console.xml": _LOGBACK}


def config_yaml(configuration: dict[str, str]) -> str:
    """Return `config.yaml`: a JSON string is a YAML string too."""
    return "".join(f"{key}: {json.dumps(configuration[key])}\n" for key in sorted(configuration))


def cluster_configuration(
    spec: Document, *, name: str, namespace: str, job_id: str, attempt: str
) -> dict[str, str]:
    """Return the configuration of one deployment of the job.

    Args:
        spec: Of the FlinkDeployment.
        name: Of the FlinkDeployment.
        namespace: Where it is.
        job_id: 32 hexadecimal digits; as long as it stays, the job goes on from its last state.
        attempt: Differs with each deployment: what has ended under one does not end the next.
    """
    job = spec["job"]
    given = configuration_of(spec)
    optional = {
        "kubernetes.rest-service.exposed.type": "ClusterIP",
        "web.cancel.enable": "false",
        "pipeline.name": name,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "$internal.pipeline.job-id": job_id,
    }
    if job.get("upgradeMode") == "last-state":
        optional["execution.checkpointing.interval"] = "5 min"
    own = {
        "$internal.flink.version": str(spec["flinkVersion"]),
        "execution.shutdown-on-application-finish": "false",
        "execution.target": "remote",
        "jobmanager.rpc.address": f"{name}.{namespace}",
        "rest.bind-port": "8081",
        "parallelism.default": str(parallelism(spec)),
        "kubernetes.cluster-id": name,
        "kubernetes.namespace": namespace,
        "kubernetes.container.image.ref": str(spec["image"]),
        "kubernetes.taskmanager.replicas": str(taskmanagers(spec)),
    }
    if "serviceAccount" in spec:
        own["kubernetes.service-account"] = str(spec["serviceAccount"])
    if "jarURI" in job:
        own["pipeline.jars"] = job["jarURI"]
        own["pipeline.classpaths"] = job["jarURI"].replace("local:", "file:", 1)
    if has_high_availability(spec):
        optional["execution.submit-failed-job-on-application-error"] = "true"
        optional["job-result-store.delete-on-commit"] = "false"
        own |= {
            "high-availability.cluster-id": name,
            "high-availability.jobmanager.port": given["jobmanager.rpc.port"],
        }
        if "high-availability.storageDir" in given:
            folder = given["high-availability.storageDir"].rstrip("/")
            own["job-result-store.storage-path"] = f"{folder}/job-result-store/{name}/{attempt}"
    return optional | given | own | _resources(spec)


def _resources(spec: Document) -> dict[str, str]:
    found = {}
    for key, prefix in (("jobManager", "jobmanager"), ("taskManager", "taskmanager")):
        resource = (spec.get(key) or {}).get("resource") or {}
        if resource.get("memory") is not None:
            found[f"{prefix}.memory.process.size"] = f"{memory_mib(resource['memory'])}m"
        if resource.get("cpu") is not None:
            found[f"kubernetes.{prefix}.cpu.amount"] = str(float(resource["cpu"]))
    return found
