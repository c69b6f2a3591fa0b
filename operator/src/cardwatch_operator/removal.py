"""Deletes what needs its operator to go, while that still runs: the chart's pre-delete hook.

    python -m cardwatch_operator.removal --namespace NAMESPACE [--timeout-s 120]

A KafkaTopic has a finalizer that Strimzi's topic operator takes away. That goes together with the
Kafka it belongs to; a topic which is still there then stays for ever, and with it the namespace.
"""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from httpx2 import HTTPError
from lightkube import ApiError, Client, ConfigError
from lightkube.generic_resource import create_namespaced_resource

from cardwatch_operator.cluster import DETECTOR_CONFIG, ClusterError

KAFKA_TOPIC: Final = create_namespaced_resource(
    "kafka.strimzi.io", "v1", "KafkaTopic", "kafkatopics"
)
_KINDS: Final[tuple[Any, ...]] = (DETECTOR_CONFIG, KAFKA_TOPIC)
_PART_OF: Final[dict[str, Any]] = {"app.kubernetes.io/part-of": "cardwatch"}
_PAUSE_S: Final = 0.5

_log = logging.getLogger("cardwatch_operator.removal")


def remove(client: Client, namespace: str, *, timeout_s: float) -> None:
    """Delete a namespace's DetectorConfigs and Cardwatch's KafkaTopics, and wait for both.

    Raises:
        ClusterError: something is still there after `timeout_s`, or the API refuses.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            left = _delete_all(client, namespace)
        except ClusterError:  # it may answer again
            if time.monotonic() > deadline:
                raise
        else:
            if not left:
                return
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"still there after {timeout_s:g} s: {', '.join(left)}; does the operator run "
                    "that takes their finalizers away?"
                )
        time.sleep(_PAUSE_S)


def _delete_all(client: Client, namespace: str) -> list[str]:
    """Delete what is not being deleted yet; return what there was."""
    left = []
    for kind in _KINDS:
        for resource in _list(client, kind, namespace):
            metadata = resource["metadata"]
            left.append(f"{kind.__name__} {metadata['name']}")
            if "deletionTimestamp" not in metadata:
                _log.info("deleting %s %s", kind.__name__, metadata["name"])
                _delete(client, kind, metadata["name"], namespace)
    return left


def _list(client: Client, kind: Any, namespace: str) -> list[Any]:
    # DetectorConfigs are the user's own; of topics only those that the chart has made.
    labels = _PART_OF if kind is KAFKA_TOPIC else None
    try:
        return list(client.list(kind, namespace=namespace, labels=labels))
    except ApiError as error:
        if error.status.code == 404:
            return []  # Kubernetes knows no such kind: none was ever made
        raise ClusterError(f"cannot list {kind.__name__}s: {error}") from None
    except HTTPError as error:
        raise ClusterError(f"the Kubernetes API does not answer: {error}") from None


def _delete(client: Client, kind: Any, name: str, namespace: str) -> None:
    try:
        client.delete(kind, name, namespace=namespace)
    except ApiError as error:
        if error.status.code != 404:
            raise ClusterError(f"cannot delete {kind.__name__} {name}: {error}") from None
    except HTTPError as error:
        raise ClusterError(f"the Kubernetes API does not answer: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Remove; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m cardwatch_operator.removal", allow_abbrev=False
    )
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--timeout-s", type=float, default=120.0, help="longest wait (%(default)s)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        remove(Client(), options.namespace, timeout_s=options.timeout_s)
    except (ClusterError, ConfigError) as error:
        print(f"cardwatch_operator.removal: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
