from typing import Any

import msgspec
import pytest

from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.detector_config import (
    DEFAULT_CONFIG,
    ON_BY_DEFAULT,
    AmountSpikeConfig,
    ConfigAck,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    Origin,
    Selector,
    decode_config_ack,
    decode_config_record,
    parse_detector_config,
)

_HEAD: dict[str, Any] = {
    "apiVersion": "cardwatch.dev/v1alpha1",
    "kind": "DetectorConfig",
    "metadata": {"name": "holidays"},
}


def _parse(**spec: Any) -> DetectorConfigSpec:
    return parse_detector_config(_HEAD | {"spec": spec}).spec


def _refusal(manifest: object) -> str:
    with pytest.raises(InvalidRecordError) as refused:
        parse_detector_config(manifest)
    return str(refused.value)


def test_a_config_without_spec_has_the_defaults() -> None:
    assert parse_detector_config(_HEAD).spec == DEFAULT_CONFIG.spec


def test_what_is_given_is_taken_and_the_rest_has_its_defaults() -> None:
    spec = _parse(
        selector={"bankIds": ["bank-a"], "currencies": ["EUR", "USD"]},
        detectors={
            "amountSpike": {"mode": "Shadow", "factor": 20, "minTransactions": 8},
            "dormantCard": {"mode": "Off"},
        },
        parallelism=4,
        jobRef="trial",
    )

    assert spec.selector == Selector(bank_ids=("bank-a",), currencies=("EUR", "USD"))
    assert spec.detectors.amount_spike == AmountSpikeConfig(
        mode="Shadow", factor=20.0, min_transactions=8
    )
    assert spec.detectors.dormant_card.mode == "Off"
    assert spec.detectors.many_no_pin == Detectors().many_no_pin
    assert (spec.parallelism, spec.job_ref) == (4, "trial")


def test_the_thresholds_of_the_design_are_the_defaults() -> None:
    detectors = Detectors()

    assert (detectors.amount_spike.factor, detectors.amount_spike.min_transactions) == (10.0, 5)
    assert detectors.very_high_value.max_amount_minor == 1_000_000  # 10,000.00
    assert detectors.impossible_travel.max_speed_kmh == 900.0
    assert detectors.multi_card_distance.max_speed_kmh == 900.0
    assert detectors.rapid_transactions.min_gap_s == 10.0
    assert detectors.pin_avoidance.pin_free_limit_minor == 10_000  # 100.00
    assert detectors.pin_avoidance.margin == 0.10
    assert (detectors.pin_avoidance.min_transactions, detectors.pin_avoidance.window_s) == (3, 600)
    assert detectors.many_no_pin.min_transactions == 5
    assert detectors.dormant_card.min_silence_d == 90.0
    assert (detectors.unusual_location.min_distance_km, detectors.unusual_location.mode) == (
        500.0,
        "Off",
    )
    others = set(detectors.__struct_fields__) - {"unusual_location"}
    assert all(getattr(detectors, name).mode == "Active" for name in others)
    assert set(ON_BY_DEFAULT) == others


def test_nulls_mean_the_defaults() -> None:
    spec = _parse(
        selector={"bankIds": None, "currencies": ["EUR"]},
        effectiveFrom=None,
        detectors={"amountSpike": {"factor": None, "mode": "Off"}, "dormantCard": None},
        parallelism=None,
    )

    assert spec == DetectorConfigSpec(
        selector=Selector(currencies=("EUR",)),
        detectors=Detectors(amount_spike=AmountSpikeConfig(mode="Off")),
    )
    assert parse_detector_config(_HEAD | {"spec": None}).spec == DetectorConfigSpec()


def test_a_null_in_a_list_and_one_where_a_value_is_required_are_refused() -> None:
    assert "got `null`" in _refusal(_HEAD | {"spec": {"selector": {"bankIds": [None]}}})
    assert "required field `name`" in _refusal(_HEAD | {"metadata": {"name": None}})


def test_a_list_of_a_selector_may_have_a_hundred_entries() -> None:
    banks = [f"bank-{number}" for number in range(100)]

    assert _parse(selector={"bankIds": banks}).selector.bank_ids == tuple(banks)


@pytest.mark.parametrize("name", ["bank_ids", "currencies", "countries", "payment_systems"])
def test_a_selector_made_in_python_refuses_duplicates_too(name: str) -> None:
    with pytest.raises(ValueError, match="once"):
        Selector(**{name: ("X", "Y", "X")})


@pytest.mark.parametrize(
    ("manifest", "refusal"),
    [
        (None, "Expected `object`, got `null`"),
        ([], "Expected `object`, got `array`"),
        ({}, "Object missing required field `apiVersion`"),
        (
            _HEAD | {"apiVersion": "v1"},
            "Expected one of `cardwatch.dev/v1alpha1` - at `$.apiVersion`",
        ),
        (_HEAD | {"kind": "Deployment"}, "Expected one of `DetectorConfig` - at `$.kind`"),
        (
            _HEAD | {"spek": {}},
            "Object contains unknown field `spek`; allowed: kind, apiVersion, metadata, spec",
        ),
        (_HEAD | {"metadata": {}}, "Object missing required field `name` - at `$.metadata`"),
        (_HEAD | {"spec": []}, "Expected `object`, got `array` - at `$.spec`"),
    ],
)
def test_a_manifest_of_another_shape_is_refused(manifest: object, refusal: str) -> None:
    assert _refusal(manifest) == refusal


@pytest.mark.parametrize("name", ["", "Holidays", "-a", "a-", "a_b", "a.b", "x" * 64])
def test_a_name_that_kubernetes_would_refuse_is_refused(name: str) -> None:
    assert "- at `$.metadata.name`" in _refusal(_HEAD | {"metadata": {"name": name}})


