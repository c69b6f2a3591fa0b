"""Strimzi's only condition, and how it is said."""

from datetime import UTC, datetime
from typing import Any

from tests.cluster.standins.kubernetes import Document


def condition(before: Document, problem: dict[str, str] | None) -> dict[str, Any]:
    """Return the condition Ready; its time is that of its last change.

    Args:
        before: The status until now.
        problem: Reason and message of why it is false; None: it is true.
    """
    status = "True" if problem is None else "False"
    old: Document = next((c for c in before.get("conditions") or () if c["type"] == "Ready"), {})
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    changed = old.get("lastTransitionTime", now) if old.get("status") == status else now
    return {"type": "Ready", "status": status, "lastTransitionTime": changed, **(problem or {})}


def words(status: Document) -> str:
    """Return what a status says, in a line."""
    first = (status.get("conditions") or [{"status": "Unknown"}])[0]
    said = f" ({first['reason']}: {first['message']})" if "reason" in first else ""
    return f"Ready={first['status']}{said}"
