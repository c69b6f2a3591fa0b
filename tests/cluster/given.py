"""A Kubernetes that runs already: tests get a namespace of it, and leave it as it was."""

import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from tests.cluster.cluster import Cluster
from tests.cluster.programs import built

KUBECONFIG: Final = "CARDWATCH_KUBECONFIG"
"""Environment variable: kubeconfig of somebody who may do everything; unset: there is none."""
_GONE_WITHIN_S: Final = 300


def given_kubeconfig() -> Path | None:
    """Return where the kubeconfig of the cluster is that tests are to use, if any."""
    path = os.environ.get(KUBECONFIG)
    return Path(path).expanduser().resolve() if path else None


class GivenCluster(Cluster):
    """A cluster that a kubeconfig leads to, for as long as the tests run."""

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        """Use kubectl from PATH; where there is none, the one that is built."""
        installed = shutil.which("kubectl")
        kubectl = (installed,) if installed else (str(built("servers")), "kubectl")
        namespace = f"cardwatch-test-{secrets.token_hex(4)}"
        super().__init__(folder, kubectl=kubectl, namespace=namespace)
        self.kubeconfig = kubeconfig

    def start(self) -> None:
        """Make the namespace."""
        config = self.whole_kubeconfig()
        config["contexts"][0]["context"]["namespace"] = self.namespace
        self.kubeconfig = self.write_kubeconfig("kubeconfig", config)
        self.kubectl("create", "namespace", self.namespace)

    def stop(self) -> None:
        """Remove the namespace, and the kinds that were not there before."""
        timeout = f"--timeout={_GONE_WITHIN_S}s"
        for kind, names in (("namespace", [self.namespace]), ("crd", self.defined)):
            if names:
                self.kubectl(
                    *("delete", kind, *names, "--ignore-not-found", timeout),
                    timeout_s=_GONE_WITHIN_S + 10,
                )
