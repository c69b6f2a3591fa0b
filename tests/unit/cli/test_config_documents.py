import pytest
import yaml

from cardwatch_contracts.detector_config import ConfigRecord, parse_detector_config
from cardwatch_local.configs.documents import dump_manifests, parse_documents
from cardwatch_local.errors import StackError

STRICT = """
apiVersion: cardwatch.dev/v1alpha1
kind: DetectorConfig
metadata: {name: strict}
spec: {detectors: {amountSpike: {factor: 5}}}
"""


def test_every_document_of_a_file_is_read() -> None:
    text = f"{STRICT}---\n---{STRICT.replace('strict', 'lenient')}"
    assert [c.metadata.name for c in parse_documents(text, source="x")] == ["strict", "lenient"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "x: no document in it"),
        ("a: [", "x: not readable as YAML: line 1"),
        (STRICT.replace("5", "0"), r"x, document 1 \(strict\): Expected .* > 1.*factor"),
        (STRICT.replace("factor", "faktor"), r"strict.*faktor.*allowed: mode, factor"),
        (f"{STRICT}---{STRICT}", "document 2 .*name is given twice"),
        ("- 1", "x, document 1: Expected `object`"),
        (STRICT.replace("DetectorConfig", "Pod"), r"x, document 1 \(strict\): .*kind"),
    ],
)
def test_a_bad_document_is_named_with_what_is_allowed(text: str, named: str) -> None:
    with pytest.raises(StackError, match=named):
        parse_documents(text, source="x")


def test_what_is_shown_can_be_applied_again() -> None:
    (config,) = parse_documents(STRICT, source="x")
    record = ConfigRecord(name="strict", generation=3, created_at=1, spec=config.spec)
    (again,) = yaml.safe_load_all(dump_manifests([record]))
    assert parse_detector_config(again) == config


def test_every_value_of_a_model_is_shown_and_can_be_applied_again() -> None:
    (config,) = parse_documents(
        STRICT.replace(
            "detectors:", "model: {name: habits, challenger: {name: trial}}, detectors:"
        ),
        source="x",
    )
    record = ConfigRecord(name="strict", generation=3, created_at=1, spec=config.spec)
    (again,) = yaml.safe_load_all(dump_manifests([record]))
    assert again["spec"]["model"] == {
        "name": "habits",
        "hash": None,
        "threshold": None,
        "alertsPerThousandCards": None,
        "mode": "Active",
        "challenger": {
            "name": "trial",
            "hash": None,
            "threshold": None,
            "alertsPerThousandCards": None,
        },
    }
    assert parse_detector_config(again) == config


def test_a_model_in_a_wrong_mode_is_answered_with_the_modes_there_are() -> None:
    text = STRICT.replace("detectors:", "model: {name: habits, mode: on trial}, detectors:")
    with pytest.raises(StackError, match=r"one of `Active`, `Shadow`, `Off` - at `\$.spec.model"):
        parse_documents(text, source="x")
