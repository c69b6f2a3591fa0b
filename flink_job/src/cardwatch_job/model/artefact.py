"""A trained model as one JSON document: what is in it, how it is read, and what is refused.

The document's `hash` is that of all the rest: two who say the same hash have the same model.
"""

import math
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from cardwatch_contracts.codec import explained
from cardwatch_contracts.detector_config import ModelName
from cardwatch_contracts.model_stats import RISK_BINS
from cardwatch_job.model.features import FEATURES, FEATURES_VERSION
from cardwatch_job.model.packed_trees import unpack_trees
from cardwatch_job.model.trees import BrokenTreesError, TreeArrays

ARTEFACT_VERSION: Final = 1
"""Raised by a change that an older Cardwatch would misread."""
MAX_ARTEFACT_BYTES: Final = 8 * 1024 * 1024
"""Longest document that is read."""

Kind = Literal["isolationForest", "boostedTrees"]


class ArtefactError(ValueError):
    """A document that is no model of this version; the message says why, and what is allowed."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A part of the document."""


class Scale(_Part, frozen=True, kw_only=True):
    """What a feature was like in training: what live values are held against."""

    mean: float
    deviation: Annotated[float, Meta(ge=0)]


class Calibration(_Part, frozen=True, kw_only=True):
    """How a raw score becomes a risk in [0, 1]: straight lines between points, both rising."""

    source: Literal["labels", "ranks"]
    """`labels`: the share of payments with such a score that were fraudulent. `ranks`: no label
    was known; the share of payments in training that score lower."""
    raw: tuple[float, ...]
    risk: tuple[float, ...]


class Combination(_Part, frozen=True, kw_only=True):
    """How the model's risk and rules' findings become one risk (logistic regression)."""

    bias: float
    model: Annotated[float, Meta(ge=0)]
    """Weight of the log-odds of the model's risk."""
    detectors: dict[str, Annotated[float, Meta(ge=0)]]
    """What a finding of each rule adds, by its name; a rule that could not be tried is left out."""


class Budget(_Part, frozen=True, kw_only=True):
    """What the rehearsal says of a budget of alerts."""

    alerts_per_thousand_cards: Annotated[float, Meta(gt=0)]
    """A day."""
    threshold: Annotated[float, Meta(ge=0, le=1)]
    """The lowest that kept to it."""


class Training(_Part, frozen=True, kw_only=True):
    """What a model was trained from. Times in milliseconds since 1970-01-01 UTC."""

    begins_ms: int
    ends_ms: int
    """Exclusive."""
    known_until_ms: int
    """Labels that became known later were not used."""
    transactions: Annotated[int, Meta(ge=1)]
    frauds: Annotated[int, Meta(ge=0)]
    """Those known by then."""
    users: Annotated[int, Meta(ge=1)]
    seed: int


class Artefact(_Part, frozen=True, kw_only=True):
    """A trained model."""

    version: int = ARTEFACT_VERSION
    features_version: int = FEATURES_VERSION
    name: ModelName
    kind: Kind
    features: tuple[str, ...]
    """Which features it looks at, in the order of its trees' numbers."""
    scales: tuple[Scale, ...]
    """One a feature."""
    base: float
    """What every raw score begins with."""
    trees: str
    """Packed by `pack_trees`."""
    calibration: Calibration
    threshold: Annotated[float, Meta(ge=0, le=1)]
    """From this risk on there is a finding."""
    alerts_per_thousand_cards_a_day: Annotated[float, Meta(gt=0)] | None = None
    """The budget that the threshold was set for; None where the threshold itself was given."""
    budgets: tuple[Budget, ...] = ()
    """Thresholds for other budgets, the least budget first; empty where there was no rehearsal."""
    combination: Combination | None = None
    """Fitted in the rehearsal; None where rules or labels were not enough."""
    trained_risks: tuple[float, ...] = ()
    """The shares of the rehearsal's risks in `RISK_BINS` equal parts of [0, 1], lowest first."""
    training: Training
    metrics: dict[str, float] = {}
    """Measured on what came after training; empty where nothing did."""
    hash: str = ""
    """SHA-256 of the document with this field empty, in hexadecimal."""

    def tree_arrays(self) -> TreeArrays:
        """Return the trees, checked.

        Raises:
            ArtefactError: they are broken.
        """
        try:
            arrays = unpack_trees(self.trees)
            arrays.check(len(self.features))
        except BrokenTreesError as error:
            raise ArtefactError(f"broken: {error}") from None
        return arrays


