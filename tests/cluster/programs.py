"""Programs of Kubernetes that tests run: built from source once, by Go, and kept in a cache.

    python -m tests.cluster.programs NAME...

builds them before the tests, whose time it would else take.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_KUBERNETES: Final = "v1.36.3"
_BUILD_S: Final = 1500
_TOOLS: Final = {
    "helm": "helm.sh/helm/v4/cmd/helm",
    "kube-score": "github.com/zegl/kube-score/cmd/kube-score",
    # Jaeger 2.13.0 is in the same module as the last version 1.
    "jaeger": "github.com/jaegertracing/jaeger/cmd/jaeger",
}
"""Programs that are somebody else's package, not a folder's own."""


def built(name: str) -> Path:
    """Return the program that is made of the Go sources in the folder `name`.

    Raises:
        RuntimeError: there is no Go.
    """
    source = _HERE / name
    digest = hashlib.sha256()
    for path in sorted(source.iterdir()):
        digest.update(path.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cardwatch"
    program = cache / f"{name}-{digest.hexdigest()[:16]}" / name
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise RuntimeError("tests on Kubernetes need Go 1.26 to build it: none is on PATH")
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=program.parent, delete=False) as made:
        made.close()
        version = f"-X k8s.io/component-base/version.gitVersion={_KUBERNETES}"
        subprocess.run(
            [
                *("go", "build", "-trimpath", "-ldflags", f"-s -w {version}"),
                *("-o", made.name, _TOOLS.get(name, ".")),
            ],
            cwd=source,
            check=True,
            timeout=_BUILD_S,
            # Static: one of them is all there is in a container image.
            env={**os.environ, "CGO_ENABLED": "0"},
        )
        os.chmod(made.name, 0o755)
        os.replace(made.name, program)  # whole, or not there
    return program


def main(names: Sequence[str]) -> None:
    """Build; where that cannot be done, say so and leave it to the tests."""
    for name in names:
        try:
            built(name)
        except (RuntimeError, subprocess.SubprocessError) as error:
            sys.stderr.write(f"{name} is not built: {error}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
