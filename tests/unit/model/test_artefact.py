from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.unit.model.made import artefact, two_trees

from cardwatch_job.model.artefact import (
    MAX_ARTEFACT_BYTES,
    ArtefactError,
    Budget,
    Calibration,
    Combination,
    encode_artefact,
    read_artefact,
    seal,
)
from cardwatch_job.model.packed_trees import pack_trees


def test_a_model_comes_back_as_it_was() -> None:
    made = artefact()
    assert read_artefact(encode_artefact(made)) == made
    assert len(made.hash) == 64


def test_the_hash_is_that_of_all_the_rest() -> None:
    assert artefact(threshold=0.6).hash != artefact().hash
    assert artefact().hash == artefact().hash


def _document(**changes: Any) -> bytes:
    """A model's document, changed after it got its hash."""
    content = msgspec.json.decode(encode_artefact(artefact()))
    return msgspec.json.encode(content | changes)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "not JSON"),
        (b"\xff{}", "not JSON"),
        (encode_artefact(artefact())[:-20], "not JSON"),
        (b"{}", "version"),
        (b" " * (MAX_ARTEFACT_BYTES + 1), "at most"),
        (_document(version=2), "version 2; this Cardwatch reads version 1"),
        (_document(threshold=0.4), "not what its hash says"),
        (_document(threshold=1.5), "threshold"),
        (_document(extra=1), "extra"),
        (_document(hash=""), "not what its hash says"),
    ],
)
def test_what_is_broken_is_refused_and_says_why(document: bytes, said: str) -> None:
    with pytest.raises(ArtefactError, match=said):
        read_artefact(document)


def _trees_with(name: str, node: int, value: Any) -> str:
    arrays = two_trees()
    getattr(arrays, name)[node] = value
    return pack_trees(arrays)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"features": ("amount", "shoe_size")}, "not there: shoe_size"),
        ({"features": ("amount", "amount")}, "one twice"),
        ({"features": ()}, "no features"),
        ({"features_version": 1}, "features of version 1"),
        ({"scales": ()}, "one scale"),
        ({"trees": "AAAA"}, "unpacked"),
        ({"trees": _trees_with("feature", 0, 5)}, "feature that there is not"),
        ({"trees": _trees_with("value", 1, float("nan"))}, "finite"),
        (
            {"calibration": Calibration(source="ranks", raw=(0.0, 0.0), risk=(0.0, 1.0))},
            "does not rise",
        ),
        (
            {"calibration": Calibration(source="ranks", raw=(0.0, 1.0), risk=(0.0, 1.1))},
            "does not rise",
        ),
        ({"calibration": Calibration(source="ranks", raw=(0.0,), risk=(0.0,))}, "two points"),
    ],
)
def test_a_whole_model_that_no_scorer_can_use_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ArtefactError, match=said):
        read_artefact(encode_artefact(artefact(**changes)))


def test_a_number_that_is_none_does_not_survive_the_document() -> None:
    made = seal(replace(artefact(), base=float("nan")))
    with pytest.raises(ArtefactError):
        read_artefact(encode_artefact(made))


def _budget(alerts: float, threshold: float) -> Budget:
    return Budget(alerts_per_thousand_cards=alerts, threshold=threshold)


def _combined(**weights: float) -> Combination:
    return Combination(bias=weights.pop("bias", 0.0), model=1.0, detectors=weights)


def test_what_a_rehearsal_says_comes_back() -> None:
    made = artefact(
        budgets=(_budget(1.0, 0.9), _budget(5.0, 0.9), _budget(10.0, 0.2)),
        combination=_combined(bias=-0.5, amount_spike=2.0),
        trained_risks=(0.9, *(0.1 / 19,) * 19),
    )
    assert read_artefact(encode_artefact(made)) == made


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trained_risks": (1.0,)}, "not 20 shares"),
        ({"trained_risks": (1.5, *(0.0,) * 19)}, "not 20 shares"),
        ({"budgets": (_budget(2.0, 0.5), _budget(1.0, 0.4))}, "budgets do not rise"),
        ({"budgets": (_budget(1.0, 0.4), _budget(2.0, 0.5))}, "or their thresholds do"),
        ({"combination": _combined(amount_spike=-1.0)}, ">= 0"),
        ({"combination": _combined(bias=float("inf"))}, "no model"),
    ],
)
def test_a_rehearsal_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ArtefactError, match=said):
        read_artefact(encode_artefact(artefact(**changes)))
