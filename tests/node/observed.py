"""What is seen of a release and its archive, and how long it took."""

import json
import time

from tests.node.release import Release


def say(what: str, began: float) -> None:
    """Print how long something took, counted from `began` of the monotonic clock."""
    print(f"{what}: {time.monotonic() - began:.1f} s")


def all_ready(release: Release) -> bool:
    """Whether every pod that is to run is ready."""
    return all(
        status["ready"]
        for pod in release.items("pods")
        if pod["status"]["phase"] != "Succeeded"
        for status in pod["status"].get("containerStatuses", [{"ready": False}])
    )


def left_in(release: Release) -> list[str]:
    """Return what the namespace holds that neither Kubernetes nor the operators put there."""
    kinds = (
        "all,configmaps,secrets,serviceaccounts,roles,rolebindings,persistentvolumeclaims,"
        "networkpolicies,poddisruptionbudgets,kafkas,kafkanodepools,kafkatopics,kafkausers,"
        "flinkdeployments,dc"
    )
    listed = json.loads(release.kubectl("get", kinds, "-o", "json"))["items"]
    return [
        f"{item['kind']} {item['metadata']['name']}"
        for item in listed
        if item["metadata"]["name"] not in ("kube-root-ca.crt", "default")
        and item["metadata"].get("labels", {}).get("app.kubernetes.io/instance") != "operators"
    ]


def labelled(component: str) -> tuple[str, str]:
    """Return what selects the pods of a component."""
    return "-l", f"app.kubernetes.io/name=cardwatch-{component}"


def rows(release: Release, table: str, pattern: str) -> list[str]:
    """Return the transactions that a table of the archive has rows of, one entry for each row."""
    said = release.kubectl(
        *("exec", "cardwatch-postgres-0", "--", "psql", "-Atc"),
        f"SELECT transaction_id FROM {table} WHERE transaction_id LIKE '{pattern}' ORDER BY 1",
        "cardwatch",
    )
    return said.split()
