"""One node for all stories; each installs Cardwatch on it and removes it."""

from collections.abc import Iterator

import pytest
from tests.cluster.definitions import install_upstream
from tests.cluster.images import running_docker
from tests.cluster.node.node import DATA, RUN, Node
from tests.cluster.standins.running import running_standins
from tests.node.release import Release, add_images


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """A node with every image and the stand-ins."""
    node = Node()
    try:
        node.start()
        with running_docker(DATA / "docker", RUN) as docker:
            add_images(node, docker)
        install_upstream(node.api)
        with running_standins(node.api.kubeconfig, DATA / "cluster" / "volumes"):
            yield node
    finally:
        node.stop()


@pytest.fixture(scope="module")
def release(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Empty namespaces, for a story to install into; they are gone at its end."""
    release = Release(node, tmp_path_factory.mktemp("release"))
    yield release
    release.remove()
