"""Resources as the chart makes them, small."""

import copy
from typing import Any, Final

KAFKA: Final[dict[str, Any]] = {
    "apiVersion": "kafka.strimzi.io/v1",
    "kind": "Kafka",
    "metadata": {
        "name": "cardwatch",
        "namespace": "shop",
        "uid": "6a1b1b1e-0000-4000-8000-1234567890ab",
        "generation": 1,
    },
    "spec": {
        "kafka": {
            "version": "4.3.1",
            "listeners": [{"name": "plain", "port": 9092, "type": "internal", "tls": False}],
            "config": {"auto.create.topics.enable": False},
        },
        "entityOperator": {"topicOperator": {}},
    },
}
SECURED_KAFKA: Final[dict[str, Any]] = {
    **KAFKA,
    "spec": {
        "kafka": {
            **KAFKA["spec"]["kafka"],
            "listeners": [
                {
                    "name": "tls",
                    "port": 9093,
                    "type": "internal",
                    "tls": True,
                    "authentication": {"type": "scram-sha-512"},
                }
            ],
            "authorization": {"type": "simple"},
        },
        "entityOperator": {"topicOperator": {}, "userOperator": {}},
    },
}
USER: Final[dict[str, Any]] = {
    "apiVersion": "kafka.strimzi.io/v1",
    "kind": "KafkaUser",
    "metadata": {
        "name": "cardwatch-archiver",
        "namespace": "shop",
        "uid": "7",
        "generation": 1,
        "labels": {
            "app.kubernetes.io/name": "cardwatch-kafka",
            "strimzi.io/cluster": "cardwatch",
        },
    },
    "spec": {
        "authentication": {"type": "scram-sha-512"},
        "authorization": {
            "type": "simple",
            "acls": [
                {"resource": {"type": "topic", "name": "alerts"}, "operations": ["Read"]},
                {
                    "resource": {
                        "type": "transactionalId",
                        "name": "cardwatch.",
                        "patternType": "prefix",
                    },
                    "operations": ["Write", "Describe"],
                },
                {"resource": {"type": "cluster"}, "operations": ["DescribeConfigs"]},
            ],
        },
    },
}
FLINK: Final[dict[str, Any]] = {
    "apiVersion": "flink.apache.org/v1beta1",
    "kind": "FlinkDeployment",
    "metadata": {"name": "cardwatch", "namespace": "shop", "uid": "1", "generation": 3},
    "spec": {
        "mode": "standalone",
        "flinkVersion": "v2_2",
        "image": "cardwatch/job:test",
        "serviceAccount": "cardwatch-job",
        "flinkConfiguration": {
            "scheduler-mode": "reactive",
            "taskmanager.numberOfTaskSlots": "1",
            "high-availability.type": "kubernetes",
            "high-availability.storageDir": "file:///state/ha",
            "execution.checkpointing.dir": "file:///state/checkpoints",
        },
        "jobManager": {"resource": {"memory": "1408m", "cpu": 0.25}},
        "taskManager": {"resource": {"memory": "1728m", "cpu": 1}},
        "job": {
            "jarURI": "local:///opt/flink/opt/flink-python-2.2.1.jar",
            "entryClass": "org.apache.flink.client.python.PythonDriver",
            "args": ["-pym", "cardwatch_job.main"],
            "parallelism": 2,
            "upgradeMode": "last-state",
        },
    },
}


def node_pool(
    name: str, replicas: int, *roles: str, node_ids: list[int] | None = None
) -> dict[str, Any]:
    """Return a KafkaNodePool of the cluster `cardwatch`."""
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaNodePool",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": name,
            "generation": 1,
            "labels": {"strimzi.io/cluster": "cardwatch"},
        },
        "spec": {
            "replicas": replicas,
            "roles": list(roles),
            "storage": {
                "type": "jbod",
                "volumes": [{"id": 0, "type": "persistent-claim", "size": "1Gi"}],
            },
        },
        **({"status": {"nodeIds": node_ids}} if node_ids else {}),
    }


def changed(resource: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy in which the field at `path`, such as `spec/job/args`, has another value."""
    copied = copy.deepcopy(resource)
    *parents, last = path.split("/")
    target = copied
    for name in parents:
        target = target.setdefault(name, {})
    target[last] = value
    return copied
