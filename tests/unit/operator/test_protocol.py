"""Resources, operators, Kafka and a job in any order of steps: what must hold at each, and after.

`CARDWATCH_PROTOCOL_SEQUENCES` says how many sequences of steps are tried.
"""

import os
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.unit.operator.protocol_model import Job, Log, Operator, Subtask
from tests.unit.operator.resource_samples import a_resource

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import (
    ConfigAck,
    ConfigRecord,
    DetectorConfigSpec,
    Selector,
)
from cardwatch_operator.resources import Resource

_SEQUENCES: Final = int(os.environ.get("CARDWATCH_PROTOCOL_SEQUENCES", "120"))
_STEPS: Final = 60
_SETTLED_AFTER: Final = 10
"""Passes of an operator that nothing disturbs."""

NAMES: Final = st.sampled_from(["a", "b"])
SPECS: Final = st.builds(
    DetectorConfigSpec,
    selector=st.sampled_from([Selector(), Selector(bank_ids=("A",))]),
    effective_from=st.sampled_from([None, 1000, 2000]),
    parallelism=st.integers(1, 2),
)
MAYBE_SPECS: Final = st.one_of(SPECS, SPECS, SPECS, st.none())
CHANGES: Final = ("put", "put", "put", "delete", "create again")
STEPS: Final = ("read", "list", "publish", "publish again", "hear", "forget")
OPERATORS: Final = st.integers(0, 1)
PARALLELISM: Final = st.integers(1, 4)
INDEX: Final = st.integers(0, 3)
MS: Final = st.lists(st.integers(0, 50), min_size=4, max_size=4)


def _a(step: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(step), st.tuples(*arguments))


CHANGE: Final = ("a_user_changes_a_resource", NAMES, st.sampled_from(CHANGES), MAYBE_SPECS)
PASS: Final = ("an_operator_makes_a_pass", OPERATORS)
CONSUME: Final = ("a_subtask_consumes", INDEX, st.integers(1, 5))
ARRIVE: Final = ("acknowledgements_arrive", INDEX, st.integers(1, 3))

# One rule with all steps: of several rules Hypothesis leaves about half out of a sequence.
STEP: Final = st.one_of(
    *(_a(*often) for often in (CHANGE, PASS, CONSUME, ARRIVE) for _ in range(4)),
    _a("time_passes", st.integers(1, 3000)),
    _a("an_operator_takes_a_step", OPERATORS, st.sampled_from(STEPS)),
    _a("an_operator_takes_a_step", OPERATORS, st.sampled_from(STEPS)),
    _a("an_operator_crashes", OPERATORS),
    _a("all_subtasks_consume_and_are_heard"),
    _a("a_checkpoint_begins", INDEX),
    _a("the_job_restarts", PARALLELISM, MS),
    _a("last_words_of_a_run_that_is_over_arrive", INDEX, st.booleans()),
    _a("an_acknowledgement_arrives_twice", st.integers(0, 30)),
    _a("the_log_is_compacted"),
)


