"""A Kubernetes of one node, on the machine itself, with images that were built there."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import yaml
from tests.cluster.api_server import KubernetesApi
from tests.cluster.node import machine
from tests.cluster.node.containers import Containers
from tests.cluster.node.machine import NODE_ADDRESS, PODS
from tests.cluster.programs import built
from tests.integration.job.feed import wait_until

from cardwatch_local.service import Service, ServiceSpec

DATA: Final = Path("/var/lib/cardwatch-cluster")
"""Images, and all that pods write. Images stay when the cluster goes."""
RUN: Final = Path("/run/cardwatch-cluster")
KUBECONFIG: Final = RUN / "kubeconfig"
_NAME: Final = "cardwatch-node"
_KUBELET_PORT: Final = 10250


class Node:
    """All servers of Kubernetes, as processes of this one's."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise RuntimeError("a cluster on this machine itself needs root")
        machine.install_packages()
        self._volatile = DATA / "cluster"
        self._namespaces_before: set[Path] = set()
        self.containers = Containers(DATA / "images", RUN, RUN / "cni")
        self.api = KubernetesApi(self._volatile / "api", node_address=NODE_ADDRESS)
        self._servers: list[Service] = []

    def start(self) -> None:
        """Start everything, and wait until pods can run."""
        self.clear()
        self._namespaces_before = machine.network_namespaces()
        machine.make_network(RUN / "cni", RUN)
        self.containers.service.start()
        self.containers.service.wait_ready()
        self.containers.add_pause_image()
        self.api.start()
        shutil.copy(self.api.kubeconfig, KUBECONFIG)
        self._servers = [
            self.api.controllers(),
            self._scheduler(),
            self._kubelet(),
            self._proxy(),
            self._dns(),
        ]
        for server in self._servers:
            server.start()
        for server in self._servers:
            server.wait_ready()
        wait_until(self._is_node_ready, "the node to be ready", 60)
        wait_until(self._has_account, "namespace default to have its account", 30)

    def stop(self) -> None:
        """End everything, pods included; what is kept are images."""
        for server in reversed(self._servers):
            server.stop()
        self.api.stop()
        self.containers.kill_all()
        self.containers.service.stop()
        machine.remove_namespaces(machine.network_namespaces() - self._namespaces_before)
        self.clear()

    def clear(self) -> None:
        """Remove what a cluster leaves that was killed."""
        _end_shims()
        machine.unmount_below(DATA)
        machine.unmount_below(RUN)
        machine.remove_network()
        KUBECONFIG.unlink(missing_ok=True)
        shutil.rmtree(self._volatile, ignore_errors=True)
        subprocess.run(
            [str(built("servers")), "kube-proxy", "--cleanup"], capture_output=True, check=False
        )

    def _scheduler(self) -> Service:
        port = 10259
        return self.api.server(
            "kube-scheduler",
            f"--kubeconfig={self.api.kubeconfig}",
            "--leader-elect=false",
            f"--bind-address={NODE_ADDRESS}",
            f"--secure-port={port}",
            f"--cert-dir={self._volatile / 'scheduler'}",
            port=port,
        )

    def _kubelet(self) -> Service:
        config = self._volatile / "kubelet.yaml"
        config.write_text(yaml.safe_dump(_kubelet_config(self._volatile, self.containers.socket)))
        return self.api.server(
            "kubelet",
            f"--config={config}",
            f"--kubeconfig={self.api.kubeconfig}",
            f"--root-dir={self._volatile / 'kubelet'}",
            f"--cert-dir={self._volatile / 'kubelet-certificates'}",
            f"--hostname-override={_NAME}",
            f"--node-ip={NODE_ADDRESS}",
            port=_KUBELET_PORT,
        )

    def _proxy(self) -> Service:
        port = 10256
        program = built("servers")
        spec = ServiceSpec(
            name="kube-proxy", log_file=self._volatile / "kube-proxy.log", cwd=self._volatile
        )
        command = [
            str(program),
            "kube-proxy",
            f"--kubeconfig={self.api.kubeconfig}",
            f"--hostname-override={_NAME}",
            f"--cluster-cidr={PODS}",
            "--conntrack-max-per-core=0",
            f"--healthz-bind-address={NODE_ADDRESS}:{port}",
            f"--metrics-bind-address={NODE_ADDRESS}:10249",
        ]
        return Service(spec, command=lambda: command)

    def _dns(self) -> Service:
        config = self._volatile / "Corefile"
        config.write_text(
            f""".:53 {{
    bind {NODE_ADDRESS}
    errors
    ready {NODE_ADDRESS}:8181
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {self.api.kubeconfig}
        pods insecure
        ttl 5
    }}
    cache 5
}}
"""
        )
        spec = ServiceSpec(name="dns", log_file=self._volatile / "dns.log", cwd=self._volatile)
        return Service(spec, command=lambda: [str(built("dns")), "-conf", str(config)])

    def _is_node_ready(self) -> bool:
        waited = self.api.kubectl(
            "wait", "--for=condition=Ready", f"node/{_NAME}", "--timeout=1s", check=False
        )
        return waited.returncode == 0

    def _has_account(self) -> bool:
        return self.api.kubectl("get", "serviceaccount", "default", check=False).returncode == 0


def _kubelet_config(folder: Path, containers: Path) -> dict[str, object]:
    never = ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "port": _KUBELET_PORT,
        "healthzBindAddress": NODE_ADDRESS,
        # Who reaches the node's address is on this machine already.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": f"unix://{containers}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,  # kube-proxy makes its own
        "enforceNodeAllocatable": [],
        "evictionHard": dict.fromkeys(never, "0%"),
        "imageGCHighThresholdPercent": 100,
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "podLogsDir": str(folder / "logs"),
        "syncFrequency": "10s",
    }


def _end_shims() -> None:
    """End what a containerd leaves that was killed: one process for each pod."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"containerd-shim-runc-v2") and str(RUN).encode() in b" ".join(words):
            subprocess.run(["kill", "-KILL", path.parent.name], check=False)
