"""The reference page of DetectorConfig: `python -m cardwatch_operator.reference`. Pure.

Fields, ranges and defaults are those of the CustomResourceDefinition; only what stands around them
is written here.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

from cardwatch_operator.crd import detector_config_crd

_ADDED: Final = re.compile(r" ?(?:Allowed|Default): .*$")
"""What a description of the CRD ends with, which has columns of its own here."""
_NOTHING: Final = "–"

_INTRODUCTION: Final = """\
<!-- Made by `python -m cardwatch_operator.reference`; a change here would be lost. -->

# DetectorConfig

A DetectorConfig says which thresholds judge which transactions. The running job takes a change
without a restart. What is left out has its default; without any DetectorConfig the built-in
defaults judge everything. {name_rule}

## How it is applied

Samples are in [k8s/detectorconfigs](../k8s/detectorconfigs).

```sh
kubectl apply -f k8s/detectorconfigs/defaults.yaml
kubectl wait --for=condition=Applied dc/default
kubectl get dc
kubectl scale dc/default --replicas=4
kubectl delete dc/default
```

`kubectl get dc` shows {columns};
with `-o wide` also {wide_columns}. `kubectl explain dc.spec` says what this page says.

Without Kubernetes the same file is given to the command line. It leaves `parallelism` and `jobRef`
alone, and it does not change what is a resource of Kubernetes.

```sh
cardwatch apply -f k8s/detectorconfigs/defaults.yaml
cardwatch get dc
cardwatch diff -f k8s/detectorconfigs/strict-for-one-bank.yaml
cardwatch history default
cardwatch rollback default
cardwatch delete default
```

## Which one judges

- One config judges a transaction, whole: what it leaves out has the built-in default, not the value
  of a wider config.
- `selector` says which transactions a config claims. Of several that claim one, the most specific
  judges: the one that gives more of the four lists.
- Among equals the oldest judges, by `metadata.creationTimestamp`; of the same second, the first by
  name. `Ready` of the other one is false with the reason `Conflict`, as long as the two claim some
  of the same transactions.
- What no config claims is judged by the built-in defaults. So is what a deleted one claimed, unless
  another claims it.
- Configs of all namespaces that the operator watches share one Kafka topic: give each its own name.
"""

_AROUND: Final = {
    "selector": """\
A transaction is selected when it fits every list that is given, by any of the list's values.
Without a list everything is selected.""",
    "effectiveFrom": """\
With it a change can be made known ahead: `Applied` holds as soon as every subtask knows it. What
is late is still judged by what was in force at its event time. A generation without it replaces all
before it; one with it replaces those that begin at its time or later.""",
    "detectors": """\
`"Off"` needs its quotes: YAML takes the bare word for a flag. As one config judges alone, a
detector in `Shadow` raises no alerts to act on for what that config selects.""",
    "parallelism": """\
The job has the parallelism of the oldest DetectorConfig that is for it; `parallelism` of the others
is ignored, and their condition `Rescaled` says `NotOwner`. When the oldest is deleted, that of the
next one counts. Left out it is the default, also for a job that runs with more subtasks: give it in
the first config. `kubectl scale` and an autoscaler change this field. The operator writes it into
the FlinkDeployment; the job goes on with its state.""",
    "jobRef": """\
The FlinkDeployment lies in the namespace of the DetectorConfig. `kubectl get dc --field-selector
spec.jobRef=NAME` lists those of a job.""",
}
"""What is to be said of a field of `spec` beside its table."""

_CONDITIONS: Final = """\
`Ready` is false with the reason of what hinders it, `Applied` first, then `Conflict`, then
`Rescaled`. Nobody can wait for `Rescaled` of a config that does not own the parallelism; `Ready`
holds without it. Each change is also an Event: `kubectl describe dc/NAME`."""

REASONS: Final = (
    ("Ready", "True", "Ready", "All is as asked.", "Nothing."),
    (
        *("Ready", "False", "Conflict"),
        "An older config is as specific and claims some of the same transactions; it judges them.",
        "Select less, or give one more list. Or delete the older one, which the message names.",
    ),
    ("Applied", "True", "Acknowledged", "Every subtask judges by this generation.", "Nothing."),
    (
        *("Applied", "False", "Publishing"),
        "The operator has not written this change to Kafka yet.",
        "Wait some seconds. If it stays: see the operator's log.",
    ),
    (
        *("Applied", "False", "NameTaken"),
        "An older DetectorConfig of another namespace has the name. Alerts say by name which "
        "config judged, so a name means one thing.",
        "Take another name.",
    ),
    (
        *("Applied", "False", "Waiting"),
        "It is in Kafka, and not every subtask has acknowledged it yet.",
        "Wait. A subtask answers when it has judged what came before.",
    ),
    (
        *("Applied", "False", "AckTimeout"),
        "Subtasks, which the message names, have not acknowledged in time. It is published again "
        "by itself, later each time; what they judged by before stays in force there.",
        "See whether the job runs: `kubectl get flinkdeployment`; then the TaskManagers' log.",
    ),
    (
        *("Applied", "False", "InvalidSpec"),
        "The spec breaks the contract, which the CRD has let pass; the generation before it, or "
        "the built-in defaults, stay in force.",
        "Correct the field that the message names. See that the CRD is of the operator's version.",
    ),
    (
        *("Rescaled", "True", "Rescaled"),
        "The job runs with `parallelism` subtasks.",
        "Nothing.",
    ),
    (
        *("Rescaled", "False", "Rescaling"),
        "The FlinkDeployment asks for it, and the job does not run with as many subtasks yet.",
        "Wait. If it stays: are there resources for the pods? `kubectl get pods`.",
    ),
    (
        *("Rescaled", "False", "NotOwner"),
        "An older DetectorConfig is for the same job: its parallelism counts.",
        "Nothing, or scale that one, which the message names.",
    ),
    (
        *("Rescaled", "False", "Refused"),
        "The Flink operator refuses the FlinkDeployment; the job goes on as it was.",
        "Read Flink's message behind it; correct the FlinkDeployment, or ask for another number.",
    ),
    (
        *("Rescaled", "Unknown", "NoFlinkDeployment"),
        "There is no FlinkDeployment of the name `jobRef` in the namespace.",
        "Make it, or delete this config and make one with the right `jobRef`.",
    ),
    (
        *("Rescaled", "Unknown", "InvalidSpec"),
        "As for `Applied`: the parallelism that is asked for is not known.",
        "As for `Applied`.",
    ),
)
"""Condition, status, reason, what it means, what to do."""

_VERSIONS: Final = """\
`{version}` is the only version. A later one is introduced like this:

- Both are served, side by side, and hold the same configs. The newer one becomes the storage
  version.
- Where fields are only added, conversion is by `None`: Kubernetes changes `apiVersion` alone. Who
  writes by the old version then drops the new fields. Where a field is renamed or means something
  else, a webhook converts both ways.
- `kubectl get {plural}.{version}.{group}` keeps working for at least two
  minor releases after the one with the newer version. The changelog says from which release the old
  version warns, and in which it ends.
- Before it ends, configs that are stored in the old version are written anew in the newer one, and
  `status.storedVersions` of the CRD names that one alone.
"""


def reference_page(crd: Mapping[str, Any]) -> str:
    """Return the Markdown page of a CustomResourceDefinition that has one version."""
    (version,) = crd["spec"]["versions"]  # with a second one, `_VERSIONS` is to be written anew
    schema = version["schema"]["openAPIV3Schema"]
    columns = version["additionalPrinterColumns"]
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    introduction = _INTRODUCTION.format(
        name_rule=" ".join(map(_sentence, _messages(schema))),
        columns=_listed(each["name"] for each in columns if not each.get("priority")),
        wide_columns=_listed(each["name"] for each in columns if each.get("priority")),
    )
    parts = [introduction]
    for name, field in spec["properties"].items():
        parts.extend(_field_section(name, field))
    parts.extend(["## status", status["description"], _status_table(status["properties"])])
    parts.extend(["## Conditions", _CONDITIONS, _reasons_table()])
    parts.append("## Versions")
    parts.append(
        _VERSIONS.format(
            version=version["name"],
            plural=crd["spec"]["names"]["plural"],
            group=crd["spec"]["group"],
        )
    )
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _field_section(name: str, field: Mapping[str, Any]) -> list[str]:
    """Return what is said of one field of `spec`: itself, or the fields below it."""
    parts = [f"## spec.{name}"]
    below = field.get("properties")
    if below is None:
        return [*parts, _spec_table({name: field}), _AROUND.get(name, "")]
    parts += [field["description"], _AROUND.get(name, "")]
    for title, struct in below.items():
        if "properties" in struct:
            parts += [f"### {title}", struct["description"], _spec_table(struct["properties"])]
    plain = {title: each for title, each in below.items() if "properties" not in each}
    return [*parts, _spec_table(plain)] if plain else parts


def _spec_table(fields: Mapping[str, Mapping[str, Any]]) -> str:
    return _table(
        ("field", "type", "allowed", "default", "meaning"),
        (
            (f"`{name}`", _type(field), _allowed(field), _default(field), _meaning(field))
            for name, field in fields.items()
        ),
    )


def _status_table(fields: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, field in fields.items():
        rows.append((f"`{name}`", _type(field), _meaning(field)))
        below = field.get("items", {}).get("properties", {})
        rows += [
            (f"`{name}[].{inner}`", _type(each), _meaning(each)) for inner, each in below.items()
        ]
    return _table(("field", "type", "meaning"), rows)


def _reasons_table() -> str:
    return _table(
        ("condition", "status", "reason", "what it means", "what to do"),
        (
            (f"`{condition}`", status, f"`{reason}`", meaning, advice)
            for condition, status, reason, meaning, advice in REASONS
        ),
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _type(field: Mapping[str, Any]) -> str:
    if field["type"] == "array":
        return f"list of {_type(field['items'])}s"
    return "time" if field.get("format") == "date-time" else str(field["type"])


def _allowed(field: Mapping[str, Any]) -> str:
    """Return which values a field takes."""
    said = []
    if "enum" in field:
        said.append(", ".join(f"`{value}`" for value in field["enum"]))
    if "maxItems" in field:
        said.append(f"up to {field['maxItems']}, each once")
        said.append(_allowed(field["items"]))
    if "minimum" in field or "maximum" in field:
        above = "above " if field.get("exclusiveMinimum") else ""
        below = "below " if field.get("exclusiveMaximum") else ""
        said.append(f"{above}{field['minimum']} to {below}{field['maximum']}")
    if "minLength" in field:
        said.append(f"{field['minLength']} to {field['maxLength']} characters")
    said.extend(_messages(field))
    return "; ".join(said) or _NOTHING


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default is None:
        return _NOTHING
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _meaning(field: Mapping[str, Any]) -> str:
    return _ADDED.sub("", field["description"])


def _messages(schema: Mapping[str, Any]) -> list[str]:
    """Return what the schema's rules say to who breaks them."""
    return [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _listed(names: Iterable[str]) -> str:
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def main() -> None:
    """Print the page."""
    sys.stdout.write(reference_page(detector_config_crd()))


if __name__ == "__main__":
    main()