class Protocol(RuleBasedStateMachine):
    """The whole way from resources to what the subtasks judge by, and their word back."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000_000
        self.resources: dict[str, Resource] = {}
        self.made = 0
        self.log = Log()
        self.heard_acks: list[ConfigAck] = []
        self.all_acks = Acknowledgements()
        self.operators = [Operator(self.log, ()), Operator(self.log, ())]

    @initialize(parallelism=PARALLELISM)
    def the_job_starts(self, parallelism: int) -> None:
        self.job = Job(self.log, parallelism=parallelism, now_ms=self.now_ms)

    @rule(step=STEP)
    def step(self, step: tuple[str, tuple[Any, ...]]) -> None:
        what, arguments = step
        getattr(self, what)(*arguments)

    # What users do.

    def a_user_changes_a_resource(
        self, name: str, what: str, spec: DetectorConfigSpec | None
    ) -> None:
        before = self.resources.get(name)
        if what in ("delete", "create again"):
            self.resources.pop(name, None)
        if what == "create again" or (what == "put" and before is None):
            self.made += 1
            self.resources[name] = a_resource(
                name=name,
                uid=f"uid-{self.made}",
                created_at=self.now_ms // 1000 * 1000,  # the API gives whole seconds
                spec=spec,
            )
        elif what == "put" and before is not None and before.spec != spec:
            self.resources[name] = a_resource(
                name=name,
                uid=before.uid,
                created_at=before.created_at,
                revision=before.revision + 1,
                spec=spec,
            )

    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    # What operators do.

    def an_operator_makes_a_pass(self, which: int) -> None:
        operator = self.operators[which]
        if operator.topics is None:
            operator.read()
        operator.list(list(self.resources.values()))
        operator.publish(self.now_ms)
        operator.hear(self.heard_acks, len(self.heard_acks))
        operator.forget()

    def an_operator_takes_a_step(self, which: int, step: str) -> None:
        operator = self.operators[which]
        match step:
            case "read":
                operator.read()
            case "list":
                operator.list(list(self.resources.values()))
            case "publish":
                operator.publish(self.now_ms)
            case "publish again":
                operator.retry(self.now_ms)
            case "hear":
                operator.hear(self.heard_acks, 1)
            case "forget":
                operator.forget()

    def an_operator_crashes(self, which: int) -> None:
        self.operators[which] = Operator(self.log, self.heard_acks)

    # What the job does.

    def a_subtask_consumes(self, index: int, most: int) -> None:
        self.job.consume(self._subtask(index), most, self.now_ms)

    def all_subtasks_consume_and_are_heard(self) -> None:
        for subtask in self.job.subtasks:
            self.job.consume(subtask, len(self.log.entries), self.now_ms)
            self._deliver(subtask, len(subtask.on_the_way))

    def a_checkpoint_begins(self, back: int) -> None:
        reached = max(subtask.position for subtask in self.job.subtasks)
        self.job.begin_checkpoint(max(reached, len(self.log.entries) - back))

    def the_job_restarts(self, parallelism: int, after_ms: list[int]) -> None:
        self.now_ms += 1
        self.job.start(parallelism, [self.now_ms + ms for ms in after_ms])
        self.now_ms += 51

    # What Kafka does.

    def acknowledgements_arrive(self, index: int, most: int) -> None:
        self._deliver(self._subtask(index), most)

    def last_words_of_a_run_that_is_over_arrive(self, which: int, is_lost: bool) -> None:
        if not self.job.gone:
            return
        subtask = self.job.gone.pop(which % len(self.job.gone))
        if not is_lost:
            self._deliver(subtask, len(subtask.on_the_way))

    def an_acknowledgement_arrives_twice(self, back: int) -> None:
        if self.heard_acks:
            self._hear(self.heard_acks[-1 - back % len(self.heard_acks)])

    def the_log_is_compacted(self) -> None:
        # Kafka keeps tombstones for a day: the job has a newer checkpoint by then.
        self.log.compact(tombstones_before=self.job.checkpoint.position)

    # What must hold.

    @invariant()
    def nothing_is_said_to_be_applied_that_is_not(self) -> None:
        for acks in (self.all_acks, *(operator.acks for operator in self.operators)):
            if acks._run != self.job.subtasks[0].run:
                continue  # nobody of this run was heard yet
            for record, _ in self.log.current():
                if acks.complete(record):
                    self._assert_everywhere(record)

    def teardown(self) -> None:
        """Let all come to rest: then what judges is what the resources say."""
        if not hasattr(self, "job"):
            return
        operator = Operator(self.log, self.heard_acks)
        for _ in range(_SETTLED_AFTER):
            operator.read()
            operator.list(list(self.resources.values()))
            busy = operator.publish(self.now_ms)
            for subtask in self.job.subtasks:
                self.job.consume(subtask, len(self.log.entries) + 1, self.now_ms)
                self._deliver(subtask, len(subtask.on_the_way))
            operator.hear(self.heard_acks, len(self.heard_acks))
            busy |= operator.forget() or operator.retry(self.now_ms)
            self.nothing_is_said_to_be_applied_that_is_not()
            if not busy:
                break
        else:
            raise AssertionError("it does not come to rest")
        current = {record.name: record for record, _ in self.log.current()}
        for subtask in self.job.subtasks:
            self._assert_as_resources_say(subtask, current)
        for record in current.values():
            assert not record.withdrawn, "Kafka was let forget it"
            assert operator.acks.complete(record)

    def _assert_as_resources_say(self, subtask: Subtask, current: dict[str, ConfigRecord]) -> None:
        in_force = subtask.in_force()
        assert in_force == current
        for name, resource in self.resources.items():
            if resource.spec is not None:  # else what its name had before stays
                record = in_force[name]
                assert record.spec == resource.spec
                assert record.origin is not None
                assert (record.origin.uid, record.origin.revision) == (
                    resource.uid,
                    resource.revision,
                )
        assert in_force.keys() <= self.resources.keys()

    def _assert_everywhere(self, record: ConfigRecord) -> None:
        for subtask in self.job.subtasks:
            assert subtask.newest(record.name) == record, f"false Applied at {subtask.index}"

    def _subtask(self, index: int) -> Subtask:
        return self.job.subtasks[index % len(self.job.subtasks)]

    def _deliver(self, subtask: Subtask, most: int) -> None:
        for _ in range(min(most, len(subtask.on_the_way))):
            self._hear(subtask.on_the_way.popleft())

    def _hear(self, ack: ConfigAck) -> None:
        self.heard_acks.append(ack)
        self.all_acks.add(ack)


def test_what_is_said_to_be_applied_is_and_all_comes_to_what_the_resources_say() -> None:
    run_state_machine_as_test(
        Protocol,
        settings=settings(
            max_examples=_SEQUENCES,
            stateful_step_count=_STEPS,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
