"""What is known of the models that judge, for pages and for Prometheus."""

import msgspec

from cardwatch_contracts.detector_config import Challenger
from cardwatch_contracts.model_stats import Role, SeenFeature


class ModelSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What one version of a model of one config has seen and said lately, in all subtasks."""

    config: str
    role: Role
    model: str
    """The model's name."""
    hash: str
    begins_at: int
    """Of the oldest window. Milliseconds since 1970-01-01 UTC."""
    ends_at: int
    """Of the newest."""
    scored: int
    """Transactions."""
    findings: int
    """Those whose risk reached the threshold."""
    scored_per_min: float
    """In the last minutes alone."""
    findings_per_min: float
    risks: tuple[int, ...]
    """Transactions by risk: `RISK_BINS` counts, the lowest risks first."""
    trained_risks: tuple[float, ...]
    """The shares of the same in training; empty: not known."""
    features: dict[str, SeenFeature]
    subtasks: int
    """That have spoken in the last minutes, of the newest parallelism."""
    parallelism: int


class ConfigModels(msgspec.Struct, frozen=True, kw_only=True):
    """The models that a config asks for, and what subtasks say to that."""

    config: str
    generation: int
    model: Challenger
    mode: str
    """`Active` or `Shadow`."""
    challenger: Challenger | None
    refused: dict[str, list[int]]
    """Why subtasks do not judge with these models, and which."""


class KeptModels(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of models."""

    seen: list[ModelSeen] = []
    """By config, the model before its challenger, the newest version of each first."""
    configs: list[ConfigModels] = []
    """By name."""
