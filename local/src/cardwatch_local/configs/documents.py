"""DetectorConfigs in YAML files. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec
import yaml

from cardwatch_contracts.codec import InvalidRecordError
from cardwatch_contracts.detector_config import (
    API_VERSION,
    KIND,
    Challenger,
    ConfigRecord,
    DetectorConfig,
    parse_detector_config,
)
from cardwatch_local.errors import StackError


def parse_documents(text: str, *, source: str) -> list[DetectorConfig]:
    """Read every document of a YAML text and check all of them.

    Args:
        text: YAML, documents divided by `---`; JSON is YAML too.
        source: what to call the text in an error.

    Raises:
        StackError: names the document, the field, what was wrong there and what is allowed.
    """
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except (yaml.YAMLError, RecursionError) as error:
        raise StackError(f"{source}: not readable as YAML: {_first_line(error)}") from None
    if not documents:
        raise StackError(f"{source}: no document in it; expected a {KIND}")
    configs: dict[str, DetectorConfig] = {}
    for number, document in enumerate(documents, start=1):
        where = f"{source}, document {number}{_name_in(document)}"
        try:
            config = parse_detector_config(document)
        except InvalidRecordError as error:
            raise StackError(f"{where}: {error}") from None
        if config.metadata.name in configs:
            raise StackError(f"{where}: the name is given twice; each document needs its own")
        configs[config.metadata.name] = config
    return list(configs.values())


def to_manifest(record: ConfigRecord) -> dict[str, Any]:
    """Return a config in force as the document a user would write, every value spelled out."""
    spec = msgspec.to_builtins(record.spec)
    if record.spec.model is not None:
        spec["model"] = _spelled_out(record.spec.model)
        if record.spec.model.challenger is not None:
            spec["model"]["challenger"] = _spelled_out(record.spec.model.challenger)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": record.name, "generation": record.generation},
        "spec": spec,
    }


def dump_manifests(records: list[ConfigRecord]) -> str:
    """Write configs as YAML, one document each."""
    return yaml.safe_dump_all(map(to_manifest, records), sort_keys=False, allow_unicode=True)


def _spelled_out(model: Challenger) -> dict[str, Any]:
    """Return every value of a model, which leaves its defaults out elsewhere."""
    return {
        field.encode_name: getattr(model, field.name) for field in msgspec.structs.fields(model)
    }


def _name_in(document: object) -> str:
    metadata = document.get("metadata") if isinstance(document, Mapping) else None
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return f" ({name})" if isinstance(name, str) else ""


def _first_line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return type(error).__name__
