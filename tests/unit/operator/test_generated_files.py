"""Files that are made from the typed spec, and kept in the repository for who only reads."""

from collections.abc import Callable

import pytest
from tests.unit.project.machine import REPOSITORY

from cardwatch_operator import crd, reference


@pytest.mark.parametrize(
    ("path", "module", "make"),
    [
        ("docs/detectorconfig.md", "reference", reference.main),
        ("k8s/crds/detectorconfigs.cardwatch.dev.yaml", "crd", crd.main),
        ("charts/cardwatch-operators/templates/crd.yaml", "crd", crd.main),
    ],
)
def test_a_file_is_what_the_code_makes(
    path: str, module: str, make: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    make()
    made = capsys.readouterr().out

    file = REPOSITORY / path
    kept = file.read_text("utf-8") if file.exists() else ""

    if kept != made:
        command = f".venv/bin/python -m cardwatch_operator.{module} > {path}"
        pytest.fail(f"{path} is not what the code makes; write it anew: {command}", pytrace=False)
