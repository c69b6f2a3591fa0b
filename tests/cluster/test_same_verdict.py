"""Kubernetes and the typed spec accept and refuse the same DetectorConfigs."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.cluster import Cluster

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import API_VERSION, KIND, parse_detector_config

_HASH = "0123456789abcdef" * 4
_TOO_MANY = [f"bank-{number}" for number in range(101)]

GOOD: list[tuple[str, Any]] = [
    ("nothing", {}),
    ("null for nothing", None),
    ("a null field", {"effectiveFrom": None}),
    ("a null detector", {"detectors": {"amountSpike": None}}),
    ("a null mode", {"detectors": {"amountSpike": {"mode": None}}}),
    (
        "every list of the selector",
        {
            "selector": {
                "bankIds": ["bank-a", "Bank B"],
                "currencies": ["EUR", "USD"],
                "countries": ["DE"],
                "paymentSystems": ["visa"],
            }
        },
    ),
    ("a hundred banks", {"selector": {"bankIds": _TOO_MANY[:100]}}),
    ("a bank with 128 letters", {"selector": {"bankIds": ["ä" * 128]}}),
    ("a whole number for a fraction", {"detectors": {"amountSpike": {"factor": 5}}}),
    ("the largest factor", {"detectors": {"amountSpike": {"factor": 10_000}}}),
    ("just above the smallest factor", {"detectors": {"amountSpike": {"factor": 1.0000001}}}),
    ("the shadow mode", {"detectors": {"dormantCard": {"mode": "Shadow"}}}),
    ("off", {"detectors": {"negativeAmount": {"mode": "Off"}}}),
    ("the smallest count", {"detectors": {"manyNoPin": {"minTransactions": 1}}}),
    ("a distance of nothing", {"detectors": {"impossibleTravel": {"minDistanceKm": 0}}}),
    ("the beginning of time", {"effectiveFrom": 0}),
    ("128 subtasks", {"parallelism": 128}),
    ("another job", {"jobRef": "cardwatch-eu"}),
    ("a null model", {"model": None}),
    ("a model by its name", {"model": {"name": "habits"}}),
    ("a model with a name of 63 letters", {"model": {"name": "m" * 63}}),
    ("a model with dots in its name", {"model": {"name": "habits-2.1"}}),
    (
        "all of a model",
        {
            "model": {
                "name": "habits",
                "hash": _HASH,
                "threshold": 0,
                "mode": "Shadow",
                "challenger": {"name": "trial", "hash": _HASH, "alertsPerThousandCards": 1000},
            }
        },
    ),
    ("a model that is off", {"model": {"name": "habits", "mode": "Off"}}),
    ("a null hash", {"model": {"name": "habits", "hash": None, "challenger": None}}),
    (
        "a null threshold beside a budget",
        {"model": {"name": "habits", "threshold": None, "alertsPerThousandCards": 2.5}},
    ),
]
BAD: list[tuple[str, Any]] = [
    ("a text", "strict"),
    ("a list", []),
    ("an unknown field", {"thresholds": {}}),
    ("an unknown detector", {"detectors": {"amountSpikes": {}}}),
    ("an unknown threshold", {"detectors": {"amountSpike": {"treshold": 3}}}),
    ("a threshold of another detector", {"detectors": {"negativeAmount": {"factor": 3}}}),
    ("a mode in small letters", {"detectors": {"amountSpike": {"mode": "active"}}}),
    ("no mode", {"detectors": {"amountSpike": {"mode": ""}}}),
    ("a text for a number", {"detectors": {"amountSpike": {"factor": "10"}}}),
    ("a factor of one", {"detectors": {"amountSpike": {"factor": 1}}}),
    ("a factor above the largest", {"detectors": {"amountSpike": {"factor": 10_000.1}}}),
    ("a negative amount", {"detectors": {"veryHighValue": {"maxAmountMinor": -1}}}),
    ("an amount of nothing", {"detectors": {"veryHighValue": {"maxAmountMinor": 0}}}),
    ("a fraction of a cent", {"detectors": {"veryHighValue": {"maxAmountMinor": 10.5}}}),
    (
        "an amount beyond all money",
        {"detectors": {"veryHighValue": {"maxAmountMinor": 10**15 + 1}}},
    ),
    ("a margin of one", {"detectors": {"pinAvoidance": {"margin": 1}}}),
    ("no window", {"detectors": {"manyNoPin": {"windowS": 0}}}),
    ("a window longer than a day", {"detectors": {"manyNoPin": {"windowS": 86_401}}}),
    ("51 transactions", {"detectors": {"manyNoPin": {"minTransactions": 51}}}),
    ("a negative distance", {"detectors": {"impossibleTravel": {"minDistanceKm": -1}}}),
    ("truth for a count", {"detectors": {"manyNoPin": {"minTransactions": True}}}),
    ("a bank without a name", {"selector": {"bankIds": [""]}}),
    ("a bank with 129 letters", {"selector": {"bankIds": ["b" * 129]}}),
    ("a hundred and one banks", {"selector": {"bankIds": _TOO_MANY}}),
    ("10,000 banks", {"selector": {"bankIds": [f"bank-{n}" for n in range(10_000)]}}),
    ("a bank twice", {"selector": {"bankIds": ["bank-a", "bank-a"]}}),
    ("one bank instead of a list", {"selector": {"bankIds": "bank-a"}}),
    ("null among banks", {"selector": {"bankIds": ["bank-a", None]}}),
    ("a currency in small letters", {"selector": {"currencies": ["eur"]}}),
    ("a currency of four letters", {"selector": {"currencies": ["EURO"]}}),
    ("a country with a line's end", {"selector": {"countries": ["DE\n"]}}),
    ("a country in digits", {"selector": {"countries": ["49"]}}),
    ("a time before all time", {"effectiveFrom": -1}),
    ("a time after all time", {"effectiveFrom": 4_102_444_800_000}),
    ("a date for a time", {"effectiveFrom": "2026-01-01"}),
    ("no subtasks", {"parallelism": 0}),
    ("129 subtasks", {"parallelism": 129}),
    ("one and a half subtasks", {"parallelism": 1.5}),
    ("a job without a name", {"jobRef": ""}),
    ("a job with 64 letters", {"jobRef": "j" * 64}),
    ("a job that is a path", {"jobRef": "../../secrets"}),
    ("a job with a line's end", {"jobRef": "cardwatch\n"}),
    ("a model without a name", {"model": {}}),
    ("a model as a text", {"model": "habits"}),
    ("a model with a null name", {"model": {"name": None}}),
    ("a model with an empty name", {"model": {"name": ""}}),
    ("a model with a name of 64 letters", {"model": {"name": "m" * 64}}),
    ("a model with a capital letter", {"model": {"name": "Habits"}}),
    ("a model that is a path", {"model": {"name": "habits/1"}}),
    ("a model with a line's end", {"model": {"name": "habits\n"}}),
    ("a hash in capital letters", {"model": {"name": "habits", "hash": _HASH.upper()}}),
    ("a hash of 12 digits", {"model": {"name": "habits", "hash": _HASH[:12]}}),
    ("a threshold above one", {"model": {"name": "habits", "threshold": 1.01}}),
    ("a budget of nothing", {"model": {"name": "habits", "alertsPerThousandCards": 0}}),
    (
        "a threshold and a budget",
        {"model": {"name": "habits", "threshold": 0.5, "alertsPerThousandCards": 2}},
    ),
    ("a model in the wrong mode", {"model": {"name": "habits", "mode": "active"}}),
    ("a challenger without a name", {"model": {"name": "habits", "challenger": {}}}),
    (
        "a challenger with a mode",
        {"model": {"name": "habits", "challenger": {"name": "trial", "mode": "Active"}}},
    ),
    (
        "a challenger with a threshold and a budget",
        {
            "model": {
                "name": "habits",
                "challenger": {"name": "t", "threshold": 0.5, "alertsPerThousandCards": 2},
            }
        },
    ),
]


@pytest.mark.timeout(1800)  # the first test builds Kubernetes, where nobody has yet
@pytest.mark.parametrize(
    ("spec", "accepted"),
    [pytest.param(spec, True, id=name) for name, spec in GOOD]
    + [pytest.param(spec, False, id=name) for name, spec in BAD],
)
def test_both_say_the_same_of(api: Cluster, spec: Any, accepted: bool) -> None:
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "strict"}}
    if spec is not None:
        document["spec"] = spec
    was_accepted, answer = api.try_create("detectorconfigs", document)
    assert was_accepted == accepted, answer
    assert _is_parsed(document) == accepted


@pytest.mark.parametrize(
    ("name", "accepted"),
    [("strict-2", True), ("strict.eu", False), ("a" * 63, True), ("a" * 64, False)],
)
def test_both_say_the_same_of_a_name(api: Cluster, name: str, accepted: bool) -> None:
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": {}}
    was_accepted, answer = api.try_create("detectorconfigs", document)
    assert was_accepted == accepted, answer
    assert _is_parsed(document) == accepted


def test_defaults_are_those_of_the_typed_spec(api: Cluster) -> None:
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "empty"}}
    _, answer = api.try_create("detectorconfigs", document)
    stored = parse_detector_config(
        {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "a"}, "spec": answer["spec"]}
    )
    assert answer["spec"]["detectors"]["amountSpike"]["factor"] == 10
    assert stored.spec == parse_detector_config(document).spec


def test_every_sample_is_accepted_and_shown(api: Cluster) -> None:
    folder = Path(__file__).parents[2] / "k8s" / "detectorconfigs"
    api.kubectl("apply", "-f", str(folder))
    shown = api.kubectl("get", "cardwatch", "-o", "name").stdout
    for path in folder.glob("*.yaml"):
        assert f"/{yaml.safe_load(path.read_text())['metadata']['name']}\n" in shown
    api.kubectl("delete", "-f", str(folder))


def test_a_threshold_and_a_budget_are_refused_in_words(api: Cluster) -> None:
    spec = {"model": {"name": "habits", "threshold": 0.5, "alertsPerThousandCards": 2}}
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "m"}, "spec": spec}
    words = "`threshold` or `alertsPerThousandCards`, not both"
    assert words in api.try_create("detectorconfigs", document)[1]
    with pytest.raises(InvalidRecordError, match=words):
        parse_detector_config(document)


def test_explain_reads_like_documentation(api: Cluster) -> None:
    said = api.kubectl("explain", "detectorconfig.spec.detectors.pinAvoidance.margin").stdout
    assert "as a share of it" in said
    assert "Allowed: above 0 to below 1. Default: 0.1." in " ".join(said.split())


def _is_parsed(document: dict[str, Any]) -> bool:
    try:
        parse_detector_config(document)
    except InvalidRecordError:
        return False
    return True
