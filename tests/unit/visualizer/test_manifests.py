"""The YAML of a form is a DetectorConfig that says what was asked for."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.visualizer.forms import forms

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import (
    DEFAULT_CONFIG,
    AmountSpikeConfig,
    Challenger,
    ConfigRecord,
    DetectorConfig,
    DetectorConfigSpec,
    Detectors,
    Model,
    Origin,
    Selector,
    parse_detector_config,
)
from cardwatch_visualizer.views.manifests import (
    how_to_apply,
    in_yaml,
    manifest_of,
    values_of,
    wanted_config,
)

STRICT = DetectorConfigSpec(
    selector=Selector(bank_ids=("A",)),
    effective_from=1_760_000_400_000,
    detectors=Detectors(amount_spike=AmountSpikeConfig(factor=5.0, mode="Shadow")),
    model=Model(
        name="july",
        hash=64 * "a",
        mode="Shadow",
        challenger=Challenger(name="june", alerts_per_thousand_cards=2.5),
    ),
    parallelism=4,
    job_ref="other",
)


def wanted(
    base: DetectorConfigSpec = STRICT, name: str = "strict", **changes: Any
) -> DetectorConfig:
    values = values_of(base)
    for key, value in changes.items():
        detector, _, setting = key.partition("__")
        values[detector, setting] = value
    selector = {"bankIds": base.selector.bank_ids, "currencies": base.selector.currencies}
    return wanted_config(base, name, selector, values)


def test_a_form_that_nobody_touched_asks_for_what_is() -> None:
    assert wanted().spec == STRICT
    assert wanted(DetectorConfigSpec()).spec == DetectorConfigSpec()


def test_what_was_edited_is_in_the_manifest_and_what_is_a_default_is_not() -> None:
    config = wanted(rapid_transactions__min_gap_s=3, amount_spike__mode="Off")
    assert manifest_of(config, STRICT, namespace="cards") == {
        "apiVersion": "cardwatch.dev/v1alpha1",
        "kind": "DetectorConfig",
        "metadata": {"name": "strict", "namespace": "cards"},
        "spec": {
            "selector": {"bankIds": ["A"]},
            "effectiveFrom": 1_760_000_400_000,
            "detectors": {
                "amountSpike": {"mode": "Off", "factor": 5.0},
                "rapidTransactions": {"minGapS": 3.0},
            },
            # Whoever applies what was edited must not withdraw the models unawares.
            "model": {
                "name": "july",
                "hash": 64 * "a",
                "mode": "Shadow",
                "challenger": {"name": "june", "alertsPerThousandCards": 2.5},
            },
            "parallelism": 4,
            "jobRef": "other",
        },
    }


def test_what_goes_back_to_its_default_is_written_out() -> None:
    config = wanted(amount_spike__factor=10)
    assert manifest_of(config, STRICT)["spec"]["detectors"]["amountSpike"] == {
        "mode": "Shadow",
        "factor": 10.0,
    }
    assert manifest_of(wanted(DetectorConfigSpec()))["spec"] == {}


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_field_is_the_default(value: object) -> None:
    assert wanted(amount_spike__factor=value).spec.detectors.amount_spike.factor == 10


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount_spike__factor": 1}, "factor"),
        ({"amount_spike__min_transactions": 2.5}, "minTransactions"),
        ({"amount_spike__min_transactions": 51}, "minTransactions"),
        ({"pin_avoidance__margin": "a lot"}, "margin"),
        ({"amount_spike__mode": "Loud"}, "Active"),
        ({"name": "Not a name"}, "name"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_not_allowed_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRecordError, match=said):
        wanted(**changes)


def test_a_whole_number_may_come_as_a_float_or_a_text() -> None:
    for value in (7.0, "7", "7.0"):
        config = wanted(amount_spike__min_transactions=value)
        assert config.spec.detectors.amount_spike.min_transactions == 7


def test_a_card_number_is_refused_and_not_repeated() -> None:
    for name, selector in (
        ("strict", {"bankIds": ["4111 1111 1111 1111"]}),
        ("4111111111111111", {}),
    ):
        with pytest.raises(InvalidRecordError) as refused:
            wanted_config(STRICT, name, selector, values_of(STRICT))
        assert "4111" not in str(refused.value)


def test_yaml_keeps_what_looks_like_something_else() -> None:
    base = DetectorConfigSpec(selector=Selector(bank_ids=("no", "1e3", "a: b # c", "Łódź")))
    text = in_yaml(manifest_of(wanted(base, "on", amount_spike__mode="Off"), base))
    assert "'Off'" in text
    read = parse_detector_config(yaml.safe_load(text))
    assert read.metadata.name == "on"
    assert read.spec.selector == base.selector
    assert read.spec.detectors.amount_spike.mode == "Off"


@given(forms(), st.lists(st.text("ABC: #-'\"", min_size=1, max_size=8), max_size=3, unique=True))
def test_whatever_is_asked_for_is_what_the_yaml_says(
    values: dict[tuple[str, str], Any], banks: list[str]
) -> None:
    config = wanted_config(STRICT, "strict", {"bankIds": banks}, values)
    text = in_yaml(manifest_of(config, STRICT))
    assert parse_detector_config(yaml.safe_load(text)) == config


def test_a_change_goes_where_the_config_stands() -> None:
    on_kubernetes = ConfigRecord(
        name="a", generation=1, created_at=0, origin=Origin(namespace="n", uid="u", revision=1)
    )
    by_hand = ConfigRecord(name="a", generation=1, created_at=0)
    assert how_to_apply(on_kubernetes, "a") == "kubectl apply -f a.yaml"
    assert how_to_apply(by_hand, "a") == "cardwatch apply -f a.yaml"
    assert how_to_apply(DEFAULT_CONFIG, "b") == (
        "kubectl apply -f b.yaml or, without Kubernetes, cardwatch apply -f b.yaml"
    )
