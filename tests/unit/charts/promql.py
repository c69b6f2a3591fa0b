"""Queries and rules, as Prometheus' own parsers read them."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.cluster.programs import built


class Selector(NamedTuple):
    """Series that a query asks for."""

    metric: str
    labels: frozenset[str]
    """Those that it names."""


def read_queries(queries: Sequence[str], rules: Sequence[Path] = ()) -> list[list[Selector]]:
    """Return what each query asks for; also read files of rules. Without Go the test is skipped.

    A query or rule that Prometheus would not read fails the test.
    """
    try:
        program = built("promql")
    except RuntimeError as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [str(program), *map(str, rules)],
        input=json.dumps(queries),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    wrong = {q: a["error"] for q, a in zip(queries, answers, strict=True) if a["error"]}
    assert wrong == {}
    return [
        [Selector(each["metric"], frozenset(each["labels"])) for each in answer["selectors"]]
        for answer in answers
    ]