@pytest.mark.parametrize(
    ("spec", "refusal"),
    [
        (
            {"detectors": {"amountSpike": {"factr": 3}}},
            "Object contains unknown field `factr` - at `$.spec.detectors.amountSpike`; "
            "allowed: mode, factor, minTransactions",
        ),
        (
            {"selector": {"banks": []}},
            "Object contains unknown field `banks` - at `$.spec.selector`; "
            "allowed: bankIds, currencies, countries, paymentSystems",
        ),
        (
            {"detectors": {"amountSpike": {"mode": "active"}}},
            "Expected one of `Active`, `Shadow`, `Off` - at `$.spec.detectors.amountSpike.mode`",
        ),
        (
            {"detectors": {"amountSpike": {"factor": 1}}},
            "Expected `float` > 1.0 - at `$.spec.detectors.amountSpike.factor`",
        ),
        (
            {"detectors": {"amountSpike": {"factor": "10"}}},
            "Expected `float`, got `str` - at `$.spec.detectors.amountSpike.factor`",
        ),
        (
            {"detectors": {"amountSpike": {"factor": float("nan")}}},
            "Expected `float` > 1.0 - at `$.spec.detectors.amountSpike.factor`",
        ),
        (
            {"detectors": {"manyNoPin": {"windowS": 86_401}}},
            "Expected `float` <= 86400.0 - at `$.spec.detectors.manyNoPin.windowS`",
        ),
        (
            {"detectors": {"pinAvoidance": {"minTransactions": 51}}},
            "Expected `int` <= 50 - at `$.spec.detectors.pinAvoidance.minTransactions`",
        ),
        (
            {"detectors": {"pinAvoidance": {"margin": 1.0}}},
            "Expected `float` < 1.0 - at `$.spec.detectors.pinAvoidance.margin`",
        ),
        (
            {"selector": {"currencies": ["EUR", "EURO"]}},
            "Expected `str` of length <= 3 - at `$.spec.selector.currencies[1]`",
        ),
        (
            {"selector": {"currencies": ["eur"]}},
            "- at `$.spec.selector.currencies[0]`",
        ),
        (
            {"selector": {"countries": ["DE", "fr"]}},
            "- at `$.spec.selector.countries[1]`",
        ),
        (
            {"selector": {"bankIds": [f"bank-{number}" for number in range(101)]}},
            "Expected `array` of length <= 100 - at `$.spec.selector.bankIds`",
        ),
        (
            {"selector": {"paymentSystems": ["visa", "visa"]}},
            "Expected each of `paymentSystems` once - at `$.spec.selector`",
        ),
        ({"selector": {"bankIds": "bank-a"}}, "Expected `array`, got `str`"),
        ({"parallelism": 0}, "Expected `int` >= 1 - at `$.spec.parallelism`"),
        ({"parallelism": 129}, "Expected `int` <= 128 - at `$.spec.parallelism`"),
        ({"parallelism": 1.5}, "Expected `int`, got `float` - at `$.spec.parallelism`"),
    ],
)
def test_a_bad_value_is_refused_with_its_place_and_what_is_allowed(
    spec: dict[str, Any], refusal: str
) -> None:
    assert refusal in _refusal(_HEAD | {"spec": spec})


def test_a_detector_that_does_not_exist_is_refused_with_those_that_do() -> None:
    refusal = _refusal(_HEAD | {"spec": {"detectors": {"amountSpik": {}}}})

    assert "unknown field `amountSpik` - at `$.spec.detectors`" in refusal
    for detector in msgspec.structs.fields(Detectors):
        assert detector.encode_name in refusal


@pytest.mark.parametrize(
    ("selector", "specificity"),
    [
        (Selector(), 0),
        (Selector(bank_ids=("bank-a",)), 1),
        (Selector(bank_ids=("bank-a", "bank-b"), countries=("DE",)), 2),
        (
            Selector(
                bank_ids=("a",), currencies=("EUR",), countries=("DE",), payment_systems=("visa",)
            ),
            4,
        ),
    ],
)
def test_specificity_counts_the_lists_that_are_given(selector: Selector, specificity: int) -> None:
    assert selector.specificity == specificity


def test_a_config_record_travels_with_the_names_of_the_manifest() -> None:
    record = ConfigRecord(
        name="holidays",
        generation=3,
        created_at=1_760_000_000_000,
        spec=_parse(detectors={"amountSpike": {"minTransactions": 7}}),
    )

    assert b'"minTransactions":7' in encode(record)
    assert decode_config_record(encode(record)) == record


def test_a_withdrawal_travels_with_where_it_comes_from() -> None:
    record = ConfigRecord(
        name="holidays",
        generation=4,
        created_at=1_760_000_000_000,
        withdrawn=True,
        origin=Origin(namespace="fraud", uid="4f1c", revision=3),
        changed_by="deleted",
    )

    assert b'"withdrawn":true' in encode(record)
    assert decode_config_record(encode(record)) == record


def test_an_acknowledgement_travels_whole() -> None:
    ack = ConfigAck(
        name="holidays",
        generation=3,
        subtask=0,
        parallelism=2,
        applied_at=5,
        run="8c1d",
        started_at=4,
    )

    assert b'"startedAt":4' in encode(ack)

    assert decode_config_ack(encode(ack)) == ack


@pytest.mark.parametrize("decode", [decode_config_record, decode_config_ack])
@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"{}"])
def test_a_record_that_cannot_be_read_is_refused(decode: Any, value: bytes | None) -> None:
    with pytest.raises(InvalidRecordError):
        decode(value)
