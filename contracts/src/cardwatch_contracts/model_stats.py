"""What a subtask's model has seen and said, on the topic `model-stats`."""

from typing import Final, Literal

import msgspec

from cardwatch_contracts.codec import decode

RISK_BINS: Final = 20
"""Equal parts of [0, 1] in which risks are counted."""
Role = Literal["model", "challenger"]


class SeenFeature(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One feature's values."""

    mean: float
    deviation: float
    """Standard deviation."""
    trained_mean: float
    trained_deviation: float


class ModelStats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one model of one config has seen and said in one subtask during one window.

    A subtask that starts anew begins its window anew: what it had seen since the last record is
    left out.
    """

    config: str
    role: Role
    model: str
    """The model's name."""
    hash: str
    subtask: int
    parallelism: int
    begins_at: int
    """Wall clock. Milliseconds since 1970-01-01 UTC."""
    ends_at: int
    scored: int
    """Transactions."""
    findings: int
    """Those whose risk reached the threshold."""
    risks: tuple[int, ...]
    """Transactions by risk: `RISK_BINS` counts, the lowest risks first."""
    trained_risks: tuple[float, ...]
    """The shares of the same in the model's rehearsal; empty where it had none."""
    features: dict[str, SeenFeature]
    """By name, those that the model looks at; of a sample of the transactions."""


_decoder: Final = msgspec.json.Decoder(ModelStats)


def decode_model_stats(value: bytes | None) -> ModelStats:
    """Decode one record of `model-stats`.

    Raises:
        InvalidRecordError: with the field and what is allowed.
    """
    return decode(_decoder, value)
