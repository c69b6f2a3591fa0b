"""The schema of a DetectorConfig's `status`."""

from typing import Any, Final


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _number(description: str) -> dict[str, Any]:
    return {"type": "integer", "format": "int64", "description": description}


STATUS: Final = {
    "type": "object",
    "description": "What has become of it; written by the operator.",
    "properties": {
        "observedGeneration": _number("`metadata.generation` that the rest speaks of."),
        "appliedGeneration": _number(
            "Generation that every subtask judges by, or last did; alerts carry it. That of the "
            "resource, unless another one had its name before."
        ),
        "appliedAt": {**_text("When the last subtask acknowledged it."), "format": "date-time"},
        "millisecondsToApply": _number("From publishing it to the last acknowledgement."),
        "selects": _text("What the generation in force selects, in a line."),
        "subtasks": _text("How many subtasks judge by the newest generation, of how many."),
        "model": _text(
            "Hash of the model that every subtask judges with; absent: by rules alone, or they "
            "do not judge with the same one yet."
        ),
        "challenger": _text("Hash of the model on trial, as `model`."),
        "parallelism": _number("Subtasks the job runs with."),
        "alertsPerMinute": _number(
            "Alerts in the last full minute that say its name; those in the shadow are left out."
        ),
        "labelSelector": _text("The pods that share the load, for an autoscaler."),
        "conditions": {
            "type": "array",
            "description": (
                "`Applied`: every subtask judges by this generation, with the models it asks for. "
                "`Rescaled`: the job runs with `parallelism` subtasks. `Ready`: all is as asked."
            ),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "items": {
                "type": "object",
                "required": ["type", "status", "reason", "message", "lastTransitionTime"],
                "properties": {
                    "type": _text("`Ready`, `Applied` or `Rescaled`."),
                    "status": {
                        **_text("Whether it holds."),
                        "enum": ["True", "False", "Unknown"],
                    },
                    "reason": _text("Why, in a word."),
                    "message": _text("Why, in a sentence."),
                    "observedGeneration": _number("`metadata.generation` it speaks of."),
                    "lastTransitionTime": {
                        **_text("When `status` last changed."),
                        "format": "date-time",
                    },
                },
            },
        },
    },
}
