from pathlib import Path

import pytest
from tests.unit.charts.rendering import (
    EVERYTHING,
    FIRST_BUILD_S,
    OPERATORS,
    PLATFORM,
    PROFILES,
    helm,
    template,
    without_dependencies,
)

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)


@pytest.mark.parametrize("profile", PROFILES)
def test_helm_finds_nothing_wrong_with_the_platforms_chart(profile: str) -> None:
    done = helm("lint", "--strict", PLATFORM, "--values", PLATFORM / profile)
    assert done.returncode == 0, done.stdout + done.stderr


def test_helm_finds_nothing_wrong_with_the_operators_chart(tmp_path: Path) -> None:
    done = helm("lint", "--strict", without_dependencies(OPERATORS, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", ["1.30.0", "1.36.3", "1.34.1-gke.100"])
def test_the_charts_are_for_these_kubernetes(version: str, tmp_path: Path) -> None:
    for chart in (PLATFORM, without_dependencies(OPERATORS, tmp_path)):
        done = template(chart, options=("--kube-version", version))
        assert done.returncode == 0, done.stderr


def test_an_older_kubernetes_is_refused() -> None:
    done = template(PLATFORM, options=("--kube-version", "1.29.9"))
    assert "requires kubeVersion: >=1.30.0-0" in done.stderr


def test_all_of_it_at_once_can_be_rendered() -> None:
    done = template(PLATFORM, *EVERYTHING)
    assert done.returncode == 0, done.stderr
