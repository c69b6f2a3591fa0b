"""What subtasks say of the models they judge with, in words. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import ConfigAck, ConfigRecord

DIGITS: Final = 12
"""Of a hash, as `cardwatch model list` shows it."""


def models_in_force(acks: Iterable[ConfigAck | None], before: Mapping[str, Any]) -> dict[str, str]:
    """Return `model` and `challenger` of the status: what all subtasks judge with.

    `acks` are the subtasks' newest words on the config. A model that not all of them have is left
    out. What the status said `before` stays while no subtask has spoken.
    """
    said = [ack for ack in acks if ack is not None]
    if not said:
        return {name: before[name] for name in ("model", "challenger") if name in before}
    hashes = {
        "model": {ack.model for ack in said},
        "challenger": {ack.challenger for ack in said},
    }
    return {
        name: hash_ for name, found in hashes.items() if len(found) == 1 for hash_ in found if hash_
    }


def refusal_in_words(acks: Acknowledgements, record: ConfigRecord) -> str:
    """Return why subtasks do not judge with the models of a record, and what judges instead.

    They say both themselves.
    """
    refusals = acks.refusals(record)
    by_words: dict[str, list[int]] = {}
    for subtask, words in refusals.items():
        by_words.setdefault(words, []).append(subtask)
    return "; ".join(
        f"{subtasks_in_words(subtasks)} of {acks.parallelism}: {words}"
        for words, subtasks in by_words.items()
    )


def is_refused(acks: Acknowledgements, record: ConfigRecord) -> bool:
    """Whether all who do not judge by a record have said why: asked again they would say it again.

    They speak anew by themselves once a model is there that they can use.
    """
    missing = acks.missing(record)
    return bool(missing) and set(missing) <= acks.refusals(record).keys()


def missing_in_words(acks: Acknowledgements, record: ConfigRecord) -> str:
    """Return who has not acknowledged a record, or judges with other models than it asks for."""
    generation = f"generation {record.generation}"
    silent = acks.silent(record)
    if silent:
        who = subtasks_in_words(silent)
        return f"{who} of {acks.parallelism} did not acknowledge {generation}"
    missing = acks.missing(record)
    if missing:
        who = subtasks_in_words(missing)
        return f"{who} of {acks.parallelism} did not take the model of {generation}"
    return f"the {acks.parallelism} subtasks did not take the same model"


def subtasks_in_words(subtasks: Iterable[int]) -> str:
    """Return `subtask 1` or `subtasks 0, 1`."""
    numbers = tuple(subtasks)
    return f"subtask {numbers[0]}" if len(numbers) == 1 else f"subtasks {some(numbers)}"


def some(values: Iterable[object], most: int = 5) -> str:
    """Return the first values, and how many more there are."""
    texts = [str(value) for value in values]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
