"""Parts of documents that more than one stand-in's resource needs. Pure."""

import base64
import hashlib
from collections.abc import Mapping

from tests.cluster.standins.kubernetes import Document


def owned(
    by: Document,
    api_version: str,
    kind: str,
    name: str,
    body: Document,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
) -> Document:
    """Return a document in the namespace of the resource `by`, which goes when that goes."""
    owner = {
        "apiVersion": by["apiVersion"],
        "kind": by["kind"],
        "name": by["metadata"]["name"],
        "uid": by["metadata"]["uid"],
        "controller": False,
        "blockOwnerDeletion": False,
    }
    metadata = {
        "name": name,
        "namespace": by["metadata"]["namespace"],
        "labels": dict(labels),
        **({"annotations": dict(annotations)} if annotations else {}),
        "ownerReferences": [owner],
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def secret_body(content: Mapping[str, bytes]) -> Document:
    """Return what makes a document a Secret of some content."""
    data = {key: base64.b64encode(value).decode() for key, value in content.items()}
    return {"type": "Opaque", "data": data}


def content_of(secret: Document | None) -> dict[str, bytes]:
    """Return what a Secret holds; nothing where there is none."""
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value) for key, value in data.items()}


def digest(text: str) -> str:
    """Return a short text that is another when `text` is."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