class _Version(msgspec.Struct):
    version: int


_decoder: Final = msgspec.json.Decoder(Artefact)
_version_decoder: Final = msgspec.json.Decoder(_Version)


def seal(artefact: Artefact) -> Artefact:
    """Return the artefact with its hash."""
    return replace(artefact, hash=_hash_of(artefact))


def encode_artefact(artefact: Artefact) -> bytes:
    """Return the document."""
    return msgspec.json.encode(artefact)


def read_artefact(document: bytes) -> Artefact:
    """Read a document, and check that a scorer can work with it.

    Raises:
        ArtefactError: it is broken, of another version, or wants other features.
    """
    if len(document) > MAX_ARTEFACT_BYTES:
        raise ArtefactError(f"{len(document):,} bytes; at most {MAX_ARTEFACT_BYTES:,} are allowed")
    try:
        version = _version_decoder.decode(document).version
        if version != ARTEFACT_VERSION:
            raise ArtefactError(
                f"a model of version {version}; this Cardwatch reads version {ARTEFACT_VERSION}: "
                "train it again"
            )
        artefact = _decoder.decode(document)
    except msgspec.ValidationError as error:
        raise ArtefactError(f"no model: {explained(error, Artefact)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ArtefactError("no model: not JSON") from None
    _check(artefact)
    return artefact


def _check(artefact: Artefact) -> None:
    if artefact.hash != _hash_of(artefact):
        raise ArtefactError("broken: its content is not what its hash says")
    if artefact.features_version != FEATURES_VERSION:
        raise ArtefactError(
            f"trained on features of version {artefact.features_version}; "
            f"these are of version {FEATURES_VERSION}: train it again"
        )
    unknown = [name for name in artefact.features if name not in FEATURES]
    if unknown or not artefact.features or len(set(artefact.features)) != len(artefact.features):
        raise ArtefactError(
            f"features that are not there: {', '.join(unknown)}"
            if unknown
            else "broken: no features, or one twice"
        )
    if len(artefact.scales) != len(artefact.features):
        raise ArtefactError("broken: not one scale for each feature")
    _check_numbers(artefact)
    _check_rehearsal(artefact)
    artefact.tree_arrays()


def _check_numbers(artefact: Artefact) -> None:
    calibration = artefact.calibration
    numbers = (artefact.base, *calibration.raw, *calibration.risk)
    if not all(map(math.isfinite, numbers)):
        raise ArtefactError("broken: a number is not finite")
    risk = calibration.risk
    if len(calibration.raw) != len(risk) or len(risk) < 2:
        raise ArtefactError("broken: the calibration has not two points or more")
    if not _rises(calibration.raw) or not _rises(risk) or risk[0] < 0 or risk[-1] > 1:
        raise ArtefactError("broken: the calibration does not rise within [0, 1]")


def _check_rehearsal(artefact: Artefact) -> None:
    combination = artefact.combination
    if combination is not None:
        weights = (combination.bias, combination.model, *combination.detectors.values())
        if not all(map(math.isfinite, weights)):
            raise ArtefactError("broken: a weight of the combination is not finite")
    shares = artefact.trained_risks
    if shares and (len(shares) != RISK_BINS or not all(0 <= share <= 1 for share in shares)):
        raise ArtefactError(f"broken: the rehearsal's risks are not {RISK_BINS} shares")
    budgets = tuple(each.alerts_per_thousand_cards for each in artefact.budgets)
    thresholds = [each.threshold for each in artefact.budgets]
    if not _rises(budgets) or thresholds != sorted(thresholds, reverse=True):
        raise ArtefactError("broken: the budgets do not rise, or their thresholds do")


def _rises(numbers: tuple[float, ...]) -> bool:
    return all(first < second for first, second in pairwise(numbers))


def _hash_of(artefact: Artefact) -> str:
    return sha256(encode_artefact(replace(artefact, hash=""))).hexdigest()
