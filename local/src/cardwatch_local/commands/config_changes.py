"""What the commands that change DetectorConfigs have in common."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_local.commands import output
from cardwatch_local.commands.options import duration_option
from cardwatch_local.configs.apply import Applied, Plan, publish_and_wait
from cardwatch_local.errors import StackError
from cardwatch_local.reading.connection import Connection
from cardwatch_operator.config_topics import ConfigTopics
from cardwatch_operator.known import NOTHING_KNOWN
from cardwatch_operator.models import DIGITS, missing_in_words, refusal_in_words

_SERVICE: Final = "cardwatch-cli"
Timeout = Annotated[float, duration_option("How long to wait for the job's word.")]


def publish(connection: Connection, plan: Plan, *, timeout_s: float) -> None:
    """Publish what `plan` says, and tell what became of it.

    Raises:
        StackError: Not every subtask has acknowledged in time, or a model is refused.
    """
    tell(put(connection, plan, timeout_s=timeout_s), timeout_s=timeout_s)


def put(connection: Connection, plan: Plan, *, timeout_s: float) -> list[Applied]:
    """Publish what `plan` says, and wait for the subtasks' word."""
    exporter = connection.exporter(_SERVICE)
    outcome = publish_and_wait(connection.kafka, plan, timeout_s=timeout_s, exporter=exporter)
    if exporter is not None:
        exporter.close()
    return outcome


def tell(outcome: Sequence[Applied], *, timeout_s: float) -> None:
    """Tell what became of what was published.

    Raises:
        StackError: Not every subtask has acknowledged in time, or a model is refused.
    """
    for applied in outcome:
        output.say(sentence(applied))
    if any(applied.is_refused for applied in outcome):
        raise StackError("a model is refused; the rest of its config is in force")
    if not all(applied.is_complete for applied in outcome):
        raise StackError(f"not every subtask has acknowledged within {timeout_s:g} s")


def refuse_those_of_kubernetes(topics: ConfigTopics, names: Iterable[str]) -> None:
    """Leave configs to Kubernetes that stand there: its operator would bring them back.

    Raises:
        StackError: One of them does.
    """
    for name in names:
        current = topics.known.get(name, NOTHING_KNOWN).in_force
        if current is not None and current.origin is not None:
            raise StackError(
                f"detectorconfig/{name} is a resource of Kubernetes, in namespace "
                f"{current.origin.namespace}: change it there, with kubectl"
            )


def in_force(topics: ConfigTopics, name: str) -> ConfigRecord:
    """Return the config in force under a name.

    Raises:
        StackError: There is none.
    """
    current = topics.known.get(bare_name(name), NOTHING_KNOWN).in_force
    if current is None:
        others = sorted(other for other, known in topics.known.items() if known.in_force)
        there = ", ".join(others) or "none but the built-in one"
        raise StackError(f"no DetectorConfig {bare_name(name)!r}; there is {there}")
    return current


def bare_name(name: str) -> str:
    """Return a name without the kind that kubectl puts in front of it."""
    kind, _, bare = name.rpartition("/")
    return bare if kind in ("", "dc", "detectorconfig", "detectorconfigs") else name


def sentence(applied: Applied) -> str:
    """Return what became of a config that was published."""
    record, acks = applied.record, applied.acknowledgements
    subject = f"detectorconfig/{record.name}"
    verb = "withdrawn" if record.withdrawn else "applied"
    if acks.parallelism is None:
        return (
            f"{subject} published (generation {record.generation}), but no subtask has "
            "acknowledged it: is the job running? See `cardwatch status`"
        )
    there = f"{acks.parallelism - len(acks.missing(record))} of {acks.parallelism} subtasks"
    if not applied.is_complete:
        published = f"{subject} published (generation {record.generation}), {there}"
        if acks.refusals(record):
            return f"{published}; the model is refused: {refusal_in_words(acks, record)}"
        silent = acks.silent(record)
        if silent:
            return f"{published}; missing: subtask {', '.join(map(str, silent))}"
        return f"{published}; {missing_in_words(acks, record)}"
    models = ", ".join(hash_[:DIGITS] for hash_ in acks.models(record.name))
    judging = f", model {models}" if models else ""
    return (
        f"{subject} {verb} (generation {record.generation}, {there}{judging}, "
        f"{applied.seconds:.1f} s)"
    )
