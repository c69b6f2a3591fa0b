"""A small stream through the running job, as the scorecard does it."""

from typing import Final

import numpy as np
import pytest
from benchmarks.scorecard.configs import Pair
from benchmarks.scorecard.passes import Plan, pass_through
from benchmarks.scorecard.protocol import heard_in_steps
from benchmarks.scorecard.records import World
from benchmarks.settings import Method
from tests.unit.model.paying import BEGINS_MS, DELAY_MS, stream

from cardwatch_job.model.artefact import Artefact, Kind
from cardwatch_local.progress import SilentListener
from cardwatch_local.training import forests
from cardwatch_local.training.payments import DAY_MS, Payments
from cardwatch_local.training.replay import Replayed, replay
from cardwatch_local.training.scoring import risks_of
from cardwatch_local.training.train import Wanted, rows_of, train

pytest.importorskip("sklearn")

_STEP_MS: Final = 2 * DAY_MS
_TEST_BEGINS_MS: Final = BEGINS_MS + 30 * DAY_MS
_TEST_ENDS_MS: Final = BEGINS_MS + 36 * DAY_MS


def _trained(payments: Payments, replayed: Replayed, kind: Kind) -> Artefact:
    wanted = Wanted(
        name=kind.lower(),
        kind=kind,
        begins_ms=BEGINS_MS,
        ends_ms=_TEST_BEGINS_MS - DELAY_MS,
        known_until_ms=_TEST_BEGINS_MS,
    )
    return train(rows_of(payments, replayed, wanted), wanted, SilentListener())


@pytest.mark.timeout(900)
def test_risks_in_the_job_are_those_of_a_replay_outside_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forests, "BOOSTED_TREES", 20)
    monkeypatch.setattr(forests, "FOREST_TREES", 20)
    edges = [*range(BEGINS_MS, _TEST_ENDS_MS, _STEP_MS), _TEST_ENDS_MS]
    payments = heard_in_steps(stream(payments=3_000, days=40), edges)
    replayed = replay(payments, np.ones(len(payments), bool))
    boosted = _trained(payments, replayed, "boostedTrees")
    forest = _trained(payments, replayed, "isolationForest")
    pairs = {World("a"): Pair(model=boosted, challenger=forest), World("b"): Pair(model=forest)}
    plan = Plan(
        payments=payments,
        edges=edges,
        test_begins_ms=_TEST_BEGINS_MS,
        pairs=pairs,
        backlog=100,
        timed_s=0.1,
    )

    passed = pass_through(plan, Method(commit_interval_s=0.2), SilentListener())

    times = payments.event_time
    tested = np.flatnonzero((times >= _TEST_BEGINS_MS) & (times < _TEST_ENDS_MS))
    features = replayed.features[tested]
    for said, artefact in (
        (passed.said["a"].model, boosted),
        (passed.said["a"].challenger, forest),
        (passed.said["b"].model, forest),
    ):
        assert np.abs(said[tested] - risks_of(artefact, features)).max() < 1e-9
    assert len(np.unique(passed.said["a"].model[tested])) > 20, "they say something"
    assert np.isnan(passed.said["b"].challenger).all()
    assert passed.payments == 2 * int((times < _TEST_ENDS_MS).sum())
    assert passed.test_tx_per_s is not None and passed.swap_ms is not None
    assert {name: spread.count for name, spread in passed.latency_ms.items()} == {
        "uncommitted": 100,
        "committed": 100,
    }
