"""What Kubernetes, Strimzi and Flink's operator say about the shape of their kinds.

Kubernetes' own kinds come from the module that Kubernetes is built from; Go fetches it once.
"""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft4Validator  # type: ignore[import-untyped]  # has no types
from tests.unit.charts.rendering import Document
from tests.unit.project.machine import REPOSITORY

KUBERNETES: Final = ("v1.30.14", "v1.36.3")
"""The oldest and the newest that the charts are for."""
_CRDS: Final = REPOSITORY.parent / "shared/crds"
_FETCH_S: Final = 600
_KIND: Final = "x-kubernetes-group-version-kind"


def errors(document: Document, kubernetes: str) -> list[str]:
    """Return what is wrong with a document, one line each. A field that is not known is wrong.

    Raises:
        LookupError: nobody here knows the kind.
    """
    validator = _validator(document["apiVersion"], document["kind"], kubernetes)
    return [
        f"{document['kind']} {document['metadata']['name']}: {error.json_path}: {error.message}"
        for error in validator.iter_errors(document)
    ]


@cache
def _validator(api_version: str, kind: str, kubernetes: str) -> Draft4Validator:
    group, _, version = api_version.rpartition("/")
    own = _definitions().get((group, version, kind))
    if own is not None:
        return Draft4Validator(own)
    schemas = _open_api(group, version, kubernetes)["components"]["schemas"]
    wanted = {"group": group, "version": version, "kind": kind}
    for name, schema in schemas.items():
        if wanted in schema.get(_KIND, ()):
            chosen = {"$ref": f"#/components/schemas/{name}"}
            return Draft4Validator({"components": {"schemas": schemas}, "allOf": [chosen]})
    raise LookupError(f"Kubernetes {kubernetes} has no {kind} in {api_version}")


@cache
def _definitions() -> dict[tuple[str, str, str], Document]:
    """Return the schemas of kinds that are not Kubernetes' own, by group, version and kind."""
    found = {}
    for path in _CRDS.glob("*/*.yaml"):
        spec = yaml.safe_load(path.read_text("utf-8"))["spec"]
        for version in spec["versions"]:
            schema = _strict(version["schema"]["openAPIV3Schema"])
            # Every resource has these, whether its definition says so or not.
            schema["properties"] = {"apiVersion": {}, "kind": {}, "metadata": {}} | schema[
                "properties"
            ]
            found[spec["group"], version["name"], spec["names"]["kind"]] = schema
    return found


@cache
def _open_api(group: str, version: str, kubernetes: str) -> Document:
    folder = _kubernetes(kubernetes) / "api/openapi-spec/v3"
    name = f"apis__{group}__{version}" if group else f"api__{version}"
    path = folder / f"{name}_openapi.json"
    if not path.exists():
        raise LookupError(f"Kubernetes {kubernetes} has no {group}/{version}")
    read: Document = json.loads(path.read_text("utf-8"))
    schemas = read["components"]["schemas"]
    read["components"]["schemas"] = {name: _strict(schema) for name, schema in schemas.items()}
    return read


@cache
def _kubernetes(version: str) -> Path:
    if shutil.which("go") is None:
        pytest.skip("Kubernetes' schemas are fetched by Go: none is on PATH")
    done = subprocess.run(
        ["go", "mod", "download", "-json", f"k8s.io/kubernetes@{version}"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=_FETCH_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(json.loads(done.stdout)["Dir"])


def _strict(schema: Any) -> Any:
    """Return the schema so that it refuses fields it does not know, as `kubectl` does."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if (
        isinstance(schema.get("properties"), dict)
        and schema.get("type") == "object"
        and "additionalProperties" not in schema
        and not schema.get("x-kubernetes-preserve-unknown-fields")
    ):
        strict["additionalProperties"] = False
    return strict
