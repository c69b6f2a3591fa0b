"""A real Kubernetes API: etcd and kube-apiserver as processes of this machine, and kubectl."""

import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.cluster.cluster import Cluster
from tests.cluster.programs import built

from cardwatch_local.errors import StackError
from cardwatch_local.ports import LOOPBACK, free_ports
from cardwatch_local.service import Service, ServiceSpec

_ATTEMPTS: Final = 3
_USUAL_PORTS: Final = (6443, 2379, 2380)
_CONTROLLERS_PORT: Final = 10257
SERVICES: Final = "10.119.0.0/16"
"""Addresses of Services."""
_ADMIN: Final = "admin-of-this-test"


class KubernetesApi(Cluster):
    """etcd and kube-apiserver, and what is needed to talk to them."""

    def __init__(self, folder: Path, *, node_address: str | None = None) -> None:
        """Keep everything in `folder`.

        `node_address`: of a machine with pods, which all servers listen on, at their usual ports;
        None: there are none, and any ports on the loopback do.
        """
        self._program = built("servers")
        super().__init__(folder, kubectl=(str(self._program), "kubectl"), namespace="default")
        self._node_address = node_address
        self.url = ""
        self._services: list[Service] = []

    def start(self) -> None:
        """Start both, and wait until the API answers.

        Again with other ports, where somebody took one before the server did.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for attempts_left in reversed(range(_ATTEMPTS)):
            api_port, client_port, peer_port = _USUAL_PORTS if self._node_address else free_ports(3)
            self.url = f"https://{self._address}:{api_port}"
            self._services = [self._etcd(client_port, peer_port), self._api_server(api_port)]
            try:
                for service in self._services:
                    service.start()
                    service.wait_ready()
            except StackError:
                self.stop()
                if not attempts_left:
                    raise
            else:
                self.kubeconfig = self.write_kubeconfig("kubeconfig", self._admin())
                return

    @property
    def _address(self) -> str:
        return self._node_address or LOOPBACK

    def stop(self) -> None:
        """Stop both."""
        for service in reversed(self._services):
            service.stop()

    def _admin(self) -> dict[str, Any]:
        """Return the kubeconfig of somebody who may do everything."""
        server = {"server": self.url, "insecure-skip-tls-verify": True}
        context = {"cluster": "test", "user": "test", "namespace": self.namespace}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": server}],
            "users": [{"name": "test", "user": {"token": _ADMIN}}],
            "contexts": [{"name": "test", "context": context}],
        }

    def server(self, name: str, *arguments: str, port: int) -> Service:
        """Return another server of Kubernetes, not started; it says at `port` that it is well."""
        command = [str(self._program), name, *arguments]
        return self._service(name, command, f"https://{self._address}:{port}/healthz")

    def controllers(self, *arguments: str) -> Service:
        """Return a kube-controller-manager, not started."""
        port = _CONTROLLERS_PORT if self._node_address else free_ports(1)[0]
        return self.server(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--bind-address={self._address}",
            f"--secure-port={port}",
            f"--cert-dir={self._certificates}",
            "--leader-elect=false",
            f"--root-ca-file={self._certificates / 'apiserver.crt'}",
            f"--service-account-private-key-file={self._key}",
            *arguments,
            port=port,
        )

    @property
    def _certificates(self) -> Path:
        return self._folder / "certificates"

    @property
    def _key(self) -> Path:
        return self._folder / "service-account.key"

    def _etcd(self, client: int, peer: int) -> Service:
        self._etcd_url = f"http://{self._address}:{client}"
        peer_url = f"http://{self._address}:{peer}"
        command = [
            str(self._program),
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        return self._service("etcd", command, f"{self._etcd_url}/health")

    def _api_server(self, port: int) -> Service:
        tokens = self._folder / "tokens.csv"
        tokens.write_text(f'{_ADMIN},admin,admin,"system:masters"\n')
        subprocess.run(
            ["openssl", "genrsa", "-out", str(self._key), "2048"], check=True, capture_output=True
        )
        # Without controllers nobody gives pods and their accounts what this admission asks for.
        for_pods = (
            ["--allow-privileged", "--kubelet-preferred-address-types=InternalIP"]
            if self._node_address
            else ["--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none"]
        )
        command = [
            str(self._program),
            "kube-apiserver",
            f"--etcd-servers={self._etcd_url}",
            f"--bind-address={self._address}",
            f"--advertise-address={self._address}",
            f"--secure-port={port}",
            f"--cert-dir={self._certificates}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._key}",
            f"--service-account-signing-key-file={self._key}",
            f"--service-cluster-ip-range={SERVICES}",
            "--anonymous-auth=true",
            *for_pods,
        ]
        return self._service("kube-apiserver", command, f"{self.url}/readyz")

    def _service(self, name: str, command: list[str], url: str) -> Service:
        spec = ServiceSpec(
            name=name,
            log_file=self._folder / f"{name}.log",
            cwd=self._folder,
            ready_timeout_s=60,
            stop_timeout_s=10,
        )
        return Service(spec, command=lambda: command, ready=lambda: _answers(url))


def _answers(url: str) -> bool:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {_ADMIN}"})
    try:
        with urllib.request.urlopen(
            request, timeout=1, context=_trusting() if url.startswith("https") else None
        ) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
