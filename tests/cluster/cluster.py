"""A Kubernetes of which tests use a namespace, whoever started it."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

_TOKEN_FOR: Final = "8h"
"""Longer than any run of the tests."""
_REFUSALS: Final = ("Error from server", "is invalid:")
"""What kubectl says when the API has refused something."""


class Cluster:
    """A Kubernetes API, and kubectl as somebody who may do everything."""

    def __init__(self, folder: Path, *, kubectl: tuple[str, ...], namespace: str) -> None:
        """Keep files in `folder`; `kubectl` is a command line without its arguments."""
        self.namespace = namespace
        """Where all is that says no other namespace."""
        self.kubeconfig = Path()
        """Of somebody who may do everything; its namespace is `namespace`."""
        self.defined: list[str] = []
        """Names of the CustomResourceDefinitions that tests have made."""
        self._folder = folder
        self._kubectl = kubectl

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as somebody who may do everything."""
        done = subprocess.run(
            [*self._kubectl, *arguments],
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

    def try_create(self, plural: str, document: Mapping[str, Any]) -> tuple[bool, Any]:
        """Ask whether a resource would be created; return that, and the answer.

        Raises:
            AssertionError: the API was not asked.
        """
        path = f"/apis/{document['apiVersion']}/namespaces/{self.namespace}/{plural}"
        done = self.kubectl(
            *("create", "--raw", f"{path}?dryRun=All&fieldValidation=Strict", "-f", "-"),
            stdin=json.dumps(document),
            check=False,
        )
        if done.returncode == 0:
            return True, json.loads(done.stdout)
        assert any(words in done.stderr for words in _REFUSALS), done.stderr
        return False, done.stderr

    def kubeconfig_of_operator(self, namespace: str) -> Path:
        """Write the kubeconfig of the ServiceAccount `cardwatch-operator` of a namespace."""
        created = self.kubectl(
            *("create", "token", "cardwatch-operator", "-n", namespace, f"--duration={_TOKEN_FOR}")
        )
        config = self.whole_kubeconfig()
        config["users"][0]["user"] = {"token": created.stdout.strip()}
        return self.write_kubeconfig(f"kubeconfig-operator-{namespace}", config)

    def whole_kubeconfig(self) -> dict[str, Any]:
        """Return the kubeconfig with the one context that is in force, and no other files."""
        shown = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
        return dict(json.loads(shown.stdout))

    def write_kubeconfig(self, name: str, config: Mapping[str, Any]) -> Path:
        """Write a kubeconfig that only its owner can read."""
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(dict(config)))
        return path
