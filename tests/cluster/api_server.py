"""A real Kubernetes API: etcd and kube-apiserver as processes of this machine, and kubectl.

They are built from source once, by Go, and kept in the user's cache.
"""

import hashlib
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from cardwatch_local.errors import StackError
from cardwatch_local.ports import LOOPBACK, free_ports
from cardwatch_local.service import Service, ServiceSpec

_SOURCE: Final = Path(__file__).with_name("servers")
_VERSION: Final = "v1.36.3"
_BUILD_S: Final = 1500
_ATTEMPTS: Final = 3
_ADMIN: Final = "admin-of-this-test"
OPERATOR: Final = "operator-of-this-test"
"""Token of the ServiceAccount `cardwatch-operator` in namespace `default`."""
OPERATOR_OF_ALL: Final = "operator-of-all-namespaces"
"""Token of that in namespace `cardwatch-system`."""


def kubernetes_programs() -> Path:
    """Return the one program that is all of them, built where it is not there yet."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((_SOURCE / name).read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cardwatch"
    program = cache / f"kubernetes-{digest.hexdigest()[:16]}" / "servers"
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise RuntimeError("tests on a Kubernetes API need Go 1.26 to build it: none is on PATH")
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=program.parent, delete=False) as made:
        made.close()
        version = f"-X k8s.io/component-base/version.gitVersion={_VERSION}"
        subprocess.run(
            ["go", "build", "-trimpath", "-ldflags", f"-s -w {version}", "-o", made.name, "."],
            cwd=_SOURCE,
            check=True,
            timeout=_BUILD_S,
        )
        os.replace(made.name, program)  # whole, or not there
    return program


class KubernetesApi:
    """etcd and kube-apiserver, and what is needed to talk to them."""

    def __init__(self, folder: Path) -> None:
        """Keep everything in `folder`."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._program = kubernetes_programs()
        self.url = ""
        self.kubeconfig = Path()
        """Of somebody who may do everything."""
        self._users = {_ADMIN: ("admin", "system:masters")} | {
            token: (
                f"system:serviceaccount:{namespace}:cardwatch-operator",
                f"system:serviceaccounts,system:serviceaccounts:{namespace}",
            )
            for token, namespace in ((OPERATOR, "default"), (OPERATOR_OF_ALL, "cardwatch-system"))
        }
        self._services: list[Service] = []

    def kubeconfig_of(self, token: str) -> Path:
        """Write the kubeconfig of a token's owner."""
        path = self._folder / f"kubeconfig-{token}"
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "clusters": [
                        {
                            "name": "test",
                            "cluster": {"server": self.url, "insecure-skip-tls-verify": True},
                        }
                    ],
                    "users": [{"name": "test", "user": {"token": token}}],
                    "contexts": [
                        {
                            "name": "test",
                            "context": {
                                "cluster": "test",
                                "user": "test",
                                "namespace": "default",
                            },
                        }
                    ],
                }
            )
        )
        return path

    def start(self) -> None:
        """Start both, and wait until the API answers.

        Again with other ports, where somebody took one before the server did.
        """
        for attempts_left in reversed(range(_ATTEMPTS)):
            api_port, client_port, peer_port = free_ports(3)
            self.url = f"https://{LOOPBACK}:{api_port}"
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
                self.kubeconfig = self.kubeconfig_of(_ADMIN)
                return

    def stop(self) -> None:
        """Stop both."""
        for service in reversed(self._services):
            service.stop()

    def controllers(self, *arguments: str) -> Service:
        """Return a kube-controller-manager, not started."""
        (port,) = free_ports(1)
        command = [
            str(self._program),
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            f"--cert-dir={self._folder / 'certificates'}",
            "--leader-elect=false",
            *arguments,
        ]
        url = f"https://{LOOPBACK}:{port}/healthz"
        return self._service("kube-controller-manager", command, url)

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as somebody who may do everything."""
        done = subprocess.run(
            [str(self._program), "kubectl", *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done

    def try_create(self, plural: str, document: Mapping[str, Any]) -> tuple[int, Any]:
        """Ask whether a resource would be created; return HTTP's status and the answer."""
        group_and_version = document["apiVersion"]
        path = f"/apis/{group_and_version}/namespaces/default/{plural}"
        request = urllib.request.Request(
            f"{self.url}{path}?dryRun=All&fieldValidation=Strict",
            data=json.dumps(document).encode(),
            headers={"Authorization": f"Bearer {_ADMIN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=_trusting()) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def _etcd(self, client: int, peer: int) -> Service:
        self._etcd_url = f"http://{LOOPBACK}:{client}"
        command = [
            str(self._program),
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls=http://{LOOPBACK}:{peer}",
            f"--initial-advertise-peer-urls=http://{LOOPBACK}:{peer}",
            f"--initial-cluster=default=http://{LOOPBACK}:{peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        return self._service("etcd", command, f"{self._etcd_url}/health")

    def _api_server(self, port: int) -> Service:
        tokens, key = self._folder / "tokens.csv", self._folder / "service-account.key"
        tokens.write_text(
            "".join(
                f'{token},{name},{name},"{groups}"\n'
                for token, (name, groups) in self._users.items()
            )
        )
        subprocess.run(
            ["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True
        )
        command = [
            str(self._program),
            "kube-apiserver",
            f"--etcd-servers={self._etcd_url}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            f"--cert-dir={self._folder / 'certificates'}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
            "--anonymous-auth=true",
            "--endpoint-reconciler-type=none",
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
